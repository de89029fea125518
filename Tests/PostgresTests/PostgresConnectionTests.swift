import Foundation
import TestSupport
import Testing

@testable import Postgres

private let schema = [
    Migration(
        version: 1, name: "item",
        sql: "create table item (id bigint primary key, name text unique, body bytea, vector halfvec(4));")
]

@Suite("Postgres connection", .database(schema)) struct PostgresConnectionTests {
    private func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(try TestDatabase.required().configuration)
    }

    private func count(_ session: any PostgresSession) async throws -> Int {
        try await session.query("select count(*) from item")[0].decode(Int.self)
    }

    @Test func `sets up its session`() async throws {
        let connection = try await self.connect()
        let rows = try await connection.query(
            "select current_setting('TimeZone'), current_setting('client_min_messages'), current_user::text")
        let (zone, messages, user) = try rows[0].decode(String.self, String.self, String.self)
        #expect(zone == "UTC" && messages == "warning" && user == "martlet_runtime")
    }

    @Test func `counts the rows that a statement touched`() async throws {
        let connection = try await self.connect()
        #expect(try await connection.execute("insert into item (id) select generate_series(1, 7)") == 7)
        #expect(try await connection.execute("update item set name = id::text where id <= \(3)") == 3)
    }

    @Test func `the same statement works many times, with other values each time`() async throws {
        let connection = try await self.connect()
        for number in 0..<600 {
            let rows = try await connection.query("select \(number) + \(1)")
            #expect(try rows[0].decode(Int.self) == number + 1)
        }
        #expect(await connection.statements.preparedCount == 1)
    }

    @Test func `more texts than the cache holds are prepared and dropped again`() async throws {
        let connection = try await self.connect()
        for number in 0..<300 {
            for _ in 0..<2 { try await connection.query("select \(unescaped: "\(number)")") }
        }
        let rows = try await connection.query("select count(*) from pg_prepared_statements")
        #expect(try rows[0].decode(Int.self) == 256)
    }

    @Test func `a plan that a change of the schema made stale is replaced`() async throws {
        let database = try TestDatabase.required()
        let connection = try await self.connect()
        for _ in 0..<3 { _ = try await connection.query("select * from item") }
        try await database.asAdmin { try await $0.query("alter table item add column more text") }
        #expect(try await connection.query("select * from item").isEmpty)
    }

    @Test func `an error carries its SQLSTATE, constraint and table but no value`() async throws {
        let connection = try await self.connect()
        try await connection.query("insert into item (id, name) values (\(1), \("sensitive"))")
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("insert into item (id, name) values (\(2), \("sensitive"))")
        }
        #expect(error?.sqlState == "23505")
        #expect(error?.isUniqueViolation(of: "item_name_key") == true)
        #expect(error?.table == "item")
        #expect(error?.statement == "insert into item (id, name) values ($1, $2)")
        #expect(error?.description.contains("sensitive") == false)
        #expect(try await self.count(connection) == 1)
    }

    @Test func `a pipeline answers each statement in order`() async throws {
        let connection = try await self.connect()
        let statements = (0..<100).map { number -> SQL in "insert into item (id) values (\(number)) returning id * 2" }
        let answers = try await connection.pipeline(statements)
        #expect(try answers.map { try $0[0].decode(Int.self) } == (0..<100).map { $0 * 2 })
    }

    @Test func `a pipeline that fails keeps nothing and names the failing statement`() async throws {
        let connection = try await self.connect()
        let error = await #expect(throws: PostgresError.self) {
            try await connection.pipeline([
                "insert into item (id) values (\(1))", "insert into item (id, name) values (\(1), \("x"))",
                "insert into item (id) values (\(3))",
            ])
        }
        #expect(error?.sqlState == "23505")
        #expect(error?.statement?.contains("name") == true)
        #expect(try await self.count(connection) == 0)
        // Statements that were to be prepared in the failed pipeline still work.
        for _ in 0..<3 { try await connection.query("delete from item where id = \(3)") }
        _ = try? await connection.pipeline(["select 1/0", "select \(1)", "select \(1)"])
        for _ in 0..<3 { #expect(try await connection.query("select \(1)").count == 1) }
    }

    @Test func `a pipeline larger than the socket's buffers does not block`() async throws {
        let connection = try await self.connect()
        let body = [UInt8](repeating: 7, count: 100_000)
        let answers = try await connection.pipeline((0..<200).map { _ in "select \(body)" })
        #expect(answers.count == 200)
        #expect(try answers[199][0].decode([UInt8].self) == body)
    }

    @Test func `COPY stores rows of every kind`() async throws {
        let connection = try await self.connect()
        var rows = PostgresCopy(into: "item", columns: ["id", "name", "body"])
        for number in 0..<5_000 {
            rows.append(Int64(number), number == 0 ? nil : String?("name \(number)"), [UInt8](repeating: 1, count: 50))
        }
        #expect(try await connection.copy(rows) == 5_000)
        #expect(try await self.count(connection) == 5_000)
        let names = try await connection.query("select name from item where id in (0, 4999) order by id")
        #expect(try names.decode(String?.self) == [nil, "name 4999"])
    }

    @Test func `COPY keeps all or nothing and leaves the connection usable`() async throws {
        let connection = try await self.connect()
        var rows = PostgresCopy(into: "item", columns: ["id"])
        for number in [1, 2, 2] { rows.append(Int64(number)) }
        let error = await #expect(throws: PostgresError.self) { try await connection.copy(rows) }
        #expect(error?.sqlState == "23505")
        #expect(try await self.count(connection) == 0)
    }

    @Test func `a deadline cancels the statement on the server and keeps the connection`() async throws {
        let connection = try await self.connect()
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("select pg_sleep(60)", timeout: .milliseconds(20))
        }
        #expect(error?.code == .timedOut)
        #expect(try await connection.query("select 1").count == 1)
    }

    @Test func `cancelling the task cancels the statement on the server`() async throws {
        let database = try TestDatabase.required()
        let connection = try await self.connect()
        let backend = try await connection.query("select pg_backend_pid()")[0].decode(Int.self)
        let task = Task { try await connection.query("select pg_sleep(60)") }
        try await database.asAdmin { admin in
            try await eventually("the statement at work") {
                try await admin.query(
                    """
                    select state = 'active' and query like '%pg_sleep%' from pg_stat_activity where pid = \(backend)
                    """)[0].decode(Bool.self)
            }
        }
        task.cancel()
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await connection.query("select 1").count == 1)
    }

    @Test func `a backend that is killed is a lost connection with an unknown outcome`() async throws {
        let database = try TestDatabase.required()
        let connection = try await self.connect()
        let backend = try await connection.query("select pg_backend_pid()")[0].decode(Int.self)
        try await database.asAdmin { try await $0.query("select pg_terminate_backend(\(backend)::int, 5000)") }
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("insert into item (id) values (1)")
        }
        #expect(error?.isConnectionLost == true && error?.isRetryable == true)
        #expect(error?.isOutcomeUnknown == true)
        #expect(!connection.isUsable)
    }

    @Test func `a host that does not answer is passed over`() async throws {
        let database = try TestDatabase.required()
        var configuration = database.configuration
        let rest = try #require(configuration.conninfo.split(separator: "@").last)
        // Port 1 refuses; the list is tried in order.
        configuration.conninfo = "postgresql://martlet_runtime@127.0.0.1:1,\(rest)"
        let connection = try await PostgresConnection.connect(configuration)
        #expect(try await connection.query("select 1").count == 1)
        await connection.close()
    }

    @Test func `a connection string that cannot be read is not quoted`() async throws {
        let configuration = PostgresConfiguration(conninfo: "password=hidden host")
        let error = await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(configuration) }
        #expect(error?.code == .connectionFailed)
        #expect(error.map { "\($0)".contains("hidden") } == false)
    }

    @Test func `behind a pooler no statement is prepared and no option is sent`() async throws {
        var configuration = try TestDatabase.required().configuration
        configuration.isPooled = true
        let connection = try await PostgresConnection.connect(configuration)
        for _ in 0..<3 { #expect(try await connection.query("select \(1)").count == 1) }
        let rows = try await connection.query(
            "select count(*), current_setting('client_min_messages') from pg_prepared_statements")
        let (prepared, messages) = try rows[0].decode(Int.self, String.self)
        #expect(prepared == 0 && messages == "notice")
        await connection.close()
    }
}

