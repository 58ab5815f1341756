internal import Bytes
internal import JSON
internal import Platform
internal import Routing

/// What a row says of hardware: `,"hw":{…`, all but the version that it is for, which is the entry's, and what follows it.
enum HardwareText {
    /// `devices` are those that there are. False, and nothing is appended, if no answer counts any more.
    static func append(_ status: HardwareStatus, _ devices: Devices, to bytes: inout [UInt8]) -> Bool {
        let answers = devices.answers(in: status)
        guard let worst = answers.max(by: { $0.answer.state.severity < $1.answer.state.severity }) else {
            return false
        }
        bytes.append(literal: ",\"hw\":{\"device\":")
        bytes.appendJSON(string: worst.device.name)
        if answers.count > 1 {
            for (index, (device, answer)) in answers.sorted(by: { $0.device.name < $1.device.name }).enumerated() {
                bytes.append(literal: index == 0 ? ",\"devices\":{" : ",")
                bytes.appendJSON(string: device.name)
                bytes.append(UInt8(ascii: ":"))
                append(answer, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        if let reason = worst.answer.reason {
            bytes.append(literal: ",\"reason\":")
            bytes.appendJSON(string: reason)
        }
        bytes.append(",\"since\":\"", text: WallClock.text(milliseconds: status.since))
        bytes.append(",\"state\":\"", text: worst.answer.state.name)
        bytes.append(literal: ",\"version\":")
        return true
    }

    private static func append(_ answer: HardwareStatus.Answer, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        if let reason = answer.reason {
            bytes.append(literal: "\"reason\":")
            bytes.appendJSON(string: reason)
            bytes.append(UInt8(ascii: ","))
        }
        bytes.append("\"state\":\"", text: answer.state.name)
        bytes.append(UInt8(ascii: "}"))
    }
}
