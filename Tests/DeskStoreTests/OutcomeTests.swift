import DeskModel
import DeskStore
import Foundation
import Postgres
import TestSupport
import Testing
import WorkQueue

@Suite(
    "What became of drafts", .database((WorkQueue.migrations + DeskStore.migrations).sorted { $0.version < $1.version })
)
struct OutcomeTests {
    private func store() throws -> DeskStore { DeskStore(pool: try TestDatabase.required().pool) }

    /// A ticket with one mail by its customer.
    private func ticket(_ pool: PostgresPool, id: Int64) async throws {
        let address = "c\(id)@example.com"
        try await pool.query("insert into mailbox (id, name, address) values (\(id), \("m\(id)"), 's@shop.example')")
        try await pool.query("insert into customer (id, email) values (\(id), \(address))")
        try await pool.query(
            """
            insert into ticket (id, customer_id, mailbox_id, customer_email, subject, description, category, created_at,
                answer_from)
            values (\(id), \(id), \(id), \(address), 'Where is it', '', 'Shipping', now(), 's@shop.example')
            """)
        try await self.message(pool, id: id, ticket: id, direction: "in", text: "Where is my parcel?")
    }

    private func message(
        _ pool: PostgresPool, id: Int64, ticket: Int64, direction: String, text: String
    ) async throws {
        let key = [UInt8](repeating: UInt8(truncatingIfNeeded: id), count: 24) + withBytes(id)
        try await pool.query(
            """
            insert into message (id, ticket_id, mailbox_id, direction, kind, dedupe_key, subject, body_text, reply_text,
                suppress_automatic, thread_reason, internal_date)
            values (\(id), \(ticket), (select mailbox_id from ticket where id = \(ticket)), \(direction), 'human',
                \(key), 'Where is it', \(text), \(text), false, 'test', now())
            """)
    }

    private func withBytes(_ value: Int64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    private func draft(_ pool: PostgresPool, id: Int64, ticket: Int64, body: String, prior: String) async throws {
        try await pool.query(
            """
            insert into draft (id, ticket_id, message_id, state, body, content, confidence)
            values (\(id), \(ticket), \(ticket), 'superseded', \(body), \(prior)::jsonb, 0.75)
            """)
    }

    @Test func `a draft is compared once, with the first answer after it`() async throws {
        let store = try self.store()
        try await self.ticket(store.pool, id: 100)
        try await self.ticket(store.pool, id: 200)
        try await self.draft(store.pool, id: 110, ticket: 100, body: "an older draft", prior: "{}")
        try await self.draft(store.pool, id: 120, ticket: 100, body: "The parcel is late.", prior: "{\"prior\": 0.5}")
        try await self.draft(store.pool, id: 210, ticket: 200, body: "nobody has answered", prior: "{}")
        try await self.message(store.pool, id: 130, ticket: 100, direction: "out", text: "Your parcel is late.")
        try await self.message(store.pool, id: 140, ticket: 100, direction: "out", text: "One more thing.")
        let pairs = try await store.uncomparedDrafts(limit: 10)
        #expect(pairs.map(\.draftID) == [DraftID(120)])
        let pair = try #require(pairs.first)
        #expect(pair.answer == "Your parcel is late.")
        #expect(pair.category == "Shipping")
        #expect(pair.prior == 0.5)
        let outcome = DraftOutcomeRecord(
            draftID: pair.draftID, messageID: pair.messageID, category: pair.category, prior: 0.5, shown: 0.75,
            likeness: 0.9, isNear: true)
        try await store.record([outcome])
        try await store.record([outcome])
        #expect(try await store.uncomparedDrafts(limit: 10).isEmpty)
        #expect(try await store.outcomes(limit: 10).map(\.isNear) == [true])
    }

    @Test func `an automatic answer is listed with its customer's reply`() async throws {
        let store = try self.store()
        try await self.ticket(store.pool, id: 300)
        try await store.pool.query(
            """
            insert into outbox (id, mailbox_id, ticket_id, kind, internet_message_id, recipients, bytes, state, finished_at)
            values (310, 300, 300, 'answer', 'a310@shop.example', array['c300@example.com'], \([UInt8]("x".utf8)), 'sent',
                now())
            """)
        try await self.message(store.pool, id: 320, ticket: 300, direction: "in", text: "That did not help.")
        let since = Date(timeIntervalSinceNow: -3600)
        let answers = try await store.automaticAnswers(since: since, limit: 10)
        #expect(answers.map(\.reply) == ["That did not help."])
        #expect(answers.map(\.state) == ["sent"])
        #expect(try await store.automaticAnswers(since: Date(timeIntervalSinceNow: 60), limit: 10).isEmpty)
        #expect(try await store.observedAnswers(reason: "x", since: since, limit: 10).isEmpty)
    }
}
