import DeskModel
import DeskStore
import Postgres
import TestSupport
import Testing
import WorkQueue

/// Customers, tickets and messages by plain statements.
struct Desk {
    let store: DeskStore
    let database: TestDatabase

    init() async throws {
        self.database = try TestDatabase.required()
        self.store = DeskStore(pool: self.database.pool)
        try await self.store.pool.query(
            "insert into mailbox (id, name, address) values (1, 'office', 'support@shop.example')")
    }

    /// A customer with one open ticket of the same number.
    func open(ticket: Int64, of customer: Int64) async throws {
        let email = "c\(customer)@customer.example"
        _ = try await self.store.pool.pipeline([
            "insert into customer (id, email, name) values (\(customer), \(email), 'Ann Smith') on conflict do nothing",
            """
            insert into ticket (id, ticket_number, customer_id, mailbox_id, customer_email, customer_name, subject,
                description, status, created_at, answer_from)
            values (\(ticket), \(ticket), \(customer), 1, \(email), 'Ann Smith', 'A lamp', 'A lamp', 'open', now(),
                'support@shop.example')
            """,
        ])
    }

    func write(
        _ id: Int64, in ticket: Int64, from sender: String?, text: String, direction: String = "in",
        kind: String = "human", isFlagged: Bool = false, isVerified: Bool? = nil
    ) async throws {
        try await self.store.pool.query(
            """
            insert into message (id, ticket_id, mailbox_id, direction, kind, dedupe_key, is_flagged, sender_address,
                sender_name, subject, body_text, reply_text, suppress_automatic, is_verified, thread_reason, internal_date)
            select \(id), t.id, 1, \(direction), \(kind), sha256(\("\(id)")::text::bytea), \(isFlagged),
                coalesce(\(sender), t.customer_email), 'Ann Smith', 'A lamp', \(text), \(text), false, \(isVerified),
                'test', now()
            from ticket t where t.id = \(ticket)
            """)
    }

    func history(before message: Int64) async throws -> [String] {
        let request = DeskStore.HistoryRequest(
            messageID: StoredMessageID(message), vector: [Float](repeating: 0.1, count: 384))
        return try await self.store.history(before: [request], model: 1)[StoredMessageID(message), default: []].map(
            \.text)
    }

    func texts(_ query: SQL) async throws -> [String] { try await self.store.pool.query(query).decode(String.self) }
}

@Suite("A customer's history under two locks", .database(WorkQueue.migrations + DeskStore.migrations))
struct HistoryTests {
    /// Rows that `session` sees of the private table when it asks for all of them.
    private func seen(_ session: some PostgresSession) async throws -> Int64 {
        try await session.query("select count(*) from customer_history").decode(Int64.self)[0]
    }

    private func desk() async throws -> Desk {
        let desk = try await Desk()
        for customer: Int64 in 1...2 {
            try await desk.open(ticket: customer, of: customer)
            try await desk.write(10 * customer, in: customer, from: nil, text: "words of \(customer)")
            try await desk.write(
                10 * customer + 1, in: customer, from: "support@shop.example", text: "answer to \(customer)",
                direction: "out")
        }
        return desk
    }

    @Test func `without the setting nobody sees a row`() async throws {
        let desk = try await self.desk()
        #expect(try await self.seen(desk.store.pool) == 0)
        #expect(try await desk.store.pool.execute("delete from customer_history") == 0)
        #expect(try await desk.store.pool.execute("update customer_history set content = ''") == 0)
        // The rows are there, and a role that could bypass the policy would see them.
        #expect(try await desk.database.asAdmin { try await self.seen($0) } == 4)
    }

    @Test func `with the setting only that customer's rows show, whatever is asked for`() async throws {
        let desk = try await self.desk()
        let found = try await desk.store.pool.withTransaction { transaction in
            try await transaction.query(DeskStore.open(CustomerID(2)))
            return try await transaction.query("select content from customer_history order by message_id")
                .decode(String.self)
        }
        #expect(found == ["words of 2", "answer to 2"])
        // The setting ends with its transaction, on the same connection too.
        try await desk.store.pool.withConnection { connection in
            try await connection.transaction { try await $0.query(DeskStore.open(CustomerID(1))) }
            #expect(try await self.seen(connection) == 0)
        }
    }

