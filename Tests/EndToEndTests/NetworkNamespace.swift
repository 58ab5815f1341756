import TestSupport

/// A network namespace of its own for a test, gone with the value.
final class NetworkNamespace {
    struct Failed: Error {
        let message: String
    }

    /// Needs rights that a test run may not have.
    static let isPossible = (try? NetworkNamespace()) != nil

    private let name = "fibd-test-\(UInt32.random(in: 0 ... .max))"

    init() throws { try Self.run(["netns", "add", name]) }

    deinit { _ = try? Self.run(["netns", "del", name]) }

    @discardableResult
    func ip(_ arguments: String...) throws -> String { try ip(arguments) }

    @discardableResult
    func ip(_ arguments: [String]) throws -> String { try Self.run(["-n", name] + arguments) }

    @discardableResult
    private static func run(_ arguments: [String]) throws -> String {
        let process = try ChildProcess("ip", arguments)
        guard process.waitForExit() == 0 else { throw Failed(message: "\(arguments): \(process.errorOutput)") }
        return process.output
    }
}
