import ServiceLifecycle
import TestSupport
import Testing

@testable import Postgres

@Suite("Postgres pool", .database()) struct PostgresPoolTests {
    private let database: TestDatabase

    init() throws { self.database = try TestDatabase.required() }

    private func backend(_ session: some PostgresSession) async throws -> Int32 {
        try await session.query("select pg_backend_pid()")[0].decode(Int32.self)
    }

    @Test func `lends no more connections than its size`() async throws {
        let pool = PostgresPool(self.database.configuration, size: 3)
        let backends = try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<60 { group.addTask { try await self.backend(pool) } }
            return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
        }
        #expect(backends.count <= 3)
        #expect(pool.occupancy == PostgresPool.Occupancy(busy: 0, idle: backends.count, waiting: 0))
        await pool.close()
    }

    @Test func `who waits too long is told that nothing came free`() async throws {
        let pool = PostgresPool(self.database.configuration, size: 1, waitLimit: .milliseconds(10))
        try await pool.withConnection { _ in
            let error = await #expect(throws: PostgresError.self) { try await pool.query("select 1") }
            #expect(error?.code == .unavailable)
        }
        #expect(try await pool.query("select 1").count == 1)
        await pool.close()
    }

    @Test func `who waits and is cancelled leaves the line`() async throws {
        let pool = PostgresPool(self.database.configuration, size: 1)
        try await pool.withConnection { _ in
            let task = Task { try await pool.query("select 1") }
            try await eventually("somebody in the line") { pool.occupancy.waiting > 0 }
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(pool.occupancy.waiting == 0)
        }
        #expect(pool.occupancy == PostgresPool.Occupancy(busy: 0, idle: 1, waiting: 0))
        await pool.close()
    }

    @Test func `replaces connections whose backend was killed`() async throws {
        let pool = PostgresPool(self.database.configuration, size: 2)
        let before = try await self.backend(pool)
        try await self.database.asAdmin { try await $0.query("select pg_terminate_backend(\(before), 5000)") }
        await #expect(throws: PostgresError.self) { try await pool.query("select 1") }
        #expect(try await self.backend(pool) != before)
        await pool.close()
    }

    @Test func `after one lost connection the idle ones must prove that they live`() async throws {
        let pool = PostgresPool(self.database.configuration, size: 2)
        let backends = try await pool.withConnection { first in
            try await pool.withConnection { second in [try await self.backend(first), try await self.backend(second)] }
        }
        try await self.database.asAdmin { admin in
            for backend in backends { try await admin.query("select pg_terminate_backend(\(backend), 5000)") }
        }
        await #expect(throws: PostgresError.self) { try await pool.query("select 1") }
        // The second connection is dead as well, and nobody sees an error for it.
        #expect(try await pool.query("select 1").count == 1)
        await pool.close()
    }

    @Test func `does not lend a connection with a transaction left open`() async throws {
        let pool = PostgresPool(self.database.configuration, size: 1)
        let before = try await pool.withConnection { connection in
            try await connection.execute(script: "begin")
            return try await self.backend(connection)
        }
        #expect(try await self.backend(pool) != before)
        await pool.close()
    }

    @Test func `fails at once while the database is down`() async throws {
        var configuration = self.database.configuration
        configuration.conninfo = "postgresql://martlet_runtime@127.0.0.1:1/none"
        let pool = PostgresPool(configuration, size: 2, waitLimit: .seconds(60))
        let codes = await withTaskGroup(of: PostgresError.Code?.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    do throws(PostgresError) {
                        try await pool.query("select 1")
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            return await group.reduce(into: Set<PostgresError.Code?>()) { $0.insert($1) }
        }
        #expect(codes.isSubset(of: [.connectionFailed, .unavailable]))
        #expect(codes.contains(.unavailable))
        #expect(pool.occupancy == PostgresPool.Occupancy(busy: 0, idle: 0, waiting: 0))
    }

    @Test func `refuses work once it is closed and wakes those in line`() async throws {
        let pool = PostgresPool(self.database.configuration, size: 1)
        try await pool.withConnection { _ in
            let task = Task { try await pool.query("select 1") }
            try await eventually("somebody in the line") { pool.occupancy.waiting > 0 }
            await pool.close()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .closed)
        }
        let error = await #expect(throws: PostgresError.self) { try await pool.query("select 1") }
        #expect(error?.code == .closed)
    }

    @Test func `many transactions at once neither lose nor mix their answers`() async throws {
        let pool = self.database.pool
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let answer = try await pool.withTransaction { tx in
                        let first = try await tx.query("select \(number)")[0].decode(Int.self)
                        return try await tx.query("select \(first) + 1")[0].decode(Int.self)
                    }
                    #expect(answer == number + 1)
                }
            }
            try await group.waitForAll()
        }
    }
}

@Suite("Postgres notifications", .database()) struct PostgresNotificationsTests {
    private let database: TestDatabase

    init() throws { self.database = try TestDatabase.required() }

    @Test func `arrive in order after the transaction that sent them`() async throws {
        let channel = "channel_\(self.database.schema)"
        var events = self.database.pool.notifications(channels: [channel]).makeAsyncIterator()
        #expect(await events.next() == .reconnected)
        try await self.database.pool.withTransaction { tx in
            for text in ["one", "two"] { try await tx.query("select pg_notify(\(channel), \(text))") }
        }
        _ = try? await self.database.pool.withTransaction { tx in
            try await tx.query("select pg_notify(\(channel), 'undone')")
            try await tx.query("select 1/0")
        }
        try await self.database.pool.query("select pg_notify(\(channel), 'three')")
        for text in ["one", "two", "three"] {
            #expect(await events.next() == .notification(PostgresNotification(channel: channel, payload: text)))
        }
    }

    @Test func `listen again when their backend was killed and say so`() async throws {
        let channel = "channel_\(self.database.schema)"
        var configuration = self.database.configuration
        configuration.applicationName = channel
        var events = self.database.pool.notifications(channels: [channel], configuration: configuration)
            .makeAsyncIterator()
        #expect(await events.next() == .reconnected)
        try await self.database.asAdmin { admin in
            try await admin.query(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = \(channel)")
        }
        #expect(await events.next() == .reconnected)
        try await self.database.pool.query("select pg_notify(\(channel), 'again')")
        #expect(await events.next() == .notification(PostgresNotification(channel: channel, payload: "again")))
    }

    @Test func `end when their task is cancelled`() async throws {
        let events = self.database.pool.notifications(channels: ["quiet"])
        let (listening, signal) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            var count = 0
            for await _ in events {
                count += 1
                signal.yield()
            }
            return count
        }
        for await _ in listening { break }
        task.cancel()
        #expect(await task.value == 1)
    }
}
