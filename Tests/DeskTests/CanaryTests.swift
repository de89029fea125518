import DeskModel
import DeskStore
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Desk

/// What one customer wrote never reaches another one, and what a customer told us is used for that very customer (C7).
@Suite("Canaries", .database(deskMigrations, connections: 4), .timeLimit(.minutes(60)))
struct CanaryTests {
    private static let isFull = ProcessInfo.processInfo.environment["MARTLET_TEST_TIER"] == "full"
    private static let canaries = Self.isFull ? 1_000 : 20
    private static let questions = Self.isFull ? 10_000 : 200
    /// Questions of one customer; each customer has facts of their own.
    private static let perCustomer = 10

    private static let articles = [
        Article(
            key: "delivery", title: "Where is my order",
            content: """
                Parcels take 2 to 4 working days. You can follow your parcel with the link in the shipping mail. If it has \
                not arrived after ten days, send us your order number and we will look for it.
                """, category: "Shipping"),
        Article(
            key: "returns", title: "Returning an order",
            content: """
                You can return every product within 30 days of delivery. Please send us your order number and we will send \
                a return label. Refunds are paid within 5 days after the parcel has reached us.
                """, category: "Returns & refunds"),
        Article(
            key: "damage", title: "My order arrived damaged",
            content: """
                We are happy to replace a product that arrived damaged. Please send us a photo and your order number, and \
                we will send a new one.
                """, category: "Product"),
    ]
    private static let asked = [
        "Where is my parcel? I ordered a week ago and it has not arrived.",
        "My order still has not arrived. How long does delivery take?",
        "Can you tell me where my order is right now?",
        "The tracking of my parcel has not moved for days, where is it?",
        "How can I return the product that I bought from you?",
        "I would like to send my order back. How do I get a return label?",
        "When do I get the refund for the parcel I returned?",
        "My order arrived damaged, the lamp is broken. Can I get a new one?",
        "The product in my parcel was broken when it arrived. What now?",
        "How many days do I have to return an order?",
    ]

    private static func canary(_ number: Int) -> String { "kanarie\(String(number * 7919 + 100_003, radix: 36))" }

    /// Customer A: the same questions that B asks, every one full of canaries, asked and answered.
    private func plant(in desk: ThinkingDesk) async throws {
        var mails: [ThinkingDesk.Mail] = []
        for number in 0..<Self.canaries {
            let canary = Self.canary(number)
            let ticket = Int64(1_000_000 + number)
            let question = Self.asked[number % Self.asked.count]
            mails.append(
                ThinkingDesk.Mail(
                    id: ticket * 10, ticket: ticket, customer: "anna.\(canary)@customer.example",
                    name: "Anna \(canary)",
                    subject: "\(canary) order",
                    text: "\(question) My order number is \(canary)-4711. Yours, Anna \(canary)"))
            mails.append(
                ThinkingDesk.Mail(
                    id: ticket * 10 + 1, ticket: ticket, customer: "anna.\(canary)@customer.example",
                    text: """
                        Your order \(canary)-4711 was handed over to \(canary) couriers, who will bring it tomorrow. You \
                        can follow the parcel on the page of \(canary) at any time. The link in our shipping mail shows where \
                        every parcel is, day and night.
                        """, isOurs: true))
        }
        try await desk.store(mails)
        try await desk.think(about: mails.filter { !$0.isOurs }.map(\.id))
        // They are done: cards are proposed from them.
        try await desk.store.pool.query("update ticket set status = 'resolved', resolved_at = now()")
        try await desk.learn()
    }

