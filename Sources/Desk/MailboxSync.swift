internal import ConnectionThread
internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MailTransport

/// Reads one mailbox for as long as this host holds it: old mail first, then whatever arrives, in the order of its UIDs.
struct MailboxSync: Sendable {
    let context: DeskContext
    let mailbox: MailboxSettings
    let record: MailboxRecord
    let hold: MailboxHold
    /// The session that waits for news, for others that see news first.
    let reader: Locked<IMAPSession?>
    let inbox: InboxProgress
    let progress: @Sendable () -> Void
    /// Outlives the sessions.
    private let suspicion = Locked(FetchSuspicion())

    init(
        context: DeskContext, mailbox: MailboxSettings, record: MailboxRecord, hold: MailboxHold,
        reader: Locked<IMAPSession?>, inbox: InboxProgress, progress: @escaping @Sendable () -> Void
    ) {
        self.context = context
        self.mailbox = mailbox
        self.record = record
        self.hold = hold
        self.reader = reader
        self.inbox = inbox
        self.progress = progress
    }

    /// Until the connection breaks, the lease is lost, or the task is cancelled.
    func run() async throws {
        try await FolderImport.connecting(self.suspicion, logger: self.context.logger) { try await self.connection() }
    }

    private func connection() async throws {
        let session = try await MailboxConnection.open(self.mailbox, logger: self.context.logger)
        self.reader.withLock { $0 = session }
        defer {
            self.reader.withLock { $0 = nil }
            self.inbox.fellBehind()
        }
        do {
            try await self.follow(session)
            await session.logout()
        } catch {
            await session.close()
            throw error
        }
    }

    private func follow(_ session: IMAPSession) async throws {
        let name = FolderName(self.mailbox.folders.inbox)
        let selected = try await session.select(name, readOnly: true)
        let folder = try await self.folder(selected, session)
        let intake = MessageIntake(context: self.context, mailbox: self.mailbox, mailboxID: self.record.id)
        let reading = FolderImport(
            context: self.context, mailbox: self.mailbox, hold: self.hold,
            progress: {
                self.progress()
                self.inbox.moved()
            },
            suspicion: self.suspicion, isPassedOver: { _, _ in false }, commit: intake.commit)
        try await reading.follow(session, folder) { isDone in
            guard isDone else { return self.inbox.fellBehind() }
            self.inbox.caughtUp()
            try await self.context.store.recordGoodFetch(self.record.id)
        }
    }

    /// The cursor, made when the folder is first seen and reset when its UIDs are void.
    private func folder(_ selected: SelectedFolder, _ session: IMAPSession) async throws -> FolderRecord {
        let store = self.context.store
        let next = try await FolderImport.nextUID(selected, session)
        let validity = selected.uidValidity.rawValue
        guard let folder = try await store.folder(named: self.mailbox.folders.inbox, in: self.record.id) else {
            let (firstNew, before): (UInt32, Date?) =
                switch self.context.settings.importSince {
                case .now: (next, nil)
                case .all: (1, nil)
                case .age(let age): (next, Date(timeIntervalSinceNow: -(age / .seconds(1))))
                }
            self.context.logger.notice(
                "a mailbox is read for the first time",
                metadata: .with([.mailbox: self.mailbox.name, .count: selected.exists, .uid: firstNew]))
            return try await store.addFolder(
                named: self.mailbox.folders.inbox, role: "inbox", in: self.record.id, uidValidity: validity,
                firstNewUID: firstNew, historyBefore: before)
        }
        guard folder.uidValidity != validity else { return folder }
        self.context.logger.warning(
            "the server has given the folder a new UIDVALIDITY; known mail is recognised by its contents",
            metadata: .with([.mailbox: self.mailbox.name, .folder: folder.name]))
        return try await store.resetFolder(folder, uidValidity: validity, firstNewUID: next)
    }
}
