import Foundation
import Logging
import Postgres
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import WorkQueue

/// Runs a closure for each batch and tells of every call.
private struct Probe: JobHandler {
    typealias Body = @Sendable ([ClaimedJob], JobContext) async throws -> Void

    let kind: JobKind = "work"
    var batchSize = 1
    var width = 2
    var lease: Duration = .seconds(60)
    var retryPolicy = RetryPolicy(first: .milliseconds(1), longest: .milliseconds(1))
    private let calls: AsyncStream<[ClaimedJob]>
    private let report: AsyncStream<[ClaimedJob]>.Continuation
    private let body: Body

    init(_ body: @escaping Body = { _, _ in }) {
        (self.calls, self.report) = AsyncStream.makeStream()
        self.body = body
    }

    /// Waits for the next call of `perform`.
    func nextCall() async -> [ClaimedJob]? {
        for await call in self.calls { return call }
        return nil
    }

    func perform(_ jobs: [ClaimedJob], context: JobContext) async throws {
        self.report.yield(jobs)
        try await self.body(jobs, context)
    }

    func discard(_ jobs: [ClaimedJob], reason: String, in transaction: PostgresTransaction) async throws {
        for job in jobs {
            try await transaction.query(
                "insert into note (job_id, text) values (\(job.id), \("given up: \(reason)"))")
        }
    }
}

private struct Mishap: Error, CustomStringConvertible {
    var description: String { "mishap" }
}

private let schema =
    WorkQueue.migrations + [
        Migration(version: 2, name: "note", sql: "create table note (job_id bigint, text text);")
    ]