    @Test func `nothing of A reaches B, and B's own facts reach B`() async throws {
        let desk = try await ThinkingDesk(articles: Self.articles)
        try await self.plant(in: desk)
        #expect(try await desk.texts("select 'x' from case_card").isEmpty == false)
        // What was learned is masked although nobody has looked at it yet.
        let cards = try await desk.texts("select problem || ' ' || solution from case_card")
        #expect(cards.allSatisfy { !$0.contains("kanarie") })
        let logged = desk.log.count
        try await desk.store.pool.query("update case_card set state = 'approved', decided_at = now()")
        try await desk.knowledge.refresh()

        var leaks: [String] = []
        var drafts = 0
        var withFact = 0
        for customer in 0..<(Self.questions / Self.perCustomer) {
            let fact = "BX-\(50_000 + customer)"
            let first = Int64(5_000_000 + customer * 100)
            func mail(_ offset: Int64, _ text: String, ours: Bool = false) -> ThinkingDesk.Mail {
                .init(
                    id: first * 10 + offset, ticket: first + offset, customer: "bert\(customer)@else.example",
                    name: "Bert",
                    subject: "Hello", text: text, isOurs: ours)
            }
            try await desk.store([mail(0, "I ordered a lamp, my order number is \(fact). Thank you!")])
            let questions = (1...Self.perCustomer).map { number in
                mail(Int64(number), Self.asked[(customer + number) % Self.asked.count])
            }
            try await desk.store(questions)
            try await desk.think(about: questions.map(\.id))
            for question in questions {
                for text in try await desk.words(about: question.ticket) where text.lowercased().contains("kanarie") {
                    leaks.append(text)
                }
                guard let draft = try await desk.draft(of: question.ticket) else { continue }
                drafts += 1
                withFact += draft.contains(fact) ? 1 : 0
                let numbers = draft.split(whereSeparator: \.isWhitespace).filter { $0.contains("BX-") }
                if !numbers.allSatisfy({ $0.contains(fact) }) { leaks.append(draft) }
            }
        }
        #expect(leaks.isEmpty, "\(leaks.count) leaks, the first: \(leaks.first ?? "")")
        #expect(desk.log.dropFirst(logged).allSatisfy { !$0.contains("kanarie") })
        #expect(drafts >= Self.questions * 9 / 10, "\(drafts) drafts for \(Self.questions) questions")
        #expect(Double(withFact) >= 0.95 * Double(drafts), "\(withFact) of \(drafts) drafts name the customer's order")
        print(
            "canaries \(Self.canaries), questions \(Self.questions): \(leaks.count) leaks, \(withFact)/\(drafts) with own fact"
        )
    }

    @Test func `what a reply's other readers may not know stays out of it`() async throws {
        let desk = try await ThinkingDesk(articles: Self.articles)
        func mail(_ id: Int64, _ text: String) -> ThinkingDesk.Mail {
            .init(id: id, ticket: id, customer: "bert@else.example", text: text)
        }
        try await desk.store([mail(1, "My order number is BX-50001."), mail(2, Self.asked[0]), mail(3, Self.asked[0])])
        try await desk.store.pool.query(
            "insert into participant (ticket_id, address) values (3, 'colleague@else.example')")
        try await desk.think(about: [2, 3])
        let alone = try #require(try await desk.draft(of: 2))
        let shared = try #require(try await desk.draft(of: 3))
        #expect(alone.contains("BX-50001"))
        #expect(!shared.contains("BX-50001"))
    }

    @Test func `a forged or marked mail gets nothing of its customer's past`() async throws {
        let desk = try await ThinkingDesk(articles: Self.articles)
        func mail(_ id: Int64, _ text: String) -> ThinkingDesk.Mail {
            .init(id: id, ticket: id, customer: "bert@else.example", text: text)
        }
        try await desk.store([mail(1, "My order number is BX-50001."), mail(2, Self.asked[0]), mail(3, Self.asked[0])])
        try await desk.store.pool.query("update message set is_verified = false where id = 2")
        try await desk.store.pool.query("update message set is_flagged = true where id = 3")
        try await desk.think(about: [2, 3])
        for ticket: Int64 in 2...3 {
            #expect(try await desk.words(about: ticket).allSatisfy { !$0.contains("BX-50001") })
        }
    }
}
