internal import ConnectionThread
internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MailTransport
internal import Postgres
internal import ServiceLifecycle

/// One mailbox for as long as the desk runs: reads it, writes into it, sends for it, and comes back after any failure.
package struct MailboxService: Service {
    fileprivate let context: DeskContext
    fileprivate let mailbox: MailboxSettings
    private let wakeups: Wakeups
    fileprivate let progress: @Sendable () -> Void

    /// - Parameter progress: Called whenever the mailbox shows that it is alive; feeds the watchdog.
    package init(
        context: DeskContext, mailbox: MailboxSettings, wakeups: Wakeups, progress: @escaping @Sendable () -> Void
    ) {
        self.context = context
        self.mailbox = mailbox
        self.wakeups = wakeups
        self.progress = progress
    }

    package func run() async throws {
        let record = await cancelWhenGracefulShutdown { await self.record() }
        guard let record else { return }
        await withTaskGroup(of: Void.self) { group in
            // What is being sent is finished before the service ends; reading and writing may stop anywhere.
            group.addTask { await self.send(record) }
            group.addTask { await cancelWhenGracefulShutdown { await self.work(record) } }
            await group.waitForAll()
        }
    }

    /// nil when the service was stopped before the database answered.
    private func record() async -> MailboxRecord? {
        var failures = Failures(self, what: "the mailbox cannot be set up")
        while !Task.isCancelled {
            do {
                return try await self.context.store.mailbox(named: self.mailbox.name, address: self.mailbox.address)
            } catch {
                await failures.wait(after: error)
            }
        }
        return nil
    }

    // MARK: - Sending

    private func send(_ record: MailboxRecord) async {
        let wake = self.wakeups.signal(for: DeskStore.outboxChannel)
        let sender = OutboxSender(
            context: self.context, mailbox: self.mailbox, mailboxID: record.id, wake: wake, progress: self.progress)
        var failures = Failures(self, what: "sending is interrupted")
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                do {
                    try await sender.run()
                } catch {
                    await failures.wait(after: error)
                }
            }
        } onGracefulShutdown: {
            wake.signal()
        }
    }

    // MARK: - Reading and writing

    private func work(_ record: MailboxRecord) async {
        let hold = MailboxHold(store: self.context.store, mailbox: record.id)
        var failures = Failures(self, what: "the mailbox cannot be held")
        while !Task.isCancelled {
            do {
                guard try await hold.acquire() != nil else {
                    self.progress()
                    try await Task.sleep(for: .seconds(5))
                    continue
                }
                failures.reset()
                try await self.workWhileHeld(record, hold)
            } catch {
                if Task.isCancelled { break }
                await failures.wait(after: error)
            }
        }
        // The lease is given back even though this task is cancelled.
        await Task { await hold.release() }.value
    }

    private func workWhileHeld(_ record: MailboxRecord, _ hold: MailboxHold) async throws {
        let reader = Locked<IMAPSession?>(nil)
        let inbox = InboxProgress()
        let sync = MailboxSync(
            context: self.context, mailbox: self.mailbox, record: record, hold: hold, reader: reader,
            inbox: inbox, progress: self.progress)
        let writer = MailboxWriter(
            context: self.context, mailbox: self.mailbox, record: record, hold: hold, reader: reader,
            wake: self.wakeups.signal(for: DeskStore.writesChannel), progress: self.progress)
        let sent = SentObserver(
            context: self.context, mailbox: self.mailbox, record: record, hold: hold, inbox: inbox,
            progress: self.progress)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await hold.keep() }
            group.addTask { try await self.repeating("reading is interrupted") { try await sync.run() } }
            group.addTask { try await self.repeating("watching Sent is interrupted") { try await sent.run() } }
            if self.context.mode(of: self.mailbox) > .observe {
                group.addTask { try await self.repeating("writing is interrupted") { try await writer.run() } }
            }
            // The first that ends has lost the lease, or everything is cancelled.
            try await group.next()
            group.cancelAll()
        }
    }

    /// Runs `body` over and over, with waits between failures.
    /// - Throws: `StoreError.leaseLost`, `CancellationError`.
    private func repeating(_ what: String, _ body: @Sendable () async throws -> Void) async throws {
        var failures = Failures(self, what: what)
        while !Task.isCancelled {
            let started = ContinuousClock.now
            do {
                try await body()
            } catch let error as StoreError where error.code == .leaseLost {
                throw error
            } catch {
                try Task.checkCancellation()
                if ContinuousClock.now - started > .seconds(60) { failures.reset() }
                await failures.wait(after: error)
            }
        }
        throw CancellationError()
    }
}

/// The waits between failures of one activity, and the log lines about them: the same trouble is told once, then again
/// when it lasts.
private struct Failures {
    let context: DeskContext
    let mailbox: MailboxSettings
    let what: String
    /// Waiting for a server to come back is no stall.
    let progress: @Sendable () -> Void
    private var backoff = Backoff(base: .seconds(1), cap: .seconds(120))
    private var random = SystemRandomNumberGenerator()
    private var lastWords = ""
    private var repeats = 0

    init(_ service: MailboxService, what: String) {
        self.context = service.context
        self.mailbox = service.mailbox
        self.progress = service.progress
        self.what = what
    }

    mutating func reset() {
        self.backoff.reset()
        self.lastWords = ""
        self.repeats = 0
    }

    mutating func wait(after error: any Error) async {
        let words = "\(error)"
        self.repeats = words == self.lastWords ? self.repeats + 1 : 0
        self.lastWords = words
        self.progress()
        let delay = self.backoff.next(using: &self.random) + .milliseconds(200)
        if self.repeats == 0 || self.repeats.isMultiple(of: 20) {
            // Waiting mends no password: who reads this has something to do.
            let remedy = (error as? MailError)?.isRetryable == false ? "; martlet doctor says what to do" : ""
            self.context.logger.error(
                "\(self.what)\(remedy)",
                metadata: .with([
                    .mailbox: self.mailbox.name, .error: words, .attempt: self.repeats + 1,
                    .seconds: String(format: "%.1f", delay / .seconds(1)),
                ]))
        }
        try? await self.context.pause(delay)
    }
}
