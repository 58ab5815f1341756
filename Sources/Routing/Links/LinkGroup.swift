/// The group of a link, by which rules may tell links apart (R1-14). Names are those of iproute2's `group`.
public enum LinkGroup {
    /// `default`, or a number from 0 to 4294967295.
    public static func number(_ name: String) -> UInt32? { name == "default" ? 0 : UInt32(decimal: name) }

    public static func name(_ number: UInt32) -> String { number == 0 ? "default" : String(number) }
}
