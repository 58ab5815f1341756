internal import Bytes
internal import ChangeLog
internal import ControlPlane
internal import Routing

/// The frame of a replay's row.
struct ReplayForm: EntryForm {
    static var room: Int { 256 }
    static var showsStatusFlags: Bool { false }

    let format: EventFormat
    let showsHardware: Bool

    @inline(__always)
    func write(_ row: EntryRow, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        let number = DecimalText(row.version.rawValue)
        switch format {
        case .serverSentEvents: output.append(literal: "event: route\ndata: {\"op\":\"replay\",\"seq\":")
        case .ndjson: output.append(literal: "{\"event\":\"route\",\"data\":{\"op\":\"replay\",\"seq\":")
        }
        output.append(number)
        output.append(literal: ",\"version\":")
        output.append(number)
        output.append(literal: ",\"entry\":")
        row.writeEntry(text, to: &output)
        output.append(literal: ",\"h\":\"")
        output.append(row.hash)
        output.append(UInt8(ascii: "\""))
        if showsHardware { row.writeHardware(text, to: &output) }
        switch format {
        case .serverSentEvents: output.append(literal: "}\n\n")
        case .ndjson: output.append(literal: "}}\n")
        }
    }
}

/// The frame of a change, but for what it says of the transaction, and its end.
struct ChangeForm: EntryForm {
    static var room: Int { 512 }
    static var showsStatusFlags: Bool { false }

    let encoder: EventEncoder
    let sequence: ChangeSequence
    let version: ChangeSequence
    let previous: ChangeSequence
    let selected: SelectedChange

    func write(_ row: EntryRow, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        let number = DecimalText(sequence.rawValue)
        output.append(literal: encoder.words.change)
        output.append(copying: encoder.cursorHead)
        output.append(number)
        output.append(copying: encoder.cursorTail)
        output.append(literal: encoder.words.operation)
        output.append(copying: selected.operation.nameBytes)
        output.append(literal: "\",\"seq\":")
        output.append(number)
        output.append(literal: ",\"version\":")
        output.append(decimal: version.rawValue)
        output.append(literal: ",\"prev\":")
        output.append(decimal: previous.rawValue)
        output.append(literal: ",\"entry\":")
        row.writeEntry(text, to: &output)
        write(selected.new?.hash, ",\"h\":\"", to: &output)
        write(selected.old?.hash, ",\"was\":\"", to: &output)
        if encoder.showsHardware, selected.new != nil { row.writeHardware(text, to: &output) }
    }

    private func write(_ hash: EntryHash?, _ name: StaticString, to output: inout OutputSpan<UInt8>) {
        guard let hash else { return }
        output.append(literal: name)
        output.append(hash)
        output.append(UInt8(ascii: "\""))
    }
}

extension ChangeOperation {
    fileprivate var nameBytes: [UInt8] { Self.allNameBytes[Int(rawValue)] }
    private static let allNameBytes = allCases.map { Array($0.name.utf8) }
}
