import Answering
import DeskModel
import DeskStore
import Postgres
import TestSupport
import Testing

@testable import Desk

@Suite("Learning from tickets that are done", .database(deskMigrations, connections: 4), .timeLimit(.minutes(10)))
struct CaseLearningTests {
    private static let question =
        "The Aurora lamp flickers and hums as soon as I dim it. I am Zoë Kowalski, order FD-10442."
    private static let answer = """
        Hello Zoë,

        hold the button of the lamp for ten seconds until it blinks twice: that resets the dimmer, and the flickering stops.
        We noted this under order FD-10442.

        Kind regards
        Tom
        """

    private func mail(_ id: Int64, _ text: String, ticket: Int64, ours: Bool = false, history: Bool = false)
        -> ThinkingDesk.Mail
    {
        .init(
            id: id, ticket: ticket, customer: "zoe\(ticket)@customer.example", name: "Zoë Kowalski",
            subject: "Lamp flickers", text: text, isOurs: ours, status: history ? "closed" : "new", isHistory: history)
    }

    private func solved(_ ticket: Int64, in desk: ThinkingDesk) async throws {
        try await desk.store([
            self.mail(ticket * 10, Self.question, ticket: ticket),
            self.mail(ticket * 10 + 1, Self.answer, ticket: ticket, ours: true),
        ])
        _ = try await desk.store.move(TicketNumber(ticket), by: .resolve, actor: "anna")
        try await desk.learn()
    }

    @Test func `a resolved ticket proposes a masked card, a person approves it, and the next draft draws from it`()
        async throws
    {
        let desk = try await ThinkingDesk(articles: [])
        try await self.solved(1, in: desk)
        let card = try #require(try await desk.store.cases([.proposed]).first)
        for secret in ["Zoë", "Kowalski", "10442", "Tom"] {
            #expect(!card.problem.contains(secret) && !card.solution.contains(secret))
        }
        #expect(card.solution.contains("[order number]"))

        let asked = ThinkingDesk.Mail(
            id: 900, ticket: 90, customer: "else@other.example", subject: "Aurora lamp",
            text: "My Aurora lamp flickers when I dim it. What can I do?")
        try await desk.store([asked])
        try await desk.think(about: [900])
        #expect(try await desk.draft(of: 90) == nil)

        try await desk.store.approveCase(card.id, solution: nil, actor: "anna")
        try await desk.knowledge.refresh()
        try await desk.store([
            .init(id: 910, ticket: 91, customer: "third@other.example", subject: asked.subject, text: asked.text)
        ])
        try await desk.think(about: [910])
        let draft = try #require(try await desk.draft(of: 91))
        #expect(draft.contains("hold the button of the lamp for ten seconds"))
        #expect(!draft.contains("[") && !draft.contains("hums"))
        let cited = try await desk.texts("select content->'citations'->0->>'article' from draft where ticket_id = 91")
        #expect(cited == ["case:\(card.id)"])
        // It helped: the ticket is resolved with it.
        #expect(try await desk.store.caseCard(card.id).uses == 1)
        #expect(try await desk.store.caseCard(card.id).successes == 0)
        try await desk.store([
            .init(id: 911, ticket: 91, customer: "third@other.example", text: draft, isOurs: true)
        ])
        _ = try await desk.store.move(TicketNumber(91), by: .resolve, actor: "anna")
        try await desk.learn()
        let after = try await desk.store.caseCard(card.id)
        #expect(after.successes == 1)
        #expect(after.sources == [1, 91])
        #expect(try await desk.store.cases().count == 1)
    }

