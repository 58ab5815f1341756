internal import Addressing
internal import JSON
internal import Routing

extension Problem {
    /// What a client's JSON was refused for, with the place: syntax is 400, a value that the rules refuse 422.
    init(input error: any Error) {
        let pointer: String
        let underlying: any Error
        if let located = error as? JSONLocatedError {
            pointer = located.pointer
            underlying = located.underlying
        } else {
            pointer = ""
            underlying = error
        }
        switch underlying {
        case let problem as Problem: self = problem
        case let error as FIBError: self.init(error)
        case let error as AddressError:
            self.init(status: 422, reason: error.code.rawValue, detail: error.message, rule: error.code.rule)
        case let error as JSONError:
            self.init(status: 400, reason: error.kind.reason, detail: "\(error.message) at byte \(error.offset)")
        default:
            self.init(status: 400, reason: "bad-body", detail: "\(underlying)")
        }
        // A problem that names a place means one within the value at the pointer.
        errors =
            errors.isEmpty
            ? [Item(pointer: pointer, detail: detail)]
            : errors.map { Item(pointer: pointer + $0.pointer, detail: $0.detail) }
        if !pointer.isEmpty { detail = "\(pointer): \(detail)" }
    }
}

extension Problem {
    /// The same of a body that has the members of a query.
    var withinBody: Problem {
        var problem = self
        problem.errors = errors.map { Item(pointer: "/" + $0.pointer.drop { $0 == "?" }, detail: $0.detail) }
        return problem
    }
}

extension AddressError.Code {
    var rule: String? { self == .badAddress ? nil : "R1-71" }
}

extension JSONError.Kind {
    var reason: String {
        switch self {
        case .syntax: "json-syntax"
        case .depth: "json-depth"
        case .utf8: "json-utf8"
        case .duplicateField: "duplicate-field"
        case .unknownField: "unknown-field"
        case .type: "wrong-type"
        case .range: "bad-value"
        }
    }
}
