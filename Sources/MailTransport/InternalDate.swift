internal import struct Foundation.Date

/// The date form of IMAP: `17-Jul-1996 02:44:25 -0700`. RFC 9051 §9, `date-time`.
enum InternalDate {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// - Returns: nil when malformed; a server's odd date is no reason to lose a mail.
    static func parse(_ bytes: [UInt8]) -> Date? {
        let text = String(decoding: bytes, as: UTF8.self)
        let words = text.split(separator: " ")
        guard words.count == 3, text.utf8.count <= 40 else { return nil }
        let date = words[0].split(separator: "-")
        let time = words[1].split(separator: ":")
        guard date.count == 3, time.count == 3, let day = Int(date[0]), (1...31).contains(day),
            let month = self.months.firstIndex(of: date[1].lowercased()), let year = Int(date[2]),
            (1...9999).contains(year), let hour = Int(time[0]), let minute = Int(time[1]), let second = Int(time[2]),
            (0...24).contains(hour), (0...59).contains(minute), (0...60).contains(second),
            let zone = Int(words[2]), abs(zone) <= 2400
        else { return nil }
        let offset = (zone / 100 * 60 + zone % 100) * 60
        let days = Self.days(year: year, month: month + 1, day: day)
        return Date(timeIntervalSince1970: Double(days * 86_400 + hour * 3600 + minute * 60 + second - offset))
    }

    /// In UTC, with the time of day.
    static func dateTime(_ date: Date) -> String {
        let seconds = Self.seconds(of: date)
        let time = seconds - seconds.flooredQuotient(86_400) * 86_400
        let (hour, minute) = (time / 3600, time / 60 % 60)
        let day = Self.day(date)
        let padded = day.firstIndex(of: "-") == day.index(after: day.startIndex) ? " \(day)" : day
        return "\(padded) \(Self.two(hour)):\(Self.two(minute)):\(Self.two(time % 60)) +0000"
    }

    /// The day alone, in UTC, as SEARCH wants it: `1-Feb-2026`.
    static func day(_ date: Date) -> String {
        let days = Self.seconds(of: date).flooredQuotient(86_400)
        // Civil date from a day count, in eras of 400 years that begin in March.
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let name = Self.months[month - 1]
        let digits = String(year)
        return "\(day)-\(name.prefix(1).uppercased())\(name.dropFirst())-"
            + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.flooredQuotient(400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Clamped to the years 1…9999, which are what the form can hold.
    private static func seconds(of date: Date) -> Int {
        Int(min(max(date.timeIntervalSince1970, -62_135_596_800), 253_402_300_799).rounded(.down))
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension Int {
    fileprivate func flooredQuotient(_ divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
