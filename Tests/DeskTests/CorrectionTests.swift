import DeskModel
import DeskStore
import Postgres
import TestSupport
import Testing

@testable import Desk

@Suite("Corrections of a ticket", .database(deskMigrations, connections: 4)) struct CorrectionTests {
    private static let article = Article(
        key: "delivery", title: "Where is my order",
        content: "Parcels take 2 to 4 working days. You can follow your parcel with the link in the shipping mail.",
        category: "Shipping")

    @Test func `what a person said of the category stands against the customer's next mail`() async throws {
        let desk = try await ThinkingDesk(articles: [Self.article])
        let texts = ["Where is my parcel?", "My parcel has still not arrived."]
        try await desk.store(
            [7, 8].map { ThinkingDesk.Mail(id: $0, ticket: $0, customer: "kim@example.com", text: texts[0]) })
        try await desk.think(about: [7, 8])
        try await desk.store.retag(TicketNumber(7), category: "Subscription", actor: "ann")
        try await desk.store([
            .init(id: 9, ticket: 7, customer: "kim@example.com", text: texts[1]),
            .init(id: 10, ticket: 8, customer: "kim@example.com", text: texts[1]),
        ])
        try await desk.think(about: [9, 10])
        let categories = try await desk.texts("select category from ticket where id in (7, 8) order by id")
        #expect(categories.first == "Subscription")
        #expect(categories.last?.hasPrefix("Shipping") == true)
    }
}
