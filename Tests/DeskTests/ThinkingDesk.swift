import ConnectionThread
import DeskModel
import DeskStore
import Encoder
import Foundation
import Logging
import MIME
import MailTransport
import Postgres
import ServiceLifecycle
import TestSupport
import Testing
import Triage
import WorkQueue

@testable import Desk

/// The part of a desk that thinks, with the shipped taxonomy and the real encoder: mails are put into its database, and
/// what it makes of them is read from there. Nothing is fetched or sent.
struct ThinkingDesk {
    struct ModelMissing: Error, CustomStringConvertible {
        var description: String {
            "no model: set MARTLET_MODEL to the folder that Scripts/setup makes (.martlet/model)"
        }
    }

    /// Keeps what is logged.
    private struct Journal: LogHandler {
        let lines: Locked<[String]>
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = "\(event.message) \(self.metadata) \(event.metadata ?? [:])"
            self.lines.withLock { $0.append(line) }
        }
    }

    private static let config = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Config")

    private static let engine = Task {
        guard let directory = ProcessInfo.processInfo.environment["MARTLET_MODEL"] else { throw ModelMissing() }
        let encoder = try SentenceEncoder(directory: directory)
        let file = Self.config.appendingPathComponent("taxonomies/ecommerce.yaml")
        let taxonomy = try Taxonomy(yaml: String(contentsOf: file, encoding: .utf8), file: "ecommerce.yaml")
        let sentiment = try Data(contentsOf: Self.config.appendingPathComponent("models/sentiment.model"))
        return try TriageEngine(
            encoder: encoder, taxonomy: taxonomy,
            models: [try await taxonomy.train(encoder: encoder).model, try TriageModel(bytes: [UInt8](sentiment))])
    }

    let store: DeskStore
    let context: DeskContext
    let knowledge: KnowledgeBase
    let step: TriageStep
    let mailboxID: MailboxID
    private let journal = Locked<[String]>([])

    init(articles: [Article], change: (inout DeskSettings) -> Void = { _ in }) async throws {
        let engine = try await Self.engine.value
        let database = try TestDatabase.required()
        let address = MailAddress("support@shop.example")!
        let endpoint = MailEndpoint(host: "127.0.0.1", port: 1, security: .none)
        var settings = DeskSettings()
        settings.tokenKeys = [TokenKey(id: "t1", secret: Secret("0123456789abcdef0123456789abcdef"))]
        settings.deskName = "Fernweh"
        settings.escalation.team = [MailAddress("team@shop.example")!]
        settings.mailboxes = [
            MailboxSettings(
                name: "office", imap: endpoint, smtp: endpoint, user: "x", password: Secret("x"), address: address)
        ]
        change(&settings)
        let store = DeskStore(pool: database.pool)
        let journal = self.journal
        self.store = store
        self.context = DeskContext(
            settings: settings, store: store, queue: WorkQueue(pool: database.pool, owner: "test"),
            parser: MailReader(settings: settings) { MIMEParser.parse($0) },
            logger: Logger(label: "test") { _ in Journal(lines: journal) })
        self.knowledge = try KnowledgeBase(
            store: store, encoder: engine.encoder, matters: ServingEngine(engine))
        _ = try await self.knowledge.importArticles(articles, replace: true)
        self.mailboxID = try await store.mailbox(named: "office", address: address).id
        let model = engine.encoder.model
        self.step = TriageStep(
            context: self.context, engines: ServingEngine(engine), knowledge: self.knowledge, chat: nil,
            mailboxes: [self.mailboxID: settings.mailboxes[0]],
            model: try await store.embeddingModel(
                name: model.name, weightsSHA256: model.weightsSHA256, tokenizer: model.tokenizer,
                dimensions: model.dimensions, pooling: model.pooling))
    }

    /// One mail as intake stores it.
    struct Mail {
        var id: Int64
        var ticket: Int64
        var customer: String
        var name = "Customer"
        var subject = "A question"
        var text: String
        var isOurs = false
        /// Of the ticket, when this mail opens it.
        var status = "new"
        var isHistory = false
    }

    func store(_ mails: [Mail]) async throws {
        var statements: [SQL] = []
        for mail in mails {
            let customer =
                900_000_000 + Int64(mail.customer.utf8.reduce(UInt32(17)) { $0 &* 31 &+ UInt32($1) } % 90_000_000)
            let isDone = mail.status == "closed" || mail.status == "resolved"
            statements += [
                """
                insert into customer (id, email, name) values (\(customer), \(mail.customer), \(mail.name))
                on conflict do nothing
                """,
                """
                insert into ticket (id, ticket_number, customer_id, mailbox_id, customer_email, customer_name, subject,
                    description, status, created_at, resolved_at, answer_from, is_history)
                values (\(mail.ticket), \(mail.ticket), \(customer), \(self.mailboxID.rawValue), \(mail.customer),
                    \(mail.name), \(mail.subject), \(mail.text), \(mail.status), now(),
                    case when \(isDone) then now() end, 'support@shop.example', \(mail.isHistory))
                on conflict do nothing
                """,
                """
                insert into message (id, ticket_id, mailbox_id, direction, kind, dedupe_key, internet_message_id,
                    sender_address, sender_name, subject, body_text, reply_text, suppress_automatic, is_verified,
                    thread_reason, internal_date)
                values (\(mail.id), \(mail.ticket), \(self.mailboxID.rawValue), \(mail.isOurs ? "out" : "in"), 'human',
                    sha256(\("\(mail.id)")::text::bytea), \("m\(mail.id)@customer.example"),
                    \(mail.isOurs ? "support@shop.example" : mail.customer), \(mail.isOurs ? "Tom Agent" : mail.name),
                    \(mail.subject), \(mail.text), \(mail.text), false, true, 'test', now())
                """,
            ]
        }
        let all = statements
        _ = try await self.store.pool.withTransaction { try await $0.pipeline(all) }
    }

    /// Triage, draft and decision for mails that are stored.
    func think(about mails: [Int64]) async throws {
        for start in stride(from: 0, to: mails.count, by: 16) {
            let batch = mails[start..<min(start + 16, mails.count)].map { StoredMessageID($0) }
            let statements = try await self.step.statements(for: batch, isBackfill: false)
            _ = try await self.store.pool.withTransaction { try await $0.pipeline(statements) }
        }
    }

    /// Queues what is to be learned and learns it.
    func learn() async throws {
        try await LearnJob.queueDue(self.context)
        let job = LearnJob(context: self.context, encoder: self.step.engines.current.encoder, model: self.step.model)
        try await self.work([job])
    }

    /// Performs what is queued for the handlers, to the end.
    func work(_ handlers: [any JobHandler]) async throws {
        let workers = try WorkerPool(queue: self.context.queue, handlers: handlers)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(configuration: .init(services: [.init(service: workers)], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await eventually("the end of all jobs") {
                try await self.texts("select 'x' from job where state in ('available', 'running')").isEmpty
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    func texts(_ query: SQL) async throws -> [String] {
        try await self.store.pool.query(query).decode(String.self)
    }

    /// The newest draft of a ticket.
    func draft(of ticket: Int64) async throws -> String? {
        try await self.texts("select body from draft where ticket_id = \(ticket) order by id desc limit 1").first
    }

    /// Every word that the desk wrote for anybody about a ticket: drafts, notes, notices, analyses and events.
    func words(about ticket: Int64) async throws -> [String] {
        let mails = try await self.store.pool.query(
            """
            select bytes from mailbox_write where ticket_id = \(ticket) and bytes is not null
            union all select bytes from outbox where ticket_id = \(ticket)
            """
        ).decode([UInt8].self)
        let rows = try await self.texts(
            """
            select content::text || body from draft where ticket_id = \(ticket)
            union all select result::text || decision::text from analysis where ticket_id = \(ticket)
            union all select detail::text from event where ticket_id = \(ticket)
            """)
        return rows
            + mails.flatMap { bytes in
                let mail = MIMEParser.parse(bytes)
                return [String(decoding: bytes, as: UTF8.self), mail.subject, mail.bodyText]
            }
    }

    var log: [String] { self.journal.withLock { $0 } }
}
