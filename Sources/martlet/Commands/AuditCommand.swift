import ArgumentParser
import Desk
import DeskStore
import Logging
import MailTransport

/// `martlet audit`: the server's UIDs against the ledger, so that a skipped mail cannot stay unseen.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Compare what lies on the server with what was read.",
        discussion: """
            Every UID that the server has up to the cursor must stand in the ledger. Exit status 1 when one is missing.
            """)

    @OptionGroup var options: GlobalOptions
    @Option(help: "Only this mailbox.") var mailbox: String?
    @Flag(help: "Print JSON.") var json = false

    /// One folder's account.
    struct Account: Encodable, Equatable {
        let mailbox: String
        let folder: String
        let onServer: Int
        let inLedger: Int
        /// On the server, at or below the cursor, and not in the ledger: skipped.
        let missing: [UInt32]
        /// Above the cursor: not read yet.
        let unread: Int
        /// In the ledger and no longer on the server: moved or deleted since.
        let gone: Int
        let note: String?

        init(
            mailbox: String, folder: String, server: [UInt32], ledger: [UInt32], cursor: UInt32, note: String? = nil
        ) {
            let known = Set(ledger)
            self.mailbox = mailbox
            self.folder = folder
            self.onServer = server.count
            self.inLedger = ledger.count
            self.missing = note == nil ? server.filter { $0 <= cursor && !known.contains($0) }.sorted() : []
            self.unread = server.count { $0 > cursor }
            self.gone = known.subtracting(server).count
            self.note = note
        }

        enum CodingKeys: String, CodingKey {
            case mailbox, folder, missing, unread, gone, note
            case onServer = "on_server"
            case inLedger = "in_ledger"
        }
    }

    func run() async throws {
        let accounts = try await DeskRuntime.with(self.options, needing: .mailboxes) { runtime in
            var accounts: [Account] = []
            for mailbox in try runtime.mailboxes(named: self.mailbox) {
                accounts += try await Self.accounts(mailbox, runtime.store)
            }
            return accounts
        }
        if self.json { try JSONOutput.print(accounts) } else { Self.print(accounts) }
        if accounts.contains(where: { !$0.missing.isEmpty }) { throw ExitCode(CommandError.Code.failed.rawValue) }
    }

    private static func accounts(_ mailbox: MailboxSettings, _ store: DeskStore) async throws -> [Account] {
        let logger = Logger(label: "audit") { _ in SwiftLogNoOpLogHandler() }
        do {
            let session = try await IMAPSession.connect(
                to: mailbox.imap, as: MailboxConnection.credential(of: mailbox, logger: logger), logger: logger)
            let folders = try await MailboxFolders.find(in: session, settings: mailbox, creating: false)
            var accounts = [try await Self.account(folders.inbox, of: mailbox, session, store)]
            // Sent is watched from the first start on; before it there is nothing to compare.
            if try await store.knownFolder(named: folders.sent.text, ofMailbox: mailbox.name) != nil {
                accounts.append(try await Self.account(folders.sent, of: mailbox, session, store))
            }
            await session.logout()
            return accounts
        } catch let error as MailError {
            let finding = MailboxCheck.explain(error, mailbox.name, mailbox.imap, key: "imap")
            throw CommandError(.failed, "\(mailbox.name): \(finding.detail)", remedy: finding.remedy)
        }
    }

    private static func account(
        _ name: FolderName, of mailbox: MailboxSettings, _ session: IMAPSession, _ store: DeskStore
    ) async throws -> Account {
        let validity = try await session.select(name, readOnly: true).uidValidity.rawValue
        let first = try Self.require(UID(1))
        let uids = try await session.searchUIDs(in: .from(first)).map(\.rawValue)
        guard let folder = try await store.knownFolder(named: name.text, ofMailbox: mailbox.name) else {
            return Account(
                mailbox: mailbox.name, folder: name.text, server: uids, ledger: [], cursor: 0, note: "never read yet")
        }
        let ledger = try await store.ledgerUIDs(of: folder)
        let isSame = folder.uidValidity == validity
        // What was sent before the desk came is not read.
        let isInbox = name == FolderName(mailbox.folders.inbox)
        return Account(
            mailbox: mailbox.name, folder: name.text,
            server: isInbox || !isSame ? uids : uids.filter { $0 >= folder.firstNewUID }, ledger: ledger,
            cursor: folder.lastUID, note: isSame ? nil : "the server numbered the folder anew; it will be read again")
    }

    private static func require(_ uid: UID?) throws(CommandError) -> UID {
        guard let uid else { throw CommandError(.failed, "there is no UID 1") }
        return uid
    }

    private static func print(_ accounts: [Account]) {
        var table = TextTable([
            .init("mailbox"), .init("folder"), .init("server", .right), .init("ledger", .right),
            .init("missing", .right), .init("unread", .right), .init("gone", .right), .init("note", isElastic: true),
        ])
        for account in accounts {
            table.add([
                account.mailbox, account.folder, String(account.onServer), String(account.inLedger),
                String(account.missing.count), String(account.unread), String(account.gone), account.note ?? "",
            ])
        }
        table.print(empty: "no mailbox is configured")
        for account in accounts where !account.missing.isEmpty {
            let shown = account.missing.prefix(20).map(String.init).joined(separator: ", ")
            let more = account.missing.count > 20 ? " and \(account.missing.count - 20) more" : ""
            Terminal.print("missing in \(account.mailbox) \(account.folder): UID \(shown)\(more)")
        }
    }
}
