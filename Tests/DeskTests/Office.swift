import ConnectionThread
import Desk
import DeskModel
import DeskStore
import Foundation
import Logging
import MIME
import MailTransport
import Postgres
import ServiceLifecycle
import TestSupport
import Testing
import WorkQueue

/// All tables of the product.
let deskMigrations = (WorkQueue.migrations + DeskStore.migrations).sorted { $0.version < $1.version }

/// A desk with one mailbox that no other test knows, on real servers. It reads, writes and sends; jobs stay queued, so
/// that a test sees what was asked for.
struct Office {
    struct Missing: Error, CustomStringConvertible {
        let variable: String
        var description: String {
            "\(self.variable) is not set; start the servers with: Scripts/stack up --dir .martlet/stack"
        }
    }
    struct Unparsed: Error {}

    /// The wait after a failure.
    struct Pause: Sendable {
        let wait: @Sendable (Duration) async throws -> Void

        static let inEarnest = Pause { try await Task.sleep(for: $0) }
        /// For tests that break a link thousands of times.
        static let short = Pause { _ in try await Task.sleep(for: .milliseconds(1)) }
    }

    static let password = Secret("martlet-test")
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let database: TestDatabase
    let user: String
    let context: DeskContext
    let mailbox: MailboxSettings
    let store: DeskStore

    /// - Parameters:
    ///   - imap, smtp: instead of the real servers.
    ///   - name: of the mailbox, for tests that open several.
    ///   - pool: instead of one that leads straight to the database.
    ///   - pause: the wait after a failure; as in earnest unless a test has another.
    ///   - isolated: stands for the child process that reads dangerous mail.
    init(
        imap: MailEndpoint? = nil, smtp: MailEndpoint? = nil, name: String = "office", pool: PostgresPool? = nil,
        pause: Pause = .inEarnest,
        change: (inout DeskSettings) -> Void = { _ in },
        isolated: @escaping @Sendable ([UInt8]) async throws -> InboundMessage = { MIMEParser.parse($0) }
    ) throws {
        self.database = try TestDatabase.required()
        self.user = "office\(UInt64.random(in: 0 ... .max))@shop.example"
        let address = MailAddress(self.user)!
        var settings = DeskSettings()
        settings.holdFile = FileManager.default.temporaryDirectory.appending(path: "hold-\(address.localPart)").path
        settings.tokenKeys = [TokenKey(id: "t1", secret: Secret("0123456789abcdef0123456789abcdef"))]
        settings.mode = .acknowledge
        settings.mailboxes = [
            MailboxSettings(
                name: name, imap: try imap ?? Self.imap(), smtp: try smtp ?? Self.smtp(), user: self.user,
                password: Self.password, address: address)
        ]
        settings.mailboxes[0].smtpLogin = .none
        change(&settings)
        self.mailbox = settings.mailboxes[0]
        let pool = pool ?? self.database.pool
        self.store = DeskStore(pool: pool)
        self.context = DeskContext(
            settings: settings, store: self.store, queue: WorkQueue(pool: pool, owner: "test"),
            parser: MailReader(settings: settings, isolated: isolated), logger: Self.logger,
            pause: pause.wait)
    }

    // MARK: - The desk

    /// Runs the mailbox's service beside `body` and shuts it down gracefully afterwards.
    func whileOpen(_ mailbox: MailboxSettings? = nil, _ body: () async throws -> Void) async throws {
        try await self.whileRunning(mailbox ?? self.mailbox, [], body)
    }

    /// The same, with the jobs that queue mail about tickets.
    func whileWorking(_ body: () async throws -> Void) async throws {
        let id = try await self.store.mailbox(named: self.mailbox.name, address: self.mailbox.address).id
        let workers = try WorkerPool(
            queue: self.context.queue,
            handlers: [
                AcknowledgeJob(context: self.context, mailboxes: [id: self.mailbox]),
                NotifyJob(context: self.context, mailboxes: [id: self.mailbox]),
            ], settings: WorkerSettings())
        try await self.whileRunning(self.mailbox, [workers], body)
    }

