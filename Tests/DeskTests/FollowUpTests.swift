import DeskModel
import DeskStore
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Desk

/// Further mails in a ticket are read with what the ticket is about.
@Suite("Follow-ups", .database(deskMigrations, connections: 4), .timeLimit(.minutes(15)))
struct FollowUpTests {
    private static let articles = [
        Article(
            key: "refunds", title: "When do I get my refund",
            content: "Refunds are paid within 5 days after the parcel has reached us. Your bank may take 3 more days.",
            category: "Returns & refunds"),
        Article(
            key: "delivery", title: "Where is my order",
            content: "Parcels take 2 to 4 working days. You can follow your parcel with the link in the shipping mail.",
            category: "Shipping"),
    ]
    private static let customer = "ina@customer.example"
    private static let question = "I sent the jacket back two weeks ago. When do I get the refund for my return?"

    /// A desk with the customer's question (mail 10), the desk's answer, and one further mail (mail 12).
    private func desk(subject: String = "Hello", after answer: String, _ further: String) async throws -> ThinkingDesk {
        let desk = try await ThinkingDesk(articles: Self.articles)
        try await desk.store([
            .init(
                id: 10, ticket: 1, customer: Self.customer, name: "Ina Beck", subject: subject, text: Self.question),
            .init(id: 11, ticket: 1, customer: Self.customer, subject: "Re: \(subject)", text: answer, isOurs: true),
        ])
        try await desk.think(about: [10])
        try await desk.store([
            .init(
                id: 12, ticket: 1, customer: Self.customer, name: "Ina Beck", subject: "Re: \(subject)", text: further)
        ])
        return desk
    }

    private func category(_ desk: ThinkingDesk) async throws -> String {
        try #require(try await desk.texts("select split_part(category, ' / ', 1) from ticket").first)
    }

    @Test func `an urgent ticket stays urgent until somebody has answered`() async throws {
        let desk = try await ThinkingDesk(articles: Self.articles)
        func mail(_ id: Int64, _ text: String, isOurs: Bool = false) -> ThinkingDesk.Mail {
            .init(id: id, ticket: 1, customer: Self.customer, subject: "Lamp", text: text, isOurs: isOurs)
        }
        func priority() async throws -> String { try await desk.texts("select priority from ticket")[0] }
        try await desk.store([mail(10, "Your lamp caught fire and burned my hand. My lawyer will write to you.")])
        try await desk.think(about: [10])
        #expect(try await priority() == "urgent")
        try await desk.store([mail(12, "Please send me the invoice of my order as well.")])
        try await desk.think(about: [12])
        #expect(try await priority() == "urgent")
        try await desk.store([
            mail(13, "We are sorry. A colleague will call you today.", isOurs: true),
            mail(14, "Thanks. Can you send me the invoice of my order?"),
        ])
        try await desk.think(about: [14])
        #expect(try await priority() != "urgent")
    }

    @Test func `an order number alone is answered as the question that it was missing from`() async throws {
        let desk = try await self.desk(after: "Could you send us your order number?", "It is 4711-2099, thanks\n\nIna")
        #expect(try await self.category(desk) == "Returns & refunds")
        try await desk.think(about: [12])
        #expect(try await self.category(desk) == "Returns & refunds")
        let draft = try #require(try await desk.draft(of: 1))
        #expect(draft.contains("Refunds are paid within 5 days"))
        #expect(try await desk.texts("select message_id::text from draft where state = 'planned'") == ["12"])
        let words = try await desk.words(about: 1)
        #expect(words.contains { $0.contains("the customer sent what was missing: 4711-2099") })
    }

    @Test func `few words about the matter leave a ticket in its category`() async throws {
        let desk = try await self.desk(after: "We are looking into it.", "still no money on my account")
        try await desk.store([
            .init(
                id: 13, ticket: 1, customer: Self.customer, subject: "Re: Hello",
                text: "I checked with my bank and they see nothing."),
            .init(id: 14, ticket: 1, customer: Self.customer, subject: "Re: Hello", text: "Any news?"),
        ])
        for mail: Int64 in 12...14 {
            try await desk.think(about: [mail])
            #expect(try await self.category(desk) == "Returns & refunds", "mail \(mail)")
        }
    }

    @Test func `another matter is named by its own words`() async throws {
        let desk = try await self.desk(
            after: "We are looking into it.",
            "Also, please delete my account and all personal data that you hold about me.")
        try await desk.think(about: [12])
        #expect(try await self.category(desk) == "Privacy & security")
    }

    @Test func `what a stranger sends into a ticket is read without the customer's words`() async throws {
        let desk = try await self.desk(after: "Could you send us your order number?", "4711-2099")
        try await desk.store.pool.query("update message set is_flagged = true where id = 12")
        try await desk.think(about: [12])
        let words = try await desk.texts("select detail::text from event where kind = 'triage' and message_id = 12")
        #expect(words.count == 1)
        #expect(words.allSatisfy { !$0.contains("Returns") })
    }
}
