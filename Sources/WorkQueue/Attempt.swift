internal import Logging
internal import Postgres
internal import Synchronization

/// One run of a handler over the jobs of one claim, from the first heartbeat to the last settlement.
struct Attempt {
    private enum End: Sendable {
        case returned
        case threw(any Error)
        case leaseLost
    }

    private let jobs: [ClaimedJob]
    private let handler: any JobHandler
    private let queue: WorkQueue
    private let finished = FinishedJobs()

    init(_ jobs: [ClaimedJob], _ handler: any JobHandler, _ queue: WorkQueue) {
        self.jobs = jobs
        self.handler = handler
        self.queue = queue
    }

    func run() async {
        switch await self.perform(self.jobs) {
        case .returned: await self.settle(self.jobs) { _ in .done }
        case .threw(let error): await self.failed(error)
        case .leaseLost:
            Logger.current.notice("job lease lost", metadata: self.metadata(self.jobs[0]))
            // Those of the batch that are still held go back in line.
            await self.settle(self.jobs) { _ in .giveBack(after: .zero) }
        }
    }

    private func failed(_ error: any Error) async {
        let open = self.jobs.filter { !self.finished.contains($0.id) }
        if self.isInterruption(error) { return await self.settle(open) { _ in .giveBack(after: .zero) } }
        guard open.count > 1, !Self.isOutage(error) else {
            return await self.settle(open) { self.settlement(of: $0, after: error) }
        }
        // One of them is to blame: each for itself.
        for job in open {
            switch Task.isCancelled ? .threw(CancellationError()) : await self.perform([job]) {
            case .returned: await self.settle([job]) { _ in .done }
            case .leaseLost: await self.settle([job]) { _ in .giveBack(after: .zero) }
            case .threw(let error):
                let isInterrupted = self.isInterruption(error)
                await self.settle([job]) {
                    isInterrupted ? .giveBack(after: .zero) : self.settlement(of: $0, after: error)
                }
            }
        }
    }

    // MARK: Perform

    /// Runs the handler beside a heartbeat for all jobs of the claim.
    private func perform(_ jobs: [ClaimedJob]) async -> End {
        await withTaskGroup(of: End?.self) { group in
            group.addTask {
                do {
                    try await self.handler.perform(
                        jobs, context: JobContext(queue: self.queue, finished: self.finished))
                    return .returned
                } catch {
                    return .threw(error)
                }
            }
            group.addTask { await self.heartbeat() ? nil : .leaseLost }
            var end: End?
            while end == nil, let next = await group.next() { end = next }
            group.cancelAll()
            // A handler that finished everything in spite of a lost lease could not have committed without it.
            await group.waitForAll()
            return end ?? .leaseLost
        }
    }

    /// Prolongs the leases at a third of their length.
    /// - Returns: true when the task was cancelled, false when a lease is lost or, by this host's own monotonic clock,
    ///   about to end.
    private func heartbeat() async -> Bool {
        let lease = self.handler.lease
        var held = ContinuousClock.now
        while true {
            do { try await Task.sleep(for: lease / 3) } catch { return true }
            let open = self.jobs.filter { !self.finished.contains($0.id) }
            if open.isEmpty { continue }
            let asked = ContinuousClock.now
            do throws(PostgresError) {
                let kept = try await self.queue.renew(open, lease: lease)
                held = asked
                // What was finished while we asked is not lost.
                guard open.allSatisfy({ kept.contains($0.id) || self.finished.contains($0.id) }) else { return false }
            } catch {
                if Task.isCancelled { return true }
                if held.duration(to: .now) > lease * 0.8 { return false }
            }
        }
    }

    // MARK: Settle

    private func settlement(of job: ClaimedJob, after error: any Error) -> WorkQueue.Settlement {
        var generator = SystemRandomNumberGenerator()
        let pause = self.handler.retryPolicy.pause(after: Int(job.attempt), using: &generator)
        // An outage of the database is no fault of the job.
        if Self.isOutage(error) { return .giveBack(after: min(pause, .seconds(30))) }
        let text = "\(error)"
        return job.isLastAttempt ? .discard(error: text) : .retry(after: pause, error: text)
    }

