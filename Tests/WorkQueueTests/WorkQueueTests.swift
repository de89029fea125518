import Foundation
import Postgres
import TestSupport
import Testing

@testable import WorkQueue

@Suite("Work queue", .database(WorkQueue.migrations)) struct WorkQueueTests {
    private struct Refusal: Error {}

    private let database: TestDatabase
    private let queue: WorkQueue

    init() throws {
        self.database = try TestDatabase.required()
        self.queue = WorkQueue(pool: self.database.pool, owner: "test")
    }

    private func claim(_ kind: JobKind = "work", limit: Int = 10) async throws -> [ClaimedJob] {
        try await self.queue.claim(kind, limit: limit, lease: .seconds(60))
    }

    private func state(_ id: JobID) async throws -> String {
        try await self.database.pool.query("select state from job where id = \(id)")[0].decode(String.self)
    }

    private func finish(_ job: ClaimedJob, _ outcome: JobOutcome) async throws {
        try await self.database.pool.withTransaction { try await self.queue.finish(job, outcome, in: $0) }
    }

    /// As if the lease's time had passed.
    private func expireLeases() async throws {
        try await self.database.pool.query(
            "update job set lease_until = now() - interval '1 second' where state = 'running'")
    }

    @Test func `a job exists only if the transaction of its cause is committed`() async throws {
        await #expect(throws: Refusal.self) {
            try await self.database.pool.withTransaction { tx in
                try await self.queue.enqueue([NewJob("work")], in: tx)
                throw Refusal()
            }
        }
        #expect(try await self.claim().isEmpty)
        try await self.database.pool.withTransaction { tx in
            _ = try await self.queue.enqueue([NewJob("work", key: 7, payload: #"{"a":1}"#)], in: tx)
        }
        let jobs = try await self.claim()
        #expect(jobs.map(\.key) == [7])
        #expect(jobs.map(\.payload) == [#"{"a": 1}"#])
        #expect(jobs.map(\.attempt) == [1])
    }

    @Test func `the most urgent comes first, then the longest due`() async throws {
        let jobs = [
            NewJob("work", key: 1, priority: 0), NewJob("work", key: 2, priority: 3),
            NewJob("work", key: 3, priority: 1),
            NewJob("work", key: 4, priority: 3), NewJob("work", key: 5, priority: -1),
        ]
        for job in jobs { try await self.queue.enqueue([job], in: self.database.pool) }
        #expect(try await self.claim(limit: 3).map(\.key) == [2, 4, 3])
        #expect(try await self.claim(limit: 3).map(\.key) == [1, 5])
    }

    @Test func `a job waits until it is due`() async throws {
        try await self.queue.enqueue(
            [
                NewJob("work", key: 1, due: .after(.seconds(3600))), NewJob("work", key: 2, due: .at(.distantPast)),
                NewJob("work", key: 3, due: .at(Date(timeIntervalSinceNow: 3600))),
            ], in: self.database.pool)
        #expect(try await self.claim().map(\.key) == [2])
    }

    @Test func `no two workers ever hold the same job`() async throws {
        try await self.queue.enqueue((0..<500).map { NewJob("work", key: $0) }, in: self.database.pool)
        let claimed = try await withThrowingTaskGroup(of: [JobID].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var mine: [JobID] = []
                    while true {
                        let jobs = try await self.claim(limit: 7)
                        if jobs.isEmpty { return mine }
                        mine += jobs.map(\.id)
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claimed.count == 500)
        #expect(Set(claimed).count == 500)
    }

    @Test func `a worker that comes back late cannot finish the job, and its results are undone`() async throws {
        try await self.queue.enqueue([NewJob("work")], in: self.database.pool)
        let late = try await self.claim()[0]
        try await self.expireLeases()
        #expect(try await self.queue.rescue(["work"]) == 1)
        try await self.database.pool.query("update job set due_at = now()")
        let current = try await self.claim()[0]
        #expect(current.id == late.id && current.attempt == 2)

        let error = await #expect(throws: WorkQueueError.self) {
            try await self.database.pool.withTransaction { tx in
                try await self.queue.enqueue([NewJob("result")], in: tx)
                try await self.queue.finish(late, in: tx)
            }
        }
        #expect(error?.code == .leaseLost)
        #expect(try await self.claim("result").isEmpty)
        #expect(try await self.state(current.id) == "running")
        try await self.finish(current, .done)
        #expect(try await self.state(current.id) == "completed")
    }

    @Test func `a lease is prolonged only for who holds it`() async throws {
        try await self.queue.enqueue([NewJob("work"), NewJob("work")], in: self.database.pool)
        let jobs = try await self.claim()
        try await self.finish(jobs[0], .done)
        #expect(try await self.queue.renew(jobs, lease: .seconds(600)) == [jobs[1].id])
    }

    @Test func `each outcome ends the attempt in its state`() async throws {
        try await self.queue.enqueue((0..<3).map { NewJob("work", key: $0) }, in: self.database.pool)
        let jobs = try await self.claim()
        try await self.database.pool.withTransaction { tx in
            try await self.queue.finish(
                [(jobs[0], .done), (jobs[1], .snooze(for: .seconds(60))), (jobs[2], .cancel(reason: "not needed"))],
                in: tx)
        }
        let rows = try await self.database.pool.query(
            "select state, attempt, due_at > now(), last_error, finished_at is not null from job order by key")
        let stored = try rows.decode(String.self, Int.self, Bool.self, String?.self, Bool.self)
        #expect(stored[0] == ("completed", 1, false, nil, true))
        #expect(stored[1] == ("available", 0, true, nil, false))
        #expect(stored[2] == ("cancelled", 1, false, "not needed", true))
    }

    @Test func `a dead worker's job returns to the line, and is not rescued before its lease ends`() async throws {
        try await self.queue.enqueue([NewJob("work")], in: self.database.pool)
        let job = try await self.claim()[0]
        #expect(try await self.queue.rescue(["work"]) == 0)
        try await self.expireLeases()
        #expect(try await self.queue.rescue(["other"]) == 0)
        #expect(try await self.queue.rescue(["work"]) == 1)
        #expect(try await self.state(job.id) == "available")
    }

    @Test func `a killed process's job returns to the line at once, a living one's does not`() async throws {
        let worker = Process()
        worker.executableURL = URL(filePath: "/bin/sleep")
        worker.arguments = ["600"]
        try worker.run()
        let identity = try #require(ProcessIdentity(pid: worker.processIdentifier))
        let queue = WorkQueue(pool: self.database.pool, owner: identity.description)
        try await queue.enqueue([NewJob("work"), NewJob("other")], in: self.database.pool)
        let job = try await queue.claim("work", limit: 1, lease: .seconds(600))[0]
        _ = try await queue.claim("other", limit: 1, lease: .seconds(600))
        #expect(try await self.queue.rescue(["work"]) == 0)
        kill(worker.processIdentifier, SIGKILL)
        worker.waitUntilExit()
        #expect(try await self.queue.rescue(["work"]) == 1)
        #expect(try await self.claim().map(\.attempt) == [2])
        let error = await #expect(throws: WorkQueueError.self) { try await self.finish(job, .done) }
        #expect(error?.code == .leaseLost)
        #expect(
            try await self.database.pool.query("select locked_by from job where kind = 'other'").decode(String.self)
                == [identity.description])
    }

    @Test func `at most one unfinished job has a unique key`() async throws {
        let first = NewJob("work", payload: "1", priority: 1, due: .after(.seconds(60)), uniqueKey: "k")
        try await self.queue.enqueue([first], in: self.database.pool)
        try await self.queue.enqueue([NewJob("work", payload: "2", uniqueKey: "k")], in: self.database.pool)
        let jobs = try await self.claim()
        #expect(jobs.map(\.payload) == ["2"])
        #expect(jobs.map(\.priority) == [1])
        try await self.finish(jobs[0], .done)
        try await self.queue.enqueue([NewJob("work", uniqueKey: "k")], in: self.database.pool)
        #expect(try await self.claim().count == 1)
    }

    @Test func `what is enqueued again while it runs runs once more`() async throws {
        try await self.queue.enqueue([NewJob("work", payload: "1", uniqueKey: "k")], in: self.database.pool)
        let running = try await self.claim()[0]
        for payload in ["2", "3"] {
            try await self.queue.enqueue([NewJob("work", payload: payload, uniqueKey: "k")], in: self.database.pool)
        }
        #expect(try await self.claim().isEmpty)
        try await self.finish(running, .done)
        let next = try await self.claim()
        #expect(next.map(\.payload) == ["3"])
        #expect(next.map(\.attempt) == [1])
        try await self.finish(next[0], .done)
        #expect(try await self.claim().isEmpty)
    }

    @Test func `jobs of one batch with one unique key become one`() {
        let merged = WorkQueue.merged([
            NewJob("b", payload: "1", priority: 2, due: .after(.seconds(5)), uniqueKey: "z"), NewJob("a"),
            NewJob("b", payload: "2", priority: 1, due: .after(.seconds(9)), uniqueKey: "z"),
            NewJob("c", uniqueKey: "y"),
        ])
        #expect(merged.map(\.uniqueKey) == [nil, "y", "z"])
        #expect(merged[2].payload == "2" && merged[2].priority == 2 && merged[2].due == .after(.seconds(5)))
    }

    @Test func `waiting jobs about one thing can be cancelled`() async throws {
        try await self.queue.enqueue([NewJob("work", key: 1), NewJob("work", key: 2)], in: self.database.pool)
        #expect(try await self.queue.cancel("work", key: 1, reason: "merged", in: self.database.pool) == 1)
        #expect(try await self.claim().map(\.key) == [2])
    }

    @Test func `a discarded job can be revived with all its attempts`() async throws {
        try await self.queue.enqueue([NewJob("work", maxAttempts: 1)], in: self.database.pool)
        let job = try await self.claim()[0]
        #expect(try await self.queue.revive(job.id) == false)
        _ = try await self.queue.settle([(job, .discard(error: "broken\0"))], in: self.database.pool)
        #expect(try await self.state(job.id) == "discarded")
        #expect(try await self.queue.revive(job.id))
        let again = try await self.claim()[0]
        #expect(again.attempt == 1 && again.lastError == "broken")
    }

    @Test func `pruning deletes only old finished jobs`() async throws {
        try await self.queue.enqueue((0..<3).map { NewJob("work", key: $0) }, in: self.database.pool)
        let jobs = try await self.claim(limit: 2)
        for job in jobs { try await self.finish(job, .done) }
        #expect(try await self.queue.prune(olderThan: .seconds(60)) == 0)
        try await self.database.pool.query("update job set finished_at = now() - interval '2 minutes' where key = 0")
        #expect(try await self.queue.prune(olderThan: .seconds(60)) == 1)
        #expect(try await self.queue.stats().map(\.count) == [1, 1])
    }

    @Test func `counts by kind and state and tells how long jobs have waited`() async throws {
        try await self.queue.enqueue(
            [NewJob("a", due: .after(.seconds(-90))), NewJob("a", due: .after(.seconds(90))), NewJob("b")],
            in: self.database.pool)
        _ = try await self.claim("b")
        let stats = try await self.queue.stats()
        #expect(stats.map(\.kind) == ["a", "b"])
        #expect(stats.map(\.state) == ["available", "running"])
        #expect(stats.map(\.count) == [2, 1])
        let oldest = try #require(stats[0].oldestDue)
        #expect(oldest >= .seconds(90))
        #expect(stats[1].oldestDue == nil)
    }

    @Test(arguments: [
        "update job set state = 'completed'", "update job set state = 'nonsense'",
        "update job set finished_at = now()", "update job set state = 'running'",
        "update job set attempt = 99", "update job set again = true", "update job set kind = 'Bad Kind'",
    ])
    func `the table refuses states that make no sense`(change: String) async throws {
        try await self.queue.enqueue([NewJob("work")], in: self.database.pool)
        let error = await #expect(throws: PostgresError.self) {
            try await self.database.pool.query(SQL(unescaped: change))
        }
        #expect(error?.sqlState == "23514")
    }

    @Test func `claiming reads the index, not the finished jobs`() async throws {
        try await self.database.asAdmin { admin in
            try await admin.query(
                """
                insert into job (kind, max_attempts, state, finished_at)
                select 'work', 1, 'completed', now() from generate_series(1, 5000)
                """)
            try await admin.query("insert into job (kind, max_attempts) select 'work', 1 from generate_series(1, 50)")
            try await admin.query("analyze job")
            let plan = try await admin.query(
                """
                explain select id from job where state = 'available' and kind = 'work' and due_at <= now()
                order by priority desc, due_at, id limit 10 for update skip locked
                """
            ).decode(String.self).joined(separator: "\n")
            #expect(plan.contains("job_claim"), "\(plan)")
            #expect(!plan.contains("Sort"), "\(plan)")
        }
    }
}

@Suite("Retry policy") struct RetryPolicyTests {
    /// SplitMix64: the same numbers in each run.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = self.state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    @Test(arguments: zip([1, 2, 3, 6, 100], [10, 20, 40, 320, 600]))
    func `doubles the pause up to its limit and takes up to a half off`(attempt: Int, seconds: Int) {
        let policy = RetryPolicy(first: .seconds(10), longest: .seconds(600))
        var generator = Seeded(state: 1)
        let pauses = (0..<1_000).map { _ in policy.pause(after: attempt, using: &generator) / .seconds(seconds) }
        #expect(pauses.filter { $0 < 0.5 || $0 > 1 }.isEmpty)
        #expect(pauses.filter { $0 < 0.6 }.count > 100 && pauses.filter { $0 > 0.9 }.count > 100)
    }
}
