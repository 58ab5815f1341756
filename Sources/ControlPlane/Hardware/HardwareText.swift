internal import Bytes
internal import JSON
internal import Platform
internal import Routing

/// What a row says of hardware: `,"hw":{…`, all but the version that it is for, which is the entry's, and what follows it.
enum HardwareText {
    /// `devices` are those that there are. False, and nothing is appended, if no answer counts any more.
    static func append(_ status: HardwareStatus, _ devices: Devices, to bytes: inout [UInt8]) -> Bool {
        guard let worst = devices.worst(in: status) else { return false }
        bytes.append(literal: ",\"hw\":{\"device\":")
        bytes.appendJSON(string: worst.name)
        let answers = status.answers.count == 1 ? [] : devices.answers(in: status)
        if answers.count > 1 {
            for (index, (device, answer)) in answers.sorted(by: { $0.device.name < $1.device.name }).enumerated() {
                bytes.append(literal: index == 0 ? ",\"devices\":{" : ",")
                bytes.appendJSON(string: device.name)
                bytes.append(UInt8(ascii: ":"))
                append(answer, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        if let reason = worst.reason {
            bytes.append(literal: ",\"reason\":")
            bytes.appendJSON(string: reason)
        }
        bytes.append(literal: ",\"since\":\"")
        WallClock.append(milliseconds: status.since, to: &bytes)
        bytes.append("\",\"state\":\"", text: worst.state.name)
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
