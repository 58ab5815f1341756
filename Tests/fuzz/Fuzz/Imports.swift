import ControlPlane
import ServiceSupport

/// Imports: whatever pieces a body comes in, it means the same.
enum Imports {
    private static let modes = ["add", "replace", "change", "append", "prepend", "test"]

    /// The first byte of an input says the mode, the next four where the body is cut, the rest is the body.
    static func run(_ input: [UInt8]) {
        guard input.count > 5 else { return }
        let body = input[5...]
        let target = "/v1/routes?mode=\(modes[Int(input[0]) % modes.count])"
        let cuts = input[1..<5].map { body.startIndex + Int($0) % (body.count + 1) }.sorted()
        let bounds = [body.startIndex] + cuts + [body.endIndex]
        let pieces = zip(bounds, bounds.dropFirst()).map { Array(body[$0..<$1]) }
        let whole = result(target, [Array(body)])
        let cut = result(target, pieces)
        expect(whole == cut, "in pieces \(pieces.map(\.count)): \(cut), whole: \(whole)")
    }

    private static func result(_ target: String, _ pieces: [[UInt8]]) -> [String] {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20), clock: { 1_800_000_000_000 })
        let service = LocalService(plane)
        let reply = service.reply("POST", target, pieces, [("Content-Type", "application/x-ndjson")])
        return ["\(reply?.status ?? 0)", reply?.body ?? "", "\(Server.state(plane))"]
    }
}
