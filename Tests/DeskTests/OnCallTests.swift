import DeskModel
import Foundation
import Testing

@testable import Desk

@Suite("On call") struct OnCallTests {
    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: "Europe/Berlin")!
        return calendar
    }()

    /// In Berlin; 2026-11-23 is a Monday.
    private static func moment(_ day: Int, _ hour: Int, _ minute: Int = 0) throws -> Date {
        try #require(
            Self.calendar.date(from: DateComponents(year: 2026, month: 11, day: day, hour: hour, minute: minute)))
    }

    private static func recipients(
        _ rules: [String], category: String?, day: Int, hour: Int, minute: Int = 0
    ) throws -> [String] {
        var settings = EscalationSettings()
        settings.team = [try #require(MailAddress("team@shop.example"))]
        settings.onCall = try rules.map { try #require(OnCallRule($0)) }
        return try settings.recipients(
            category: category, at: Self.moment(day, hour, minute), calendar: Self.calendar
        ).map { String($0.address.prefix { $0 != "@" }) }
    }

    @Test func `everybody whose rule fits gets the notice, else the team`() throws {
        let rules = [
            "Payment & billing = billing@shop.example", "Sat-Sun = weekend@shop.example",
            "Shipping 09:00-17:00 = docks@shop.example",
        ]
        #expect(try Self.recipients(rules, category: "Returns", day: 23, hour: 10) == ["team"])
        #expect(try Self.recipients(rules, category: "Payment & billing / Refund", day: 23, hour: 10) == ["billing"])
        #expect(try Self.recipients(rules, category: "Payment & billing", day: 28, hour: 1) == ["billing", "weekend"])
        #expect(try Self.recipients(rules, category: "Payment & billings", day: 23, hour: 1) == ["team"])
        #expect(try Self.recipients(rules, category: "Shipping", day: 23, hour: 16, minute: 59) == ["docks"])
        #expect(try Self.recipients(rules, category: "Shipping", day: 23, hour: 17) == ["team"])
        #expect(try Self.recipients(rules, category: nil, day: 29, hour: 12) == ["weekend"])
    }

    @Test func `a night belongs to the day on which it begins`() throws {
        let rule = ["Fri 22:00-06:00 = night@shop.example"]
        #expect(try Self.recipients(rule, category: nil, day: 27, hour: 5) == ["team"])
        #expect(try Self.recipients(rule, category: nil, day: 27, hour: 22) == ["night"])
        #expect(try Self.recipients(rule, category: nil, day: 28, hour: 5, minute: 59) == ["night"])
        #expect(try Self.recipients(rule, category: nil, day: 28, hour: 6) == ["team"])
        #expect(try Self.recipients(rule, category: nil, day: 28, hour: 23) == ["team"])
    }

    @Test func `days may run over the end of the week`() throws {
        let rule = ["Sat-Mon = early@shop.example"]
        #expect(try Self.recipients(rule, category: nil, day: 23, hour: 8) == ["early"])
        #expect(try Self.recipients(rule, category: nil, day: 24, hour: 8) == ["team"])
        #expect(try Self.recipients(rule, category: nil, day: 29, hour: 8) == ["early"])
    }

    @Test(arguments: [
        "", "Shipping", "= ", "Shipping = nobody", "9-17 = a@shop.example, b@shop.example",
        "Mon 25:00-26:00 = a@b.example",
        "Mon 09:00 = a@b.example", "Mon 09:00-09:00 = a@b.example", "Shipping 9:99-10:00 = a@b.example",
    ])
    func `what is no rule is refused`(text: String) { #expect(OnCallRule(text) == nil) }
}
