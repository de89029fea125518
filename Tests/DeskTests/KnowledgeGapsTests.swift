import DeskModel
import DeskStore
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Desk

@Suite("Gaps of the knowledge base", .database(deskMigrations, connections: 4)) struct KnowledgeGapsTests {
    private func ticket(_ number: Int64, _ subject: String, _ vector: [Float], category: String? = nil)
        -> UndraftedTicket
    {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return UndraftedTicket(
            number: TicketNumber(number), subject: subject, category: category, vector: vector.map { $0 / length })
    }

    @Test func `what is about the same stands together under the ticket in its middle`() {
        let gaps = KnowledgeGaps([
            self.ticket(1, "Bitcoin?", [1, 0.5, 0], category: "Payment"),
            self.ticket(2, "Job", [0, 0, 1]),
            self.ticket(3, "Pay by bitcoin", [1, 0.2, 0], category: "Payment"),
            self.ticket(4, "Crypto", [1, 0, 0], category: "Orders"),
        ])
        #expect(gaps.matters.map(\.subject) == ["Pay by bitcoin", "Job"])
        #expect(gaps.matters.map(\.category) == ["Payment", nil])
        #expect(gaps.matters[0].tickets == ["MT-3", "MT-1", "MT-4"])
        #expect(KnowledgeGaps([]).matters.isEmpty)
    }

    @Test func `tickets with a draft, of the past or of robots are no gap`() async throws {
        let article = Article(
            key: "returns", title: "Returning an order",
            content: "You can return every product within 30 days of delivery. We send a return label by mail.",
            category: "Returns & refunds")
        let desk = try await ThinkingDesk(articles: [article])
        func mail(_ id: Int64, _ text: String, isHistory: Bool = false) -> ThinkingDesk.Mail {
            .init(id: id, ticket: id, customer: "c\(id)@customer.example", text: text, isHistory: isHistory)
        }
        let crypto = "Can I pay with bitcoin or another crypto currency?"
        try await desk.store([
            mail(1, "How can I return the product that I bought? I would like a return label."), mail(2, crypto),
            mail(3, "Do you take bitcoin as payment?"), mail(4, crypto, isHistory: true), mail(5, crypto),
            mail(6, "Is there a job for a carpenter in your workshop?"),
        ])
        try await desk.store.pool.query("update message set kind = 'auto_reply' where id = 5")
        try await desk.think(about: [1, 2, 3, 4, 5, 6])
        let found = try await desk.store.undraftedTickets(since: Date(timeIntervalSinceNow: -3600), limit: 100)
        #expect(found.of == 4)
        let matters = KnowledgeGaps(found.tickets).matters
        #expect(matters.map { Set($0.tickets) } == [["MT-2", "MT-3"], ["MT-6"]])
        #expect(try await desk.store.undraftedTickets(since: Date(timeIntervalSinceNow: 3600), limit: 9).of == 0)
    }
}
