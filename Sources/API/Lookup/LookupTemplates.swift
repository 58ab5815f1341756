internal import Addressing
internal import Bytes
internal import Routing

/// Answers of one request: a table has many routes and few ways, so that most of an answer's text need be written only once.
///
/// All of one request are about one state and of packets that differ in their destinations alone, so that it is the same answer
/// but for the destination and the prefix wherever the first find is the same. What it names must stay as long as it is used.
struct LookupTemplates {
    /// The text of an answer in three pieces, between which the destination and the prefix belong.
    private struct Template {
        let table: TableID
        let info: ObjectIdentifier
        let start: Int
        // Where the text goes on behind …
        /// … the destination.
        let destination: Int
        /// … the prefix.
        let route: Int
        let end: Int
    }

    /// Of one family.
    private var slots: [Template?] = Array(repeating: nil, count: 512)
    private var text: [UInt8] = []
    /// An info can be in so many slots one behind the other; if others have them all, it takes the first.
    private static var reach: Int { 8 }
    /// Texts of templates that lost their slot stay until there is this much, and then all begin anew.
    private static var textLimit: Int { 256 << 10 }

    /// Writes the answer if it knows what it says; if not, nothing.
    mutating func append(_ find: PlainTables.Find, to destination: IPAddress, _ bytes: inout [UInt8]) -> Bool {
        guard let template = known(find) else { return false }
        let text = text.span
        bytes.append(addingCapacity: template.end - template.start + 192) { output in
            output.append(blocksOf: text, from: template.start, to: template.destination)
            destination.write(to: &output)
            output.append(blocksOf: text, from: template.destination, to: template.route)
            Prefix(unchecked: destination.masked(to: find.length), find.length).write(to: &output)
            output.append(blocksOf: text, from: template.route, to: template.end)
        }
        return true
    }

    private func known(_ find: PlainTables.Find) -> Template? {
        let slots = slots.span
        for step in 0..<Self.reach {
            guard let template = slots[place(find.info, step)] else { return nil }
            if template.info == find.info, template.table == find.table { return template }
        }
        return nil
    }

    /// Keeps the answer that `bytes` end with.
    mutating func add(_ find: PlainTables.Find, _ bytes: [UInt8], from first: Int, _ gaps: LookupAnswer.Gaps) {
        if text.count > Self.textLimit {
            slots = Array(repeating: nil, count: slots.count)
            text = []
        }
        let start = text.count
        text += bytes[first..<gaps.destination.lowerBound]
        let destination = text.count
        text += bytes[gaps.destination.upperBound..<gaps.route.lowerBound]
        let route = text.count
        text += bytes[gaps.route.upperBound...]
        let template = Template(
            table: find.table, info: find.info, start: start, destination: destination, route: route, end: text.count)
        text.append(contentsOf: repeatElement(0, count: OutputSpan<UInt8>.blockSize))
        let places = (0..<Self.reach).map { place(find.info, $0) }
        slots[places.first { slots[$0] == nil } ?? places[0]] = template
    }

    private func place(_ info: ObjectIdentifier, _ step: Int) -> Int {
        // Objects lie at multiples of 16.
        (Int(UInt(bitPattern: info) &>> 4) &+ step) & (slots.count &- 1)
    }
}
