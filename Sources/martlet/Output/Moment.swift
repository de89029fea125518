import Foundation

/// Times for people: the local date and minute.
enum Moment {
    /// For a table: on a terminal the minute of what is of today, else the day; in a pipe both.
    static func brief(_ date: Date, now: Date = Date(), isNarrow: Bool = Terminal.isInteractive) -> String {
        let text = Self.text(date)
        guard isNarrow else { return text }
        let day = text.prefix(10)
        return String(Self.text(now).hasPrefix(day) ? text.dropFirst(11) : day)
    }

    static func text(_ date: Date) -> String {
        let parts = Calendar(identifier: .gregorian).dateComponents([.year, .month, .day, .hour, .minute], from: date)
        func digits(_ value: Int?, _ count: Int) -> String {
            let text = String(value ?? 0)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return "\(digits(parts.year, 4))-\(digits(parts.month, 2))-\(digits(parts.day, 2)) "
            + "\(digits(parts.hour, 2)):\(digits(parts.minute, 2))"
    }
}