    private func whileRunning(
        _ mailbox: MailboxSettings, _ others: [any Service], _ body: () async throws -> Void
    ) async throws {
        let wakeups = Wakeups(pool: self.store.pool, configuration: self.database.configuration)
        let service = MailboxService(context: self.context, mailbox: mailbox, wakeups: wakeups) {}
        let services: [any Service] = [wakeups, service] + others
        let group = ServiceGroup(
            configuration: .init(services: services.map { .init(service: $0) }, logger: Self.logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            tasks.addTask { try await eventually("the desk to close") { false } }
            // The desk's end comes first, or nobody waits for it any longer.
            try await tasks.next()
            tasks.cancelAll()
            try result.get()
        }
    }

    /// Asks the database again and again until the answer is yes, for there is no other sign of a commit.
    func until(_ question: SQL, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually(question.text, sourceLocation: sourceLocation) { try await self.value(question) }
    }

    func value(_ question: SQL) async throws -> Bool {
        try await self.database.pool.query(question).decode(Bool.self).first ?? false
    }

    func texts(_ query: SQL) async throws -> [String] {
        try await self.database.pool.query(query).decode(String.self)
    }

    func count(_ query: SQL) async throws -> Int {
        Int(try await self.database.pool.query(query).decode(Int64.self).first ?? -1)
    }

    /// Opens the desk until every mail that is there has been read.
    func read(_ mails: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await self.whileOpen {
            try await self.until("select count(*) >= \(mails) from folder_item", sourceLocation: sourceLocation)
        }
    }

    /// Queues a mail for each recipient, each on a ticket of its own.
    func queue(_ recipients: [String], first: Int = 1) async throws {
        let mailbox = try await self.store.mailbox(named: self.mailbox.name, address: self.mailbox.address).id
        for (offset, recipient) in recipients.enumerated() {
            let number = Int64(first + offset)
            let ticket = 900_000 + number
            let customer = 800_000 + number
            let name = "number\(number).\(self.user)"
            var statements: [SQL] = [
                "insert into customer (id, email) values (\(customer), \(recipient))",
                """
                insert into ticket (id, customer_id, mailbox_id, customer_email, subject, description, created_at,
                    answer_from)
                values (\(ticket), \(customer), \(mailbox.rawValue), \(recipient), 'A question', 'A question', now(),
                    \(self.user))
                """,
                // Nothing automatic goes to somebody who did not write in the thread.
                """
                insert into message (id, ticket_id, mailbox_id, direction, kind, dedupe_key, sender_address, subject,
                    body_text, reply_text, suppress_automatic, thread_reason, internal_date)
                values (\(ticket), \(ticket), \(mailbox.rawValue), 'in', 'human', sha256(\(name)::text::bytea),
                    \(recipient), 'A question', 'A question', 'A question', false, 'new', now())
                """,
            ]
            let mail = OutboxMail(
                id: OutboxID(700_000 + number), mailboxID: mailbox, ticketID: TicketID(ticket), kind: .acknowledgement,
                internetMessageID: name, envelopeFrom: nil, recipients: [recipient],
                bytes: customerMail("Number \(number)", id: name, body: "Hello\r\nThe-last-line"), dueAt: nil)
            statements += self.store.queueStatements([mail])
            let all = statements
            _ = try await self.database.pool.withTransaction { try await $0.pipeline(all) }
        }
    }

    // MARK: - The mailbox, as its owner sees it

    func withMailbox<R>(_ user: String? = nil, _ body: (IMAPSession) async throws -> R) async throws -> R {
        let session = try await IMAPSession.connect(
            to: Self.imap(), as: .password(user: user ?? self.user, Self.password), logger: Self.logger)
        do {
            let result = try await body(session)
            await session.logout()
            return result
        } catch {
            await session.close()
            throw error
        }
    }

    func deliver(_ mails: [[UInt8]], to folder: FolderName = "INBOX") async throws {
        try await self.withMailbox { session in
            for result in try await session.append(mails.map { AppendItem(bytes: $0, flags: []) }, to: folder) {
                _ = try result.get()
            }
        }
    }

    /// Everything in a folder, oldest first; nothing when it is not there.
    func mails(in folder: FolderName, of user: String? = nil) async throws -> [FetchedMessage] {
        try await self.withMailbox(user) { session in
            guard try await session.folders().contains(where: { $0.name == folder }) else { return [] }
            guard try await session.select(folder, readOnly: true).exists > 0 else { return [] }
            let found = Locked<[FetchedMessage]>([])
            try await session.fetch(try await session.overview(.from(UID(1)!))) { message in
                var message = message
                // Whoever looks first sees it, whatever was done.
                message.flags.remove(MailFlag("\\Recent")!)
                let seen = message
                found.withLock { $0.append(seen) }
            }
            return found.withLock { $0 }.sorted { $0.uid < $1.uid }
        }
    }

    /// The mails in somebody's inbox, once `count` of them have come.
    func received(
        _ count: Int, by user: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [FetchedMessage] {
        var mails: [FetchedMessage] = []
        try await eventually("\(count) mails for \(user)", pause: .milliseconds(50), sourceLocation: sourceLocation) {
            mails = try await self.mails(in: "INBOX", of: user)
            return mails.count >= count
        }
        return mails
    }

    // MARK: - Servers

    static func variable(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
            throw Missing(variable: name)
        }
        return value
    }

    static func imap() throws -> MailEndpoint {
        guard let port = Int(try self.variable("MARTLET_TEST_IMAP_PORT")) else {
            throw Missing(variable: "MARTLET_TEST_IMAP_PORT")
        }
        return MailEndpoint(host: "127.0.0.1", port: port, security: .none, allowsCleartextLogin: true)
    }

    static func smtp() throws -> MailEndpoint {
        guard let port = Int(try self.variable("MARTLET_TEST_SMTP_PORT")) else {
            throw Missing(variable: "MARTLET_TEST_SMTP_PORT")
        }
        return MailEndpoint(host: "127.0.0.1", port: port, security: .none)
    }
}

/// A customer's mail as the mailbox holds it.
func customerMail(
    _ subject: String, from: String = "ann@customer.example", id: String, inReplyTo: String? = nil,
    fields: [String] = [], body: String = "Hello, where is my order?"
) -> [UInt8] {
    var lines = [
        "From: Ann <\(from)>", "To: support@shop.example", "Subject: \(subject)", "Message-ID: <\(id)>",
        "Date: Mon, 5 Jan 2026 10:00:00 +0000",
    ]
    if let inReplyTo { lines += ["In-Reply-To: <\(inReplyTo)>", "References: <\(inReplyTo)>"] }
    lines += fields + ["", body, ""]
    return Array(lines.joined(separator: "\r\n").utf8)
}