@Suite("Postgres transaction", .database(schema)) struct PostgresTransactionTests {
    private struct Refusal: Error {}

    private let pool: PostgresPool

    init() throws { self.pool = try TestDatabase.required().pool }

    private func count() async throws -> Int {
        try await self.pool.query("select count(*) from item")[0].decode(Int.self)
    }

    @Test func `commits what a closure did that returns`() async throws {
        var seen = 0
        let answer = try await self.pool.withTransaction { tx in
            try await tx.query("insert into item (id) values (\(1))")
            seen += 1
            return "done"
        }
        #expect(answer == "done" && seen == 1)
        #expect(try await self.count() == 1)
    }

    @Test func `rolls back what a closure did that throws`() async throws {
        await #expect(throws: Refusal.self) {
            try await self.pool.withTransaction { tx in
                try await tx.query("insert into item (id) values (\(1))")
                throw Refusal()
            }
        }
        #expect(try await self.count() == 0)
    }

    @Test func `a swallowed error does not look like a commit`() async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await self.pool.withTransaction { tx in
                try await tx.query("insert into item (id) values (\(1))")
                _ = try? await tx.query("select 1/0")
            }
        }
        #expect(error?.sqlState == "25P02")
        #expect(try await self.count() == 0)
    }

    @Test func `a savepoint undoes only what its closure did`() async throws {
        try await self.pool.withTransaction { tx in
            try await tx.query("insert into item (id) values (\(1))")
            _ = try? await tx.savepoint { try await tx.query("insert into item (id) values (\(1))") }
            try await tx.savepoint { try await tx.query("insert into item (id) values (\(2))") }
        }
        #expect(try await self.count() == 2)
    }

    @Test func `is of no use after its end`() async throws {
        let escaped = try await self.pool.withTransaction { tx in tx }
        let error = await #expect(throws: PostgresError.self) { try await escaped.query("select 1") }
        #expect(error?.code == .misuse)
    }

    @Test func `keeps other statements off its connection`() async throws {
        try await self.pool.withConnection { connection in
            try await connection.transaction { tx in
                let error = await #expect(throws: PostgresError.self) { try await connection.query("select 1") }
                #expect(error?.code == .misuse)
                try await tx.query("insert into item (id) values (1)")
            }
        }
        #expect(try await self.count() == 1)
    }

    @Test func `a cancelled task rolls back and gives a clean connection back`() async throws {
        let pool = self.pool
        let (started, signal) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await pool.withTransaction { tx in
                try await tx.query("insert into item (id) values (\(1))")
                signal.yield()
                try await tx.query("select pg_sleep(60)")
            }
        }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: PostgresError.self) { try await task.value }
        #expect(try await self.count() == 0)
        #expect(pool.occupancy.busy == 0)
    }

    @Test func `takes its options`() async throws {
        let options = TransactionOptions(isolation: .serializable, isReadOnly: true, isDurable: false)
        try await self.pool.withTransaction(options) { tx in
            let rows = try await tx.query(
                """
                select current_setting('transaction_isolation'), current_setting('transaction_read_only'),
                    current_setting('synchronous_commit')
                """)
            let settings = try rows[0].decode(String.self, String.self, String.self)
            #expect(settings == ("serializable", "on", "off"))
        }
        let rows = try await self.pool.query("select current_setting('synchronous_commit')")
        #expect(try rows[0].decode(String.self) == "on")
    }

    @Test func `two transactions that lock each other end with one retryable error`() async throws {
        try await self.pool.query("insert into item (id) values (1), (2)")
        let pool = self.pool
        let (firstLocked, firstSignal) = AsyncStream.makeStream(of: Void.self)
        let (secondLocked, secondSignal) = AsyncStream.makeStream(of: Void.self)
        @Sendable func run(
            _ own: Int, _ other: Int, _ mine: AsyncStream<Void>.Continuation, _ theirs: AsyncStream<Void>
        ) async -> PostgresError? {
            do {
                try await pool.withTransaction { tx in
                    try await tx.query("update item set name = null where id = \(own)")
                    mine.yield()
                    for await _ in theirs { break }
                    try await tx.query("update item set name = null where id = \(other)")
                }
                return nil
            } catch {
                return error as? PostgresError
            }
        }
        async let first = run(1, 2, firstSignal, secondLocked)
        async let second = run(2, 1, secondSignal, firstLocked)
        let errors = [await first, await second].compactMap(\.self)
        #expect(errors.map(\.sqlState) == ["40P01"])
        #expect(errors.filter { !$0.isRetryable }.isEmpty)
    }
}
