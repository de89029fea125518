import DeskModel
import DeskStore
import Postgres
import TestSupport
import Testing
import WorkQueue

@Suite("Case cards in the database", .database(WorkQueue.migrations + DeskStore.migrations))
struct CaseTests {
    /// Alike when `first` is.
    private func vector(_ first: Int) -> [Float] {
        var vector = [Float](repeating: 0, count: 384)
        vector[first] = 1
        return vector
    }

    private func model(_ desk: Desk) async throws -> Int64 {
        try await desk.store.embeddingModel(
            name: "m", weightsSHA256: String(repeating: "a", count: 64), tokenizer: "t", dimensions: 384,
            pooling: "mean")
    }

    private func propose(
        _ id: Int64, from ticket: Int64, problem: Int = 1, solution: Int = 2, in desk: Desk
    ) async throws -> CaseProposal {
        let model = try await self.model(desk)
        let card = NewCase(
            id: CaseID(id), ticketID: TicketID(ticket), category: "Shipping", language: "en", problem: "problem \(id)",
            solution: "solution \(id)", problemVector: self.vector(problem),
            passages: [CasePassage(content: "solution \(id)", vector: self.vector(solution))])
        return try await desk.store.pool.withTransaction { transaction in
            try await desk.store.propose(card, model: model, in: transaction)
        }
    }

    private func desk() async throws -> Desk {
        let desk = try await Desk()
        for ticket: Int64 in 1...4 { try await desk.open(ticket: ticket, of: ticket) }
        return desk
    }

    @Test func `the same once more is one more source, something else a card of its own`() async throws {
        let desk = try await self.desk()
        #expect(try await self.propose(100, from: 1, in: desk) == .added(CaseID(100)))
        #expect(try await self.propose(101, from: 2, in: desk) == .merged(into: CaseID(100)))
        #expect(try await self.propose(102, from: 3, problem: 5, in: desk) == .added(CaseID(102)))
        #expect(try await self.propose(103, from: 4, solution: 6, in: desk) == .added(CaseID(103)))
        let cards = try await desk.store.cases()
        #expect(cards.map(\.id.rawValue) == [103, 102, 100])
        #expect(cards.last?.sources == [1, 2])
        #expect(cards.allSatisfy { $0.state == .proposed })
    }

    @Test func `only approved cards are a source, and every decision shows in the version`() async throws {
        let desk = try await self.desk()
        let model = try await self.model(desk)
        _ = try await self.propose(100, from: 1, in: desk)
        var versions = [try await desk.store.knowledgeVersion()]
        #expect(try await desk.store.approvedCases(model: model).isEmpty)
        try await desk.store.approveCase(CaseID(100), solution: nil, actor: "anna")
        versions.append(try await desk.store.knowledgeVersion())
        let card = try #require(try await desk.store.approvedCases(model: model).first)
        #expect(card.problemVector == self.vector(1))
        #expect(card.passages.map(\.content) == ["solution 100"])
        try await desk.store.approveCase(CaseID(100), solution: "other words", actor: "anna")
        versions.append(try await desk.store.knowledgeVersion())
        let changed = try #require(try await desk.store.approvedCases(model: model).first)
        #expect(changed.solution == "other words")
        #expect(changed.problemVector.isEmpty && changed.passages.isEmpty)
        try await desk.store.rejectCase(CaseID(100), reason: "only once", actor: "anna")
        versions.append(try await desk.store.knowledgeVersion())
        #expect(Set(versions).count == 3)
        #expect(versions.first == versions.last)
        #expect(try await desk.store.approvedCases(model: model).isEmpty)
        #expect(
            try await desk.texts("select detail->>'to' from event where kind = 'case' order by id")
                == ["approved", "approved", "rejected"])
    }

    @Test func `what a person refused is not proposed again`() async throws {
        let desk = try await self.desk()
        _ = try await self.propose(100, from: 1, in: desk)
        try await desk.store.rejectCase(CaseID(100), reason: nil, actor: "anna")
        #expect(try await self.propose(101, from: 2, in: desk) == .refusedBefore(CaseID(100)))
    }

    @Test func `merging brings tickets and successes along`() async throws {
        let desk = try await self.desk()
        _ = try await self.propose(100, from: 1, in: desk)
        _ = try await self.propose(102, from: 2, problem: 5, in: desk)
        let uses = desk.store.caseUseStatements([
            (CaseID(100), TicketID(3)), (CaseID(102), TicketID(3)), (CaseID(102), TicketID(4)),
            (CaseID(999), TicketID(4)),
        ])
        _ = try await desk.store.pool.pipeline(uses + [desk.store.caseSuccessStatement(TicketID(3))])
        try await desk.store.mergeCase(CaseID(102), into: CaseID(100), actor: "anna")
        let card = try await desk.store.caseCard(CaseID(100))
        #expect(card.sources == [1, 2])
        #expect(card.uses == 2)
        #expect(card.successes == 1)
        #expect(try await desk.store.caseCard(CaseID(102)).mergedInto == CaseID(100))
        await #expect(throws: StoreError.self) {
            try await desk.store.approveCase(CaseID(102), solution: nil, actor: "anna")
        }
        await #expect(throws: StoreError.self) {
            try await desk.store.mergeCase(CaseID(100), into: CaseID(102), actor: "anna")
        }
        await #expect(throws: StoreError.self) {
            try await desk.store.mergeCase(CaseID(100), into: CaseID(100), actor: "anna")
        }
    }

    @Test func `a ticket that is resolved is to be learned from, once, and so is a late answer`() async throws {
        let desk = try await self.desk()
        _ = try await desk.store.move(TicketNumber(1), by: .resolve, actor: "anna", resolution: "done")
        try await desk.store.closeOldTickets(after: .seconds(-1))
        let take = {
            try await desk.store.pool.withTransaction { try await desk.store.takeLearningDue(limit: 9, in: $0) }
        }
        #expect(try await take() == [TicketID(1)])
        #expect(try await take().isEmpty)
        try await desk.write(70, in: 1, from: "support@shop.example", text: "late", direction: "out")
        try await desk.write(71, in: 2, from: "support@shop.example", text: "open", direction: "out")
        #expect(try await take() == [TicketID(1)])
    }

    @Test func `a solved ticket names everybody in it and the fullest answer`() async throws {
        let desk = try await self.desk()
        try await desk.write(10, in: 1, from: nil, text: "It flickers.")
        try await desk.write(11, in: 1, from: "tom@shop.example", text: "Hold the button.", direction: "out")
        try await desk.write(12, in: 1, from: "tom@shop.example", text: "Fine.", direction: "out")
        #expect(try await desk.store.solvedTicket(TicketID(1)) == nil)
        _ = try await desk.store.move(TicketNumber(1), by: .resolve, actor: "anna")
        let ticket = try #require(try await desk.store.solvedTicket(TicketID(1)))
        #expect(ticket.question == "It flickers.")
        #expect(ticket.answer == "Hold the button.")
        #expect(ticket.wasAnswered)
        #expect(Set(ticket.addresses) == ["c1@customer.example", "tom@shop.example"])
        #expect(ticket.names == ["Ann Smith"])
    }

    @Test func `a card goes with the ticket whose words it has`() async throws {
        let desk = try await self.desk()
        _ = try await self.propose(100, from: 1, in: desk)
        try await desk.store.pool.query("delete from ticket where id = 1")
        #expect(try await desk.store.cases().isEmpty)
    }
}
