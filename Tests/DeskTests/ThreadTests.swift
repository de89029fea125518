import DeskModel
import Postgres
import TestSupport
import Testing

@testable import Desk

@Suite("What a thread tells", .database(deskMigrations, connections: 4)) struct ThreadTests {
    @Test func `the mood is compared with the customer's earlier mails`() async throws {
        let desk = try await ThinkingDesk(articles: [])
        let texts = [
            "Could you tell me when my parcel will arrive?",
            "This is the worst service I have ever seen. I am furious and deeply disappointed, you are useless!",
            "It is here now. Thank you so much, that was wonderful help, I am very happy with it!",
        ]
        try await desk.store(
            texts.enumerated().map { number, text in
                ThinkingDesk.Mail(id: Int64(number) + 7, ticket: 7, customer: "kim@example.com", text: text)
            })
        for mail in 7...9 { try await desk.think(about: [Int64(mail)]) }
        let trends = try await desk.texts(
            "select coalesce(result -> 'sentiment' ->> 'trend', 'none') from analysis order by message_id")
        #expect(trends == ["none", "worse", "better"])
    }

    @Test(arguments: [([], 0.2, nil), ([0.1, 0.3], 0.2, Analysis.Sentiment.Trend.steady), ([0.5, 0.1], -0.1, .worse)])
    func `a trend is a change that is more than wording`(
        earlier: [Double], score: Double, trend: Analysis.Sentiment.Trend?
    ) { #expect(Analysis.Sentiment.Trend(from: earlier, to: score) == trend) }

    @Test func `the team is told about a mail once, however often it is judged`() async throws {
        let desk = try await ThinkingDesk(articles: [])
        try await desk.store([
            .init(
                id: 7, ticket: 7, customer: "kim@example.com",
                text: "The charger caught fire and burned my hand. You will hear from my lawyer.")
        ])
        for _ in 0..<2 { try await desk.think(about: [7]) }
        #expect(try await desk.texts("select count(*)::text from outbox where kind = 'notice'") == ["1"])
    }
}
