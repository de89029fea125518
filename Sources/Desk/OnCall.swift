package import DeskModel
package import Foundation

/// Who gets the notices of some categories, or at some hours, in the team's stead.
///
/// Written `[CATEGORY] [DAYS] [HOURS] = ADDRESS`, for example `Payment & billing = billing@shop.example` or
/// `Sat-Sun 08:00-20:00 = weekend@shop.example`.
package struct OnCallRule: Sendable, Hashable {
    /// Upper level or full name; nil for every ticket.
    package let category: String?
    /// 1 is Monday, 7 Sunday; a night belongs to the day on which it begins.
    let days: Set<Int>
    /// Minutes since midnight; ends before it begins when it lasts over midnight.
    let hours: Hours
    package let address: MailAddress

    struct Hours: Sendable, Hashable {
        var from = 0
        var to = 24 * 60
    }

    private static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// - Returns: nil when `text` is not of that form.
    package init?(_ text: String) {
        let sides = text.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        guard sides.count == 2, let address = MailAddress(sides[1]) else { return nil }
        var words = sides[0].split(separator: " ").map(String.init)
        var days = Set(1...7)
        var hours = Hours()
        if let last = words.last, last.contains(":") {
            guard let range = Self.hours(last) else { return nil }
            hours = range
            words.removeLast()
        }
        if let last = words.last, let range = Self.days(last) {
            days = range
            words.removeLast()
        }
        self.category = words.isEmpty ? nil : words.joined(separator: " ")
        self.days = days
        self.hours = hours
        self.address = address
    }

    /// `Mon-Fri`, `Sat`, or over the end of the week: `Fri-Mon`.
    private static func days(_ text: String) -> Set<Int>? {
        let ends = text.lowercased().split(separator: "-").map { Self.dayNames.firstIndex(of: String($0)) }
        guard (1...2).contains(ends.count), let first = ends.first ?? nil, let last = ends.last ?? nil else {
            return nil
        }
        return Set((0...((last - first + 7) % 7)).map { (first + $0) % 7 + 1 })
    }

    /// `09:00-17:30`, `18:00-24:00`, `22:00-06:00`.
    private static func hours(_ text: String) -> Hours? {
        let ends = text.split(separator: "-").map { end -> Int? in
            let parts = end.split(separator: ":").map { Int($0) }
            guard parts.count == 2, let hour = parts[0], let minute = parts[1], (0...59).contains(minute),
                (0...24 * 60).contains(hour * 60 + minute)
            else { return nil }
            return hour * 60 + minute
        }
        guard ends.count == 2, let from = ends[0], let to = ends[1], from != to else { return nil }
        return Hours(from: from, to: to)
    }

    /// - Parameters:
    ///   - category: Full name; nil when nobody knows it yet.
    ///   - calendar: Its time zone is the desk's.
    func fits(category: String?, at moment: Date, calendar: Calendar) -> Bool {
        if let wanted = self.category {
            guard let category, category == wanted || category.hasPrefix("\(wanted) / ") else { return false }
        }
        let parts = calendar.dateComponents([.weekday, .hour, .minute], from: moment)
        guard let weekday = parts.weekday, let hour = parts.hour, let minute = parts.minute else { return false }
        // Foundation's week begins on Sunday, with 1.
        let today = (weekday + 5) % 7 + 1
        let yesterday = (today + 5) % 7 + 1
        let now = hour * 60 + minute
        let (from, to) = (self.hours.from, self.hours.to)
        if from < to { return now >= from && now < to && self.days.contains(today) }
        return now >= from && self.days.contains(today) || now < to && self.days.contains(yesterday)
    }
}

extension EscalationSettings {
    /// Everybody whose rule fits; else the team.
    package func recipients(
        category: String?, at moment: Date = Date(), calendar: Calendar = .current
    ) -> [MailAddress] {
        var addresses: [MailAddress] = []
        for rule in self.onCall where rule.fits(category: category, at: moment, calendar: calendar) {
            if !addresses.contains(rule.address) { addresses.append(rule.address) }
        }
        return addresses.isEmpty ? self.team : addresses
    }
}
