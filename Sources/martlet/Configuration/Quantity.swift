/// Durations and sizes as people write them: `30s`, `15m`, `24h`, `30d`; `25MB`.
enum Quantity {
    private static let durationUnits: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000),
    ]
    private static let sizeUnits: [(name: String, bytes: Int)] = [
        ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1),
    ]

    /// Reads `1h30m`; nil without a unit, since `30` may mean anything, and for negative or absurd lengths.
    static func duration(_ text: String) -> Duration? {
        var rest = text.trimmingWhitespace().lowercased()[...]
        guard !rest.isEmpty else { return nil }
        var milliseconds: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count).drop { $0 == " " }
            guard let count = Int64(digits), count < 1_000_000_000,
                let scale = Self.durationUnits.first(where: { $0.name == unit })
            else { return nil }
            milliseconds += count * scale.milliseconds
        }
        return .milliseconds(milliseconds)
    }

    /// The duration with the largest unit that leaves no rest.
    static func text(_ duration: Duration) -> String {
        let milliseconds =
            duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
        let unit = Self.durationUnits.sorted { $0.milliseconds > $1.milliseconds }
            .first { milliseconds != 0 && milliseconds % $0.milliseconds == 0 }
        guard let unit else { return "0s" }
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }

    /// Reads `25MB` (1 MB is 1,048,576 octets; `MiB` is the same); nil without a unit.
    static func size(_ text: String) -> Int? {
        let text = text.trimmingWhitespace().uppercased().replacing("IB", with: "B")
        guard let unit = Self.sizeUnits.first(where: { text.hasSuffix($0.name) }) else { return nil }
        guard let count = Int(text.dropLast(unit.name.count).trimmingWhitespace()), count >= 0, count < 1 << 30 else {
            return nil
        }
        return count * unit.bytes
    }

    /// The size with the largest unit that leaves no rest.
    static func text(bytes: Int) -> String {
        let unit = Self.sizeUnits.first { bytes != 0 && bytes % $0.bytes == 0 } ?? ("B", 1)
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}