    /// True when nothing could have run. A statement that was cut off counts, for it may be what brought the server
    /// down, and a job that does so every time must come to an end.
    private static func isOutage(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        return error.code == .unavailable || error.code == .connectionFailed
    }

    private func isInterruption(_ error: any Error) -> Bool {
        if let error = error as? PostgresError, error.code == .closed { return true }
        if let error = error as? WorkQueueError, error.code == .leaseLost { return true }
        return Task.isCancelled || error is CancellationError
    }

    /// Writes the end of the jobs that the handler left open, with their discards. A failure leaves them to rescue.
    private func settle(_ jobs: [ClaimedJob], _ settlement: @escaping (ClaimedJob) -> WorkQueue.Settlement) async {
        let open = jobs.filter { !self.finished.contains($0.id) }.map { ($0, settlement($0)) }
        if open.isEmpty { return }
        // Book-keeping goes on when this task is cancelled: a job that is given back need not wait for its lease.
        let queue = self.queue
        let handler = self.handler
        let result = await Task { () -> Result<Void, any Error> in
            do {
                try await Self.settle(open, queue, handler)
                return .success(())
            } catch {
                return .failure(error)
            }
        }.value
        if case .failure(let error) = result {
            var metadata = self.metadata(jobs[0])
            metadata["error"] = .string("\(error)")
            Logger.current.notice("end of job not stored", metadata: metadata)
        }
    }

    private static func settle(
        _ jobs: [(ClaimedJob, WorkQueue.Settlement)], _ queue: WorkQueue, _ handler: any JobHandler
    ) async throws {
        var discarded: [String: [ClaimedJob]] = [:]
        for (job, settlement) in jobs {
            switch settlement {
            case .discard(let error): discarded[error, default: []].append(job)
            case .retry(let pause, let error):
                Logger.current.debug(
                    "job failed",
                    metadata: [
                        "job": .string(job.id.description), "kind": .string(job.kind.rawValue),
                        "attempt": .string(String(job.attempt)), "error": .string(error),
                        "seconds": .string(String(pause.components.seconds)),
                    ])
            case .done, .cancel, .giveBack: break
            }
        }
        if discarded.isEmpty {
            _ = try await queue.settle(jobs, in: queue.pool)
            return
        }
        let lost = try await queue.pool.withTransaction { transaction in
            let held = try await queue.settle(jobs, in: transaction)
            var lost: [(ClaimedJob, String)] = []
            for (reason, group) in discarded {
                let group = group.filter { held.contains($0.id) }
                if group.isEmpty { continue }
                try await handler.discard(group, reason: reason, in: transaction)
                lost += group.map { ($0, reason) }
            }
            return lost
        }
        for (job, reason) in lost { Self.logDiscard(job, reason) }
    }

    static func logDiscard(_ job: ClaimedJob, _ reason: String) {
        Logger.current.error(
            "job given up",
            metadata: [
                "job": .string(job.id.description), "kind": .string(job.kind.rawValue),
                "attempt": .string(String(job.attempt)), "reason": .string(reason),
            ])
    }

    private func metadata(_ job: ClaimedJob) -> Logger.Metadata {
        ["job": .string(job.id.description), "kind": .string(job.kind.rawValue)]
    }
}

/// The jobs of a claim whose end is committed.
final class FinishedJobs: Sendable {
    private let ids = Mutex<Set<JobID>>([])

    func add(_ ids: [JobID]) { self.ids.withLock { $0.formUnion(ids) } }
    func contains(_ id: JobID) -> Bool { self.ids.withLock { $0.contains(id) } }
}

/// Once set, set for ever.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { self.value.load(ordering: .acquiring) }
    func set() { self.value.store(true, ordering: .releasing) }
}