@Suite("Worker pool", .database(schema, connections: 8)) struct WorkerPoolTests {
    private let database: TestDatabase
    private let queue: WorkQueue

    init() throws {
        self.database = try TestDatabase.required()
        self.queue = WorkQueue(pool: self.database.pool, owner: "test")
    }

    /// Runs workers beside `body` and shuts them down gracefully when it returns.
    private func withWorkers(
        _ handler: Probe, _ settings: WorkerSettings? = nil, _ body: () async throws -> Void
    ) async throws {
        var settings = settings ?? WorkerSettings()
        settings.pollInterval = .milliseconds(20)
        settings.rescueInterval = .milliseconds(20)
        let workers = try WorkerPool(queue: self.queue, handlers: [handler], settings: settings)
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: workers)], logger: Logger(label: "test")))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func enqueue(_ jobs: NewJob...) async throws {
        try await self.queue.enqueue(jobs, in: self.database.pool)
    }

    /// Looks again and again until the jobs are in the states, for there is no other sign of a commit.
    private func until(_ states: [String], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually("jobs in the states \(states)", sourceLocation: sourceLocation) {
            try await self.database.pool.query("select state from job order by id").decode(String.self) == states
        }
    }

    private func notes() async throws -> [String] {
        try await self.database.pool.query("select text from note order by text").decode(String.self)
    }

    @Test(.timeLimit(.minutes(10)))
    func `performs what is enqueued before and after it starts`() async throws {
        try await self.enqueue(NewJob("work", key: 1))
        let handler = Probe()
        try await self.withWorkers(handler) {
            #expect(await handler.nextCall()?.map(\.key) == [1])
            try await self.enqueue(NewJob("work", key: 2))
            #expect(await handler.nextCall()?.map(\.key) == [2])
            try await self.until(["completed", "completed"])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `results and completion are one transaction`() async throws {
        let handler = Probe { jobs, context in
            try await context.commit(jobs.map { ($0, .done) }) { tx in
                for job in jobs { try await tx.query("insert into note (job_id, text) values (\(job.id), 'result')") }
            }
        }
        try await self.enqueue(NewJob("work"), NewJob("work"), NewJob("work"))
        try await self.withWorkers(handler) { try await self.until(["completed", "completed", "completed"]) }
        #expect(try await self.notes() == ["result", "result", "result"])
    }

    @Test(.timeLimit(.minutes(10)))
    func `a failing job is tried again until it is given up, and its discard commits with it`() async throws {
        let attempts = Mutex<[Int16]>([])
        let handler = Probe { jobs, _ in
            attempts.withLock { $0 += jobs.map(\.attempt) }
            throw Mishap()
        }
        try await self.enqueue(NewJob("work", maxAttempts: 3))
        try await self.withWorkers(handler) { try await self.until(["discarded"]) }
        #expect(attempts.withLock(\.self) == [1, 2, 3])
        #expect(try await self.notes() == ["given up: mishap"])
    }

    @Test(.timeLimit(.minutes(10)))
    func `one bad job of a batch does not hold up the others`() async throws {
        var handler = Probe { jobs, _ in if jobs.contains(where: { $0.key == 3 }) { throw Mishap() } }
        handler.batchSize = 5
        try await self.queue.enqueue(
            (1...5).map { NewJob("work", key: $0, maxAttempts: 1) }, in: self.database.pool)
        try await self.withWorkers(handler) {
            #expect(await handler.nextCall()?.count == 5)
            try await self.until(["completed", "completed", "discarded", "completed", "completed"])
        }
        let attempts = try await self.database.pool.query("select distinct attempt from job").decode(Int.self)
        #expect(attempts == [1])
    }

    @Test(.timeLimit(.minutes(10)))
    func `an outage of the database costs no attempt, a statement that is cut off does`() async throws {
        let calls = Atomic(0)
        let handler = Probe { _, _ in
            switch calls.add(1, ordering: .relaxed).newValue {
            case 1: throw PostgresError(.unavailable, "down", context: "test")
            case 2: throw PostgresError(.connectionLost, "cut", context: "test")
            default: return
            }
        }
        try await self.enqueue(NewJob("work", maxAttempts: 2))
        try await self.withWorkers(handler) { try await self.until(["completed"]) }
        let attempts = try await self.database.pool.query("select attempt from job").decode(Int.self)
        #expect(attempts == [2] && calls.load(ordering: .relaxed) == 3)
    }

    @Test(.timeLimit(.minutes(10)))
    func `a snooze costs no attempt`() async throws {
        let handler = Probe { jobs, context in
            let seen = try await context.pool.query("select count(*) from note")[0].decode(Int.self)
            try await context.commit(jobs[0], seen < 3 ? .snooze(for: .zero) : .done) { tx in
                try await tx.query(
                    "insert into note (job_id, text) values (\(jobs[0].id), \("attempt \(jobs[0].attempt)"))")
            }
        }
        try await self.enqueue(NewJob("work", maxAttempts: 1))
        try await self.withWorkers(handler) { try await self.until(["completed"]) }
        #expect(try await self.notes() == Array(repeating: "attempt 1", count: 4))
    }

    @Test(.timeLimit(.minutes(10)))
    func `shutdown lets a running job end and begins no other`() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        var handler = Probe { _, _ in for await _ in gate { break } }
        handler.width = 1
        try await self.enqueue(NewJob("work"), NewJob("work"))
        let workers = try WorkerPool(queue: self.queue, handlers: [handler])
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: workers)], logger: Logger(label: "test")))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            _ = await handler.nextCall()
            await group.triggerGracefulShutdown()
            open.yield()
            try await tasks.waitForAll()
        }
        try await self.until(["completed", "available"])
    }

    @Test(.timeLimit(.minutes(10)))
    func `a job that outlasts the shutdown's patience is given back without costing an attempt`() async throws {
        let handler = Probe { _, _ in try await Task.sleep(for: .seconds(3600)) }
        try await self.enqueue(NewJob("work"))
        var settings = WorkerSettings()
        settings.drainLimit = .milliseconds(10)
        try await self.withWorkers(handler, settings) { _ = await handler.nextCall() }
        let rows = try await self.database.pool.query("select state, attempt from job")
        let (state, attempt) = try rows[0].decode(String.self, Int.self)
        #expect(state == "available" && attempt == 0)
    }

    @Test(.timeLimit(.minutes(10)))
    func `a heartbeat keeps the lease of a long job`() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        var handler = Probe { _, _ in for await _ in gate { break } }
        handler.lease = .milliseconds(600)
        try await self.enqueue(NewJob("work"))
        try await self.withWorkers(handler) {
            let job = try #require(await handler.nextCall()?.first)
            let first = try await self.database.pool.query("select lease_until from job where id = \(job.id)")
            let claimed = try first[0][0].value(Date.self)
            var renewed = claimed
            try await eventually("a renewed lease") {
                renewed = try await self.database.pool.query("select lease_until from job where id = \(job.id)")[0][0]
                    .value(Date.self)
                return renewed != claimed
            }
            open.yield()
            try await self.until(["completed"])
        }
        let attempt = try await self.database.pool.query("select attempt from job").decode(Int.self)
        #expect(attempt == [1])
    }

    @Test(.timeLimit(.minutes(10)))
    func `a handler whose lease was taken away is interrupted and stores nothing`() async throws {
        let (interrupted, signal) = AsyncStream.makeStream(of: Bool.self)
        var handler = Probe { jobs, context in
            guard jobs[0].attempt == 1 else { return }
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                signal.yield(true)
                throw error
            }
        }
        handler.lease = .milliseconds(300)
        handler.width = 1
        try await self.enqueue(NewJob("work"))
        try await self.withWorkers(handler) {
            _ = await handler.nextCall()
            // Somebody else took the job over.
            try await self.database.pool.query(
                "update job set lease_token = 1, locked_by = 'other', lease_until = now() + interval '1 hour'")
            for await was in interrupted {
                #expect(was)
                break
            }
        }
        let owner = try await self.database.pool.query("select locked_by from job").decode(String.self)
        #expect(owner == ["other"])
    }

    @Test(.timeLimit(.minutes(10)))
    func `goes on after every backend was killed in the middle of the work`() async throws {
        let handler = Probe { jobs, context in
            try await context.commit(jobs.map { ($0, .done) }) { tx in
                for job in jobs { try await tx.query("insert into note (job_id, text) values (\(job.id), 'result')") }
            }
        }
        try await self.queue.enqueue((0..<300).map { NewJob("work", key: $0) }, in: self.database.pool)
        try await self.withWorkers(handler) {
            try await self.database.asAdmin { admin in
                func done() async throws -> Int {
                    try await admin.query("select count(*) from job where state = 'completed'")[0].decode(Int.self)
                }
                for portion in 1...3 {
                    try await eventually("\(portion * 60) jobs done") { try await done() >= portion * 60 }
                    try await admin.query(
                        """
                        select pg_terminate_backend(pid, 5000) from pg_stat_activity
                        where application_name = \(self.database.schema)
                        """)
                }
                // What was claimed by a lost answer is held until its lease ends: as if the time had passed.
                try await eventually("all jobs done") {
                    try await admin.query(
                        """
                        update job set lease_until = now() - interval '1 second'
                        where state = 'running' and due_at < now() - interval '1 second'
                        """)
                    return try await done() >= 300
                }
            }
        }
        let notes = try await self.database.pool.query("select count(*), count(distinct job_id) from note")
        #expect(try notes[0].decode(Int.self, Int.self) == (300, 300))
    }

    @Test func `two handlers for one kind are refused`() throws {
        let error = #expect(throws: WorkQueueError.self) {
            _ = try WorkerPool(queue: self.queue, handlers: [Probe(), Probe()])
        }
        #expect(error?.code == .handlerMismatch)
    }
}