    @Test func `an agent's own words for a card are masked as the proposed ones, and refused when nothing is left`()
        async throws
    {
        let desk = try await ThinkingDesk(articles: [])
        try await desk.store([
            .init(id: 500, ticket: 50, customer: "b@customer.example", name: "Barbara Wójcik", text: "A lamp, please.")
        ])
        try await self.solved(1, in: desk)
        let card = try #require(try await desk.store.cases([.proposed]).first)
        let approval = CaseApproval(context: desk.context)
        let refused = await #expect(throws: StoreError.self) {
            try await approval.approve(
                card.id, solution: "Do for order FD-10442 what Barbara Wojcik did.", actor: "anna")
        }
        #expect(refused?.code == .conflict)
        #expect(try await desk.store.caseCard(card.id).state == .proposed)

        let masked = try await approval.approve(
            card.id,
            solution: """
                Hold the reset button of the lamp for ten seconds until it blinks.
                Zoë did so, and so did Barbara Wojcik of barbara@example.org, phone +49 30 901820, with order FD-10442.
                """, actor: "anna")
        let kept = try await desk.store.caseCard(card.id)
        #expect(kept.state == .approved && kept.solution == masked.text)
        for secret in ["Zoë", "Wojcik", "barbara", "901820", "10442"] {
            #expect(!kept.solution.contains(secret), "\(secret)")
            #expect(masked.spots.contains { $0.original.contains(secret) }, "\(secret)")
        }
        #expect(
            CaseText.passages(of: kept.solution) == [
                "Hold the reset button of the lamp for ten seconds until it blinks."
            ])
    }

    @Test(arguments: [
        ("Nordby, Karin", "That is what Karin Nordby did."), ("Wójcik Barbara", "As Barbara Wojcik does it."),
        ("Zbigniew Kania", "It is the same trick that Zbigniew used."),
        ("Karin van der Meer", "see karin van der meer"),
    ])
    func `a card names no other customer, however an agent writes the name`(name: String, said: String) async throws {
        let desk = try await ThinkingDesk(articles: [])
        let other = ThinkingDesk.Mail(
            id: 700, ticket: 70, customer: "other@else.example", name: name, text: "Where is my parcel?")
        let answer = Self.answer.replacing("We noted this", with: "\(said) We noted this")
        try await desk.store([
            other, self.mail(10, Self.question, ticket: 1), self.mail(11, answer, ticket: 1, ours: true),
        ])
        _ = try await desk.store.move(TicketNumber(1), by: .resolve, actor: "anna")
        try await desk.learn()
        let card = try #require(try await desk.store.cases([.proposed]).first)
        let words = Words.all(in: card.solution)
        for part in Words.all(in: name) where part.count > 3 { #expect(!words.contains(part), "\(card.solution)") }
        #expect(card.solution.contains("Hold the button".lowercased()))
    }

    @Test func `the same solution twice is one card with two tickets`() async throws {
        let desk = try await ThinkingDesk(articles: [])
        try await self.solved(1, in: desk)
        try await self.solved(2, in: desk)
        let cards = try await desk.store.cases()
        #expect(cards.map(\.sources) == [[1, 2]])
    }

    @Test func `imported history pairs a mail with its sent answer`() async throws {
        let desk = try await ThinkingDesk(articles: [])
        try await desk.store([
            self.mail(10, Self.question, ticket: 1, history: true),
            self.mail(11, Self.answer, ticket: 1, ours: true, history: true),
            self.mail(20, Self.question, ticket: 2, history: true),
        ])
        try await desk.learn()
        #expect(try await desk.store.cases().map(\.sources) == [[1]])
    }

    @Test func `a ticket that is open again when its turn comes teaches nothing`() async throws {
        let desk = try await ThinkingDesk(articles: [])
        try await desk.store([
            self.mail(10, Self.question, ticket: 1), self.mail(11, Self.answer, ticket: 1, ours: true),
        ])
        _ = try await desk.store.move(TicketNumber(1), by: .resolve, actor: "anna")
        _ = try await desk.store.move(TicketNumber(1), by: .reopen, actor: "anna")
        try await desk.learn()
        #expect(try await desk.store.cases().isEmpty)
    }
}
