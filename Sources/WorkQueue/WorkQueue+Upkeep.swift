package import Postgres

/// Looking after jobs that nobody holds.
extension WorkQueue {
    /// Which of the kinds have due jobs.
    func due(_ kinds: [JobKind]) async throws(PostgresError) -> [JobKind] {
        try await self.pool.query(
            """
            select kind from unnest(\(kinds)) as wanted (kind)
            where exists (
                select from job where job.kind = wanted.kind and state = 'available' and due_at <= now()
            )
            """
        ).decode(JobKind.self)
    }

    /// Puts jobs back in line whose lease has ended, for their worker died or lost its way; where the worker was a
    /// process of this host that lives no more, at once.
    ///
    /// The attempt counts: it may have been the job that killed the worker. The first rescue costs no wait.
    /// - Returns: the number of jobs.
    package func rescue(_ kinds: [JobKind]) async throws(PostgresError) -> Int {
        try await self.endLeasesOfDead(kinds)
        return try await self.pool.execute(
            """
            with expired as materialized (
                select id from job
                where state = 'running' and lease_until < now() and attempt < max_attempts and kind = any(\(kinds))
                order by lease_until limit 500
                for update skip locked
            )
            update job
            set state = 'available', lease_until = null, lease_token = null, locked_by = null, again = false,
                due_at = now() + least(60, power(2, attempt - 1) - 1) * interval '1 second',
                last_error = 'the lease ended before the job'
            from expired
            where job.id = expired.id
            """)
    }

    private func endLeasesOfDead(_ kinds: [JobKind]) async throws(PostgresError) {
        let owners = try await self.pool.query(
            "select distinct locked_by from job where state = 'running' and lease_until > now() and kind = any(\(kinds))"
        ).decode(String.self)
        let dead = owners.filter { ProcessIdentity($0)?.hasEnded ?? false }
        if dead.isEmpty { return }
        _ = try await self.pool.execute(
            """
            with held as materialized (
                select id from job
                where state = 'running' and locked_by = any(\(dead)) and kind = any(\(kinds))
                for update skip locked
            )
            update job set lease_until = now() from held where job.id = held.id
            """)
    }

    /// Discards jobs whose lease has ended in their last attempt.
    /// - Returns: the jobs.
    func discardExpired(
        _ kind: JobKind, error: String, in transaction: PostgresTransaction
    ) async throws(PostgresError) -> [ClaimedJob] {
        let rows = try await transaction.query(
            """
            select \(Self.columns) from job
            where state = 'running' and lease_until < now() and attempt >= max_attempts and kind = \(kind)
            order by lease_until limit 100
            for update skip locked
            """)
        let jobs = try rows.map { row throws(PostgresError) in try Self.job(row) }
        if jobs.isEmpty { return [] }
        _ = try await self.settle(jobs.map { ($0, Settlement.discard(error: error)) }, in: transaction)
        return jobs
    }

    /// Deletes finished jobs that are older than `age`, in small portions.
    /// - Returns: the number of jobs.
    package func prune(olderThan age: Duration) async throws(PostgresError) -> Int {
        var total = 0
        while true {
            let count = try await self.pool.execute(
                """
                delete from job where id in (
                    select id from job where finished_at < now() - \(age) order by finished_at limit 1000
                    for update skip locked
                )
                """)
            total += count
            if count < 1_000 { return total }
        }
    }

    /// Ends the waiting jobs of one kind about one thing; what is running already runs on.
    /// - Returns: the number of jobs.
    @discardableResult
    package func cancel(
        _ kind: JobKind, key: Int64, reason: String, in session: some PostgresSession
    ) async throws(PostgresError) -> Int {
        try await session.execute(
            """
            update job set state = 'cancelled', finished_at = clock_timestamp(), last_error = \(reason)
            where state = 'available' and kind = \(kind) and key = \(key)
            """)
    }

    /// Makes a discarded or cancelled job due again, with all its attempts.
    /// - Returns: false when it is not one, or another job with its unique key is waiting.
    package func revive(_ id: JobID) async throws(PostgresError) -> Bool {
        try await self.pool.query(
            """
            with revived as (
                update job set state = 'available', attempt = 0, due_at = now(), finished_at = null
                where id = \(id) and state in ('discarded', 'cancelled') and not exists (
                    select from job as other where other.unique_key = job.unique_key and other.finished_at is null
                )
                returning kind
            )
            select pg_notify(\(Self.channel), kind) is null from revived
            """
        ).count == 1
    }

    /// How much there is of one kind in one state.
    package struct Count: Sendable, Hashable {
        package let kind: JobKind
        /// `available`, `running`, `completed`, `discarded` or `cancelled`.
        package let state: String
        package let count: Int
        /// How long the longest waiting job has been due; nil when none is.
        package let oldestDue: Duration?
    }

    /// All jobs that are not pruned, by kind and state.
    package func stats() async throws(PostgresError) -> [Count] {
        let rows = try await self.pool.query(
            """
            select kind, state, count(*),
                extract(epoch from now() - min(due_at) filter (where state = 'available' and due_at <= now()))::float8
            from job group by kind, state order by kind, state
            """)
        return try rows.decode(JobKind.self, String.self, Int.self, Double?.self).map { kind, state, count, age in
            Count(kind: kind, state: state, count: count, oldestDue: age.map { .seconds($0) })
        }
    }
}
