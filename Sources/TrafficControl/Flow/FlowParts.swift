/// What the filters of one mask say under `options.keys`: found once for all of them.
struct FlowParts: Sendable {
    /// In the order of their names.
    let keys: [FlowKey]
    let hasOutermostLabel: Bool
    /// Whether entries of the label stack count that lie within the outermost one.
    let hasInnerLabels: Bool
    let hasCFM: Bool

    init(_ mask: FlowBits) {
        keys = FlowKey.inOrder.filter { mask[$0.field] != 0 }
        hasOutermostLabel = mask[.mpls1] != 0
        hasInnerLabels = FlowField.mpls.dropFirst().contains { mask[$0] != 0 }
        hasCFM = mask[.cfmLevel] | mask[.cfmOpcode] != 0
    }
}
