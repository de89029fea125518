internal import Answering
internal import DeskModel
internal import DeskStore
package import Encoder
internal import Foundation
internal import Logging
package import Postgres
package import ServiceLifecycle
package import Systemd
internal import Triage
internal import WorkQueue

/// The running desk: all long-lived parts, in the order in which they need each other.
package struct Desk: Sendable {
    private let context: DeskContext
    private let encoder: any TextEncoder
    private let engines: ServingEngine
    private let learning: Learning
    private let knowledge: KnowledgeBase
    private let articles: ArticleFolder?

    /// - Parameter articles: a folder that is kept imported; nil means none.
    package init(
        context: DeskContext, encoder: any TextEncoder, engines: ServingEngine, learning: Learning,
        knowledge: KnowledgeBase, articles: ArticleFolder? = nil
    ) {
        self.articles = articles
        self.context = context
        self.encoder = encoder
        self.engines = engines
        self.learning = learning
        self.knowledge = knowledge
    }

    /// The services of the desk, first needed first; a group stops them in reverse.
    ///
    /// - Parameters:
    ///   - listen: Where to listen for notifications when the pool goes through a pooler.
    ///   - workers: Triage batches at the same time.
    /// - Throws: `PostgresError` when the database cannot be asked for the mailboxes.
    package func services(
        listen: PostgresConfiguration?, workers: Int
    ) async throws -> (services: [any Service], probes: [ProgressProbe]) {
        let store = self.context.store
        var mailboxes: [MailboxID: MailboxSettings] = [:]
        for mailbox in self.context.settings.mailboxes {
            mailboxes[try await store.mailbox(named: mailbox.name, address: mailbox.address).id] = mailbox
        }
        try await StrandedMail.report(self.context)
        let model = self.encoder.model
        let modelID = try await store.embeddingModel(
            name: model.name, weightsSHA256: model.weightsSHA256, tokenizer: model.tokenizer,
            dimensions: model.dimensions, pooling: model.pooling)
        try await self.knowledge.refresh()
        try await self.learning.adopt()

        let wakeups = Wakeups(pool: store.pool, configuration: listen)
        let step = TriageStep(
            context: self.context, engines: self.engines, knowledge: self.knowledge,
            chat: ChatDrafter(self.context.settings.draft, store: self.context.store), mailboxes: mailboxes,
            model: modelID)
        var settings = WorkerSettings()
        settings.listenConfiguration = listen
        settings.retention = self.context.settings.retention
        let upkeep = ProgressProbe("maintenance", patience: .seconds(300))
        let workerPool = try WorkerPool(
            queue: self.context.queue,
            handlers: [
                TriageJob(step: step, isBackfill: false, width: workers) {},
                TriageJob(step: step, isBackfill: true, width: 1) {},
                AcknowledgeJob(context: self.context, mailboxes: mailboxes),
                NotifyJob(context: self.context, mailboxes: mailboxes),
                LearnJob(context: self.context, encoder: self.encoder, model: modelID),
            ], settings: settings)
        var services: [any Service] = [store.pool, wakeups, workerPool]
        var probes = [upkeep]
        for mailbox in self.context.settings.mailboxes {
            let probe = ProgressProbe("mailbox \(mailbox.name)", patience: .seconds(600))
            probes.append(probe)
            services.append(
                MailboxService(context: self.context, mailbox: mailbox, wakeups: wakeups) { probe.advance() })
        }
        services.append(
            Maintenance(context: self.context, knowledge: self.knowledge, learning: self.learning) { upkeep.advance() })
        if let articles {
            services.append(
                KnowledgeFolder(folder: articles, knowledge: self.knowledge, logger: self.context.logger))
        }
        return (services, probes)
    }
}
