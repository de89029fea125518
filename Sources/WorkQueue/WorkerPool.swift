internal import Logging
package import Postgres
internal import ServiceLifecycle

/// How the workers of one process behave.
package struct WorkerSettings: Sendable {
    /// Finds due jobs when no notification came: jobs that were snoozed, or enqueued while nobody listened.
    package var pollInterval: Duration = .seconds(2)
    /// Between two looks for jobs of dead workers.
    package var rescueInterval: Duration = .seconds(15)
    /// Finished jobs are kept this long.
    package var retention: Duration = .seconds(14 * 24 * 3600)
    /// How long shutdown waits for running jobs before it interrupts them and gives them back.
    package var drainLimit: Duration = .seconds(20)
    /// Where to listen when the pool goes through a pooler; nil means the pool's own database.
    package var listenConfiguration: PostgresConfiguration?

    package init() {}
}

/// Performs jobs until shutdown.
///
/// Claims only what it can begin at once. Wakes up by LISTEN, with one cheap poll for all kinds as the fallback.
package final class WorkerPool: Service {
    private enum Part { case dispatcher, helper, overtime }

    private let queue: WorkQueue
    private let handlers: [any JobHandler]
    private let settings: WorkerSettings
    private let bells: [JobKind: Bell]

    /// - Throws: `.handlerMismatch` when two handlers serve one kind.
    package init(
        queue: WorkQueue, handlers: [any JobHandler], settings: WorkerSettings = WorkerSettings()
    ) throws(WorkQueueError) {
        self.queue = queue
        self.handlers = handlers
        self.settings = settings
        var bells: [JobKind: Bell] = [:]
        for handler in handlers {
            guard bells.updateValue(Bell(), forKey: handler.kind) == nil else {
                throw WorkQueueError(code: .handlerMismatch, context: "two handlers for \(handler.kind)")
            }
        }
        self.bells = bells
    }

    /// Works until graceful shutdown and ends when the running jobs have ended or were given back.
    package func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Part.self) { group in
                for handler in self.handlers {
                    group.addTask {
                        await self.dispatch(handler)
                        return .dispatcher
                    }
                }
                group.addTask { await self.helper { await self.listen() } }
                group.addTask { await self.helper { await self.poll() } }
                group.addTask { await self.helper { await self.lookAfter() } }
                group.addTask {
                    try? await gracefulShutdown()
                    try? await Task.sleep(for: self.settings.drainLimit)
                    return .overtime
                }
                var working = self.handlers.count
                while working > 0, let part = await group.next() {
                    switch part {
                    case .dispatcher: working -= 1
                    case .helper: break
                    case .overtime: group.cancelAll()
                    }
                }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            for bell in self.bells.values { bell.close() }
        }
    }

    // MARK: Dispatch

    private func dispatch(_ handler: any JobHandler) async {
        guard let bell = self.bells[handler.kind] else { return }
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await _ in bell.rings {
                var isFull = true
                while isFull, !bell.isClosed, !Task.isCancelled {
                    if running >= handler.width {
                        await group.next()
                        running -= 1
                        continue
                    }
                    let jobs = await self.claim(handler)
                    isFull = jobs.count >= handler.batchSize
                    guard !jobs.isEmpty else { break }
                    group.addTask { await Attempt(jobs, handler, self.queue).run() }
                    running += 1
                }
            }
            await group.waitForAll()
        }
    }

    private func claim(_ handler: any JobHandler) async -> [ClaimedJob] {
        do throws(PostgresError) {
            return try await self.queue.claim(handler.kind, limit: handler.batchSize, lease: handler.lease)
        } catch {
            // The next poll rings again.
            Logger.current.debug(
                "jobs not claimed",
                metadata: ["kind": .string(handler.kind.rawValue), "error": .string(error.description)])
            return []
        }
    }

    // MARK: Helpers

    private func helper(_ body: @Sendable () async -> Void) async -> Part {
        await withoutActuallyEscaping(body) { body in
            await cancelWhenGracefulShutdown { await body() }
        }
        return .helper
    }

    private func listen() async {
        let events = self.queue.pool.notifications(
            channels: [WorkQueue.channel], configuration: self.settings.listenConfiguration)
        for await event in events {
            switch event {
            case .reconnected: for bell in self.bells.values { bell.ring() }
            case .notification(let notification): self.bells[JobKind(rawValue: notification.payload)]?.ring()
            }
        }
    }

    private func poll() async {
        let kinds = self.handlers.map(\.kind)
        while !Task.isCancelled {
            if let due = try? await self.queue.due(kinds) { for kind in due { self.bells[kind]?.ring() } }
            try? await Task.sleep(for: self.settings.pollInterval)
        }
    }

    private func lookAfter() async {
        let kinds = self.handlers.map(\.kind)
        while !Task.isCancelled {
            do {
                let rescued = try await self.queue.rescue(kinds)
                if rescued > 0 {
                    for bell in self.bells.values { bell.ring() }
                    Logger.current.notice("jobs rescued", metadata: ["count": .string(String(rescued))])
                }
                for handler in self.handlers { try await self.discardExpired(handler) }
                _ = try await self.queue.prune(olderThan: self.settings.retention)
            } catch {
                Logger.current.debug("queue upkeep failed", metadata: ["error": .string("\(error)")])
            }
            try? await Task.sleep(for: self.settings.rescueInterval)
        }
    }

    private func discardExpired(_ handler: any JobHandler) async throws {
        let reason = "the lease ended before the job, in its last attempt"
        let jobs = try await self.queue.pool.withTransaction { transaction in
            let jobs = try await self.queue.discardExpired(handler.kind, error: reason, in: transaction)
            if !jobs.isEmpty { try await handler.discard(jobs, reason: reason, in: transaction) }
            return jobs
        }
        for job in jobs { Attempt.logDiscard(job, reason) }
    }
}

/// Wakes one dispatcher; rings that come while it is awake are one.
private struct Bell: Sendable {
    let rings: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation
    private let closed = Flag()

    init() { (self.rings, self.rope) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    var isClosed: Bool { self.closed.isSet }
    func ring() { self.rope.yield() }

    func close() {
        self.closed.set()
        self.rope.finish()
    }
}
