package import Postgres

/// Does the work of one kind of job.
///
/// A job may run more than once, for a worker can die between work and commit: let all its results be rows of the
/// transaction that finishes it (`JobContext.commit`), and everything outside the database bear repetition.
package protocol JobHandler: Sendable {
    var kind: JobKind { get }
    /// Jobs that `perform` gets at most; more than one pays off where one transaction or one model call serves many.
    var batchSize: Int { get }
    /// Batches at the same time in this process.
    var width: Int { get }
    /// How long a claim holds without a heartbeat; a dead worker's jobs rest for that long.
    var lease: Duration { get }
    var retryPolicy: RetryPolicy { get }

    /// Does the jobs, all of `kind`, the most urgent first.
    ///
    /// A job that it did not finish is finished as `.done` when it returns, and tried again later when it throws. When
    /// it throws for several jobs, each one is performed once more alone, so that one bad job does not hold up the
    /// others. Its task is cancelled when a lease is lost or shutdown does not wait any longer.
    func perform(_ jobs: [ClaimedJob], context: JobContext) async throws

    /// Jobs that will not be tried again: commits with their end, so that a person surely hears of it.
    func discard(_ jobs: [ClaimedJob], reason: String, in transaction: PostgresTransaction) async throws
}

extension JobHandler {
    package var batchSize: Int { 1 }
    package var width: Int { 1 }
    package var lease: Duration { .seconds(60) }
    package var retryPolicy: RetryPolicy { RetryPolicy() }
    package func discard(_ jobs: [ClaimedJob], reason: String, in transaction: PostgresTransaction) async throws {}
}

/// A handler's way back to the queue.
package struct JobContext: Sendable {
    package let queue: WorkQueue
    let finished: FinishedJobs

    package var pool: PostgresPool { self.queue.pool }

    /// Runs `body` and finishes the jobs in one transaction.
    /// - Throws: what `body` throws, or `WorkQueueError` `.leaseLost`; then nothing is committed.
    @discardableResult
    package func commit<R>(
        _ results: [(job: ClaimedJob, outcome: JobOutcome)], _ body: (PostgresTransaction) async throws -> R
    ) async throws -> R {
        let result = try await self.pool.withTransaction { transaction in
            let result = try await body(transaction)
            try await self.queue.finish(results, in: transaction)
            return result
        }
        self.finished.add(results.map(\.job.id))
        return result
    }

    /// Runs `body` and finishes one job in one transaction.
    @discardableResult
    package func commit<R>(
        _ job: ClaimedJob, _ outcome: JobOutcome = .done, _ body: (PostgresTransaction) async throws -> R
    ) async throws -> R {
        try await self.commit([(job, outcome)], body)
    }

    /// Ends jobs without any result of their own.
    package func finish(_ job: ClaimedJob, _ outcome: JobOutcome) async throws {
        try await self.commit([(job, outcome)]) { _ in }
    }
}
