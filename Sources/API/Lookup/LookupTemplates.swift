internal import Addressing
internal import Routing

/// Answers of one request: a table has many routes and few ways, so that most of an answer's text need be written only once.
struct LookupTemplates {
    /// The text of an answer in three pieces, between which the destination and the prefix belong, and which answers it is of.
    private final class Template {
        let found: FoundRoute
        let text: [UInt8]
        let destination: Int
        let route: Int

        init(_ found: FoundRoute, _ text: [UInt8], destination: Int, route: Int) {
            self.found = found
            self.text = text
            self.destination = destination
            self.route = route
        }

        /// All of one request are about one state, so that it is the same way where info and leg are the same.
        func isOf(_ other: FoundRoute) -> Bool {
            found.info === other.info && found.leg == other.leg && found.table == other.table
        }
    }

    /// Each has the one place that its info's address gives it. IPv4 and IPv6 may share an info, and apart from that say other
    /// things.
    private var templates: [Template?] = Array(repeating: nil, count: 2 * Self.count)
    private static var count: Int { 256 }

    mutating func append(_ answer: LookupAnswer, to bytes: inout [UInt8]) {
        guard let found = answer.common else { return answer.append(to: &bytes) }
        // Objects lie at multiples of 16.
        let spread = Int(UInt(bitPattern: ObjectIdentifier(found.info)) &>> 4) & (Self.count - 1)
        let place = answer.query.destination.family == .inet ? spread : Self.count + spread
        guard let template = templates[place], template.isOf(found) else {
            templates[place] = Self.written(answer, found, to: &bytes)
            return
        }
        let text = template.text
        bytes.append(contentsOf: text[..<template.destination])
        answer.query.destination.append(to: &bytes)
        bytes.append(contentsOf: text[template.destination..<template.route])
        answer.prefix(found.length).append(to: &bytes)
        bytes.append(contentsOf: text[template.route...])
    }

    private static func written(_ answer: LookupAnswer, _ found: FoundRoute, to bytes: inout [UInt8]) -> Template {
        let start = bytes.count
        var gaps = LookupAnswer.Gaps()
        answer.append(to: &bytes, &gaps)
        let text =
            bytes[start..<gaps.destination.lowerBound] + bytes[gaps.destination.upperBound..<gaps.route.lowerBound]
            + bytes[gaps.route.upperBound...]
        let destination = gaps.destination.lowerBound - start
        return Template(
            found, Array(text), destination: destination,
            route: destination + gaps.route.lowerBound - gaps.destination.upperBound)
    }
}
