package import Postgres

internal import struct Foundation.Date

/// Jobs in the database: they exist if and only if the transaction that enqueued them was committed.
///
/// A claim is a lease: a worker that dies loses its jobs when the lease ends, and a worker that comes back late cannot
/// finish them, because the token of its claim is no longer the job's. All times are the database's.
package struct WorkQueue: Sendable {
    /// NOTIFY channel; the payload is a kind.
    static let channel = "martlet_job"

    /// The schema of this module.
    package static let migrations = [
        Migration(
            version: 1, name: "job", sql: String(decoding: PackageResources._001_job_sql, as: UTF8.self))
    ]

    package let pool: PostgresPool
    /// Who holds what is claimed here, as in `job.locked_by`.
    package let owner: String

    package init(pool: PostgresPool, owner: String = ProcessIdentity.current.description) {
        self.pool = pool
        self.owner = owner
    }

    // MARK: Enqueue

    /// Adds jobs in one statement and wakes the workers when `session` commits.
    /// - Returns: the number of new or changed jobs.
    @discardableResult
    package func enqueue(_ jobs: [NewJob], in session: some PostgresSession) async throws(PostgresError) -> Int {
        let jobs = Self.merged(jobs)
        guard !jobs.isEmpty else { return 0 }
        var delays: [Duration] = []
        var times: [Date?] = []
        for job in jobs {
            switch job.due {
            case .after(let delay):
                delays.append(delay)
                times.append(nil)
            case .at(let time):
                delays.append(.zero)
                times.append(time)
            }
        }
        let rows = try await session.query(
            """
            with new as (
                insert into job (kind, key, payload, priority, due_at, max_attempts, unique_key)
                select kind, key, payload::jsonb, priority, coalesce(due_at, clock_timestamp() + delay), max_attempts,
                    unique_key
                from unnest(
                    \(jobs.map(\.kind)), \(jobs.map(\.key)), \(jobs.map(\.payload)), \(jobs.map(\.priority)), \(delays),
                    \(times), \(jobs.map(\.maxAttempts)), \(jobs.map(\.uniqueKey))
                ) as given (kind, key, payload, priority, delay, due_at, max_attempts, unique_key)
                on conflict (unique_key) where unique_key is not null and finished_at is null do update
                set again = job.state = 'running',
                    payload = excluded.payload,
                    priority = greatest(job.priority, excluded.priority),
                    due_at = case when job.state = 'running' then job.due_at
                        else least(job.due_at, excluded.due_at) end
                returning kind, due_at
            ), woken as (
                select pg_notify(\(Self.channel), kind) as sent from new where due_at <= clock_timestamp() group by kind
            )
            select (select count(*) from new), (select count(sent) from woken)
            """)
        return try rows[0].decode(Int.self, Int.self).0
    }

    /// Jobs of one batch that share a unique key become one; a fixed order of the keys keeps two batches that change
    /// the same jobs from locking each other.
    static func merged(_ jobs: [NewJob]) -> [NewJob] {
        var unique: [String: NewJob] = [:]
        var result: [NewJob] = []
        for job in jobs {
            guard let key = job.uniqueKey else {
                result.append(job)
                continue
            }
            var job = job
            if let earlier = unique[key] {
                job.priority = max(job.priority, earlier.priority)
                if case .after(let one) = earlier.due, case .after(let other) = job.due {
                    job.due = .after(min(one, other))
                }
            }
            unique[key] = job
        }
        return result + unique.sorted { $0.key < $1.key }.map(\.value)
    }

    // MARK: Claim and finish

    /// Takes up to `limit` due jobs, the most urgent first, then the longest due.
    package func claim(_ kind: JobKind, limit: Int, lease: Duration) async throws(PostgresError) -> [ClaimedJob] {
        let token = Int64.random(in: 1 ... .max)
        let answers = try await self.pool.pipeline([
            // A claim that a crash of the server loses is a job that is available again: no need to wait for the disk.
            "select set_config('synchronous_commit', 'off', true)",
            """
            with next as materialized (
                select id from job
                where state = 'available' and kind = \(kind) and due_at <= now()
                order by priority desc, due_at, id
                limit \(limit)
                for update skip locked
            )
            update job
            set state = 'running', attempt = attempt + 1, lease_until = now() + \(lease), lease_token = \(token),
                locked_by = \(self.owner)
            from next
            where job.id = next.id
            returning \(Self.columns)
            """,
        ])
        return try answers[1].map { row throws(PostgresError) in try Self.job(row) }
            .sorted { ($1.priority, $0.id.rawValue) < ($0.priority, $1.id.rawValue) }
    }

    static let columns: SQL = """
        job.id, job.kind, job.key, job.payload, job.priority, job.attempt, job.max_attempts, job.created_at,
        job.last_error, job.lease_token
        """

    static func job(_ row: PostgresRow) throws(PostgresError) -> ClaimedJob {
        let (id, kind, key, payload, priority, attempt, maxAttempts, createdAt, lastError, token) = try row.decode(
            JobID.self, JobKind.self, Int64?.self, String.self, Int16.self, Int16.self, Int16.self, Date.self,
            String?.self, Int64.self)
        return ClaimedJob(
            id: id, kind: kind, key: key, payload: payload, priority: priority, attempt: attempt,
            maxAttempts: maxAttempts, createdAt: createdAt, lastError: lastError, token: token)
    }

    /// Prolongs leases.
    /// - Returns: the jobs that are still held.
    package func renew(_ jobs: [ClaimedJob], lease: Duration) async throws(PostgresError) -> Set<JobID> {
        let rows = try await self.pool.query(
            """
            update job set lease_until = now() + \(lease)
            from unnest(\(jobs.map(\.id)), \(jobs.map(\.token))) as held (id, token)
            where job.id = held.id and job.lease_token = held.token
            returning job.id
            """)
        return Set(try rows.decode(JobID.self))
    }

    /// Ends jobs in the transaction that holds their results.
    /// - Throws: `WorkQueueError` `.leaseLost` when one of them is no longer held: let the transaction roll back.
    package func finish(_ results: [(job: ClaimedJob, outcome: JobOutcome)], in transaction: PostgresTransaction)
        async throws
    {
        let held = try await self.settle(results.map { ($0.job, Settlement($0.outcome)) }, in: transaction)
        let lost = results.filter { !held.contains($0.job.id) }
        guard lost.isEmpty else {
            let names = lost.map { "\($0.job.kind) \($0.job.id)" }.joined(separator: ", ")
            throw WorkQueueError(code: .leaseLost, context: names)
        }
    }

    package func finish(_ job: ClaimedJob, _ outcome: JobOutcome = .done, in transaction: PostgresTransaction)
        async throws
    {
        try await self.finish([(job, outcome)], in: transaction)
    }

    /// What is written for the end of one attempt.
    enum Settlement: Sendable {
        case done
        case cancel(reason: String)
        /// Back in line, the attempt not counted.
        case giveBack(after: Duration)
        case retry(after: Duration, error: String)
        case discard(error: String)

        init(_ outcome: JobOutcome) {
            switch outcome {
            case .done: self = .done
            case .snooze(let pause): self = .giveBack(after: pause)
            case .cancel(let reason): self = .cancel(reason: reason)
            }
        }

        fileprivate var fields: (state: String, isCounted: Bool, pause: Duration, note: String?) {
            switch self {
            case .done: ("completed", true, .zero, nil)
            case .cancel(let reason): ("cancelled", true, .zero, reason)
            case .giveBack(let pause): ("available", false, pause, nil)
            case .retry(let pause, let error): ("available", true, pause, error)
            case .discard(let error): ("discarded", true, .zero, error)
            }
        }
    }

    /// Ends the attempts of the jobs that are still held.
    /// - Returns: those jobs.
    func settle(
        _ jobs: [(job: ClaimedJob, settlement: Settlement)], in session: some PostgresSession
    ) async throws(PostgresError) -> Set<JobID> {
        let fields = jobs.map(\.settlement.fields)
        let rows = try await session.query(
            """
            update job
            set state = case when again then 'available' else result.state end,
                attempt = case when again and result.state <> 'available' then 0 when counted then attempt
                    else attempt - 1 end,
                due_at = case when result.state = 'available' or again then clock_timestamp() + pause else due_at end,
                finished_at = case when result.state <> 'available' and not again then clock_timestamp() end,
                last_error = coalesce(note, last_error), again = false,
                lease_until = null, lease_token = null, locked_by = null
            from unnest(
                \(jobs.map(\.job.id)), \(jobs.map(\.job.token)), \(fields.map(\.state)), \(fields.map(\.isCounted)),
                \(fields.map(\.pause)), \(fields.map { $0.note.map(Self.storable) })
            ) as result (id, token, state, counted, pause, note)
            where job.id = result.id and job.lease_token = result.token
            returning job.id
            """)
        return Set(try rows.decode(JobID.self))
    }

    /// Text that the database can hold, of a length that a person reads.
    private static func storable(_ note: String) -> String { String(note.replacing("\0", with: "").prefix(1_000)) }
}
