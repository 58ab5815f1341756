import Foundation

/// What is tried out with the inputs that libFuzzer makes up. One program for all, which takes its target from the environment:
/// they share the code whose paths the fuzzer counts, and it is built once.
enum Target: String, CaseIterable {
    case addresses, imports, json, messages, records, requests

    func run(_ input: [UInt8]) {
        switch self {
        case .addresses: Addresses.run(input)
        case .imports: Imports.run(input)
        case .json: JSONTexts.run(input)
        case .messages: Messages.run(input)
        case .records: Records.run(input)
        case .requests: Requests.run(input)
        }
    }

    static let chosen: Target = {
        let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
        guard let target = Target(rawValue: name) else {
            let names = allCases.map(\.rawValue).joined(separator: ", ")
            fatalError("FUZZ_TARGET is '\(name)', not one of \(names)")
        }
        return target
    }()
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    Target.chosen.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

/// Ends the process, which the fuzzer takes for a find, unless what must hold does.
func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) {
    if !holds { fatalError(otherwise()) }
}