    @Test func `the role of the desk cannot get past the policy`() async throws {
        let desk = try await self.desk()
        let rows = try await desk.store.pool.query(
            """
            select r.rolsuper, r.rolbypassrls, pg_has_role(current_user, c.relowner, 'member'), c.relrowsecurity,
                c.relforcerowsecurity
            from pg_roles r, pg_class c where r.rolname = current_user and c.oid = 'customer_history'::regclass
            """)
        let (isSuperuser, bypasses, owns, isOn, isForced) = try rows[0].decode(
            Bool.self, Bool.self, Bool.self, Bool.self, Bool.self)
        #expect([isSuperuser, bypasses, owns] == [false, false, false])
        #expect(isOn && isForced)
        await #expect(throws: PostgresError.self) {
            try await desk.store.pool.withTransaction { transaction in
                try await transaction.query("set local row_security = off")
                try await transaction.query("select count(*) from customer_history")
            }
        }
        await #expect(throws: PostgresError.self) {
            try await desk.store.pool.query("alter table customer_history disable row level security")
        }
    }

    @Test func `a mail finds what its own customer wrote and was told before it`() async throws {
        let desk = try await self.desk()
        try await desk.open(ticket: 3, of: 1)
        try await desk.write(30, in: 3, from: nil, text: "a later question")
        #expect(try await desk.history(before: 30) == ["answer to 1", "words of 1"])
        #expect(try await desk.history(before: 10).isEmpty)
        #expect(try await desk.history(before: 20).isEmpty)
    }

    @Test func `mails that are not the customer's own are neither kept nor answered from`() async throws {
        let desk = try await self.desk()
        try await desk.write(40, in: 1, from: "stranger@else.example", text: "a colleague's words")
        try await desk.write(41, in: 1, from: nil, text: "marked words", isFlagged: true)
        try await desk.write(42, in: 1, from: nil, text: "forged words", isVerified: false)
        try await desk.write(43, in: 1, from: nil, text: "out of office", kind: "auto_reply")
        try await desk.write(44, in: 1, from: nil, text: "more", isVerified: true)
        // A stranger wrote in the ticket: the answer may have been for them.
        #expect(try await desk.history(before: 44) == ["words of 1"])
        for message: Int64 in 40...43 { #expect(try await desk.history(before: message).isEmpty) }
    }

    @Test func `a mail that is moved to another ticket changes its owner`() async throws {
        let desk = try await self.desk()
        try await desk.store.pool.query("update message set ticket_id = 2 where id = 11")
        try await desk.write(50, in: 1, from: nil, text: "again")
        try await desk.write(51, in: 2, from: nil, text: "again")
        #expect(try await desk.history(before: 50) == ["words of 1"])
        #expect(try await desk.history(before: 51) == ["answer to 2", "words of 2", "answer to 1"])
        try await desk.store.pool.query("update message set ticket_id = null where id = 11")
        #expect(try await desk.history(before: 51) == ["answer to 2", "words of 2"])
    }

    @Test func `an answer in a ticket that others have a part in is not remembered`() async throws {
        let desk = try await self.desk()
        // As after a merge: the other customer's mails are here, and the other customer takes part.
        try await desk.store.pool.query("update message set ticket_id = 1 where id in (20, 21)")
        try await desk.open(ticket: 3, of: 1)
        try await desk.write(60, in: 3, from: nil, text: "again")
        #expect(try await desk.history(before: 60) == ["words of 1"])
        try await desk.store.pool.query("update message set ticket_id = 2 where id in (20, 21)")
        #expect(try await desk.history(before: 60) == ["answer to 1", "words of 1"])
        try await desk.store.pool.query(
            "insert into participant (ticket_id, address) values (1, 'supplier@else.example')")
        #expect(try await desk.history(before: 60) == ["words of 1"])
    }

    @Test func `a deleted mail is forgotten`() async throws {
        let desk = try await self.desk()
        #expect(try await desk.store.pool.execute("delete from message where id = 10") == 1)
        #expect(try await desk.database.asAdmin { try await self.seen($0) } == 3)
    }
}
