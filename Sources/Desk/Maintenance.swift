internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import Postgres
internal import ServiceLifecycle
internal import WorkQueue

/// What has to be looked at now and then: everything of `DeskUpkeep`, and a changed knowledge base.
package struct Maintenance: Service {
    static let interval: Duration = .seconds(10)
    private static let indexingInterval: Duration = .seconds(60)

    private let context: DeskContext
    private let knowledge: KnowledgeBase
    private let learning: Learning
    private let progress: @Sendable () -> Void

    package init(
        context: DeskContext, knowledge: KnowledgeBase, learning: Learning, progress: @escaping @Sendable () -> Void
    ) {
        self.learning = learning
        self.context = context
        self.knowledge = knowledge
        self.progress = progress
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            async let indexing: Void = self.indexVectors()
            while !Task.isCancelled {
                do {
                    try await self.turn()
                } catch is CancellationError {
                    return
                } catch {
                    self.context.logger.warning(
                        "maintenance is put off", metadata: .with([.error: "\(error)"]))
                }
                self.progress()
                try? await Task.sleep(for: Self.interval)
            }
            await indexing
        }
    }

    /// Beside the rest, which a minute's build must not hold up.
    private func indexVectors() async {
        while !Task.isCancelled {
            do {
                if try await self.knowledge.indexVectorsWhenLarge() {
                    self.context.logger.notice("the vectors of the knowledge base have an index now")
                }
            } catch is CancellationError {
                return
            } catch {
                self.context.logger.warning(
                    "the vectors of the knowledge base have no index; searches are slow",
                    metadata: .with([.error: "\(error)"]))
            }
            try? await Task.sleep(for: Self.indexingInterval)
        }
    }

    /// Trains at night; takes over what another process trained.
    private func learn() async throws {
        if let outcome = try await self.learning.retrainAtNight(host: ProcessInfo.processInfo.hostName) {
            self.context.logger.notice(
                "triage was trained anew",
                metadata: .with([
                    .kind: outcome.model.state.rawValue, .reason: outcome.model.reason,
                    .count: outcome.model.taught,
                ]))
        } else if try await self.learning.adopt() {
            self.context.logger.notice("another triage model serves now")
        }
    }

    private func turn() async throws {
        try await DeskUpkeep(context: self.context).turn()
        try await self.knowledge.refresh()
        try await self.knowledge.learnWhenDue()
        try await self.learn()
    }
}

/// Mails whose sender died, notices beyond the cap, floods, tickets whose window has passed.
package struct DeskUpkeep: Sendable {
    private let context: DeskContext

    package init(context: DeskContext) { self.context = context }

    package func turn() async throws {
        let store = self.context.store
        try await store.recoverOutbox(hasEnded: { ProcessIdentity($0)?.hasEnded ?? false }) { mails, transaction in
            for (id, ticket) in mails {
                self.context.logger.error(
                    "a mail may or may not have been sent; a person has to decide",
                    metadata: .with([.outbox: id, .ticket: ticket?.description ?? "none"]))
            }
            let notices = try mails.compactMap { id, ticket in
                try ticket.map { ticket in
                    try NewJob.notify(
                        ticket: ticket,
                        reason: "a mail may or may not have been sent; decide with: martlet outbox show \(id)")
                }
            }
            try await self.context.queue.enqueue(notices, in: transaction)
        }
        for mailbox in self.context.settings.mailboxes {
            try await NoticeDigest(context: self.context).queue(for: mailbox)
        }
        try await self.noticeFloods()
        try await store.closeOldTickets(after: self.context.settings.reopenWindow)
        try await LearnJob.queueDue(self.context)
    }

    /// Many mails of one sender, or nearly the same mail of many: told once an hour, stored all the same.
    private func noticeFloods() async throws {
        for flood in try await self.context.store.newFloods(senderLimit: 30, similarLimit: 15) {
            self.context.logger.warning(
                "much mail of one kind comes in", metadata: .with([.key: flood.key, .count: flood.count]))
            try await self.context.queue.enqueue(
                [try .notify(ticket: flood.ticketID, reason: flood.reason)], in: self.context.store.pool)
        }
    }
}
