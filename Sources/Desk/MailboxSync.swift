internal import ConnectionThread
internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MailTransport
internal import Postgres
internal import ServiceLifecycle

/// Reads one mailbox for as long as this host holds it: old mail first, then whatever arrives, in the order of its UIDs.
struct MailboxSync: Sendable {
    /// Mails of one transaction, and their octets.
    static let batchCount = 200
    static let batchBytes = 8 << 20
    /// UIDs asked for at once; gaps make pages smaller.
    static let pageSize: UInt32 = 2000

    let context: DeskContext
    let mailbox: MailboxSettings
    let record: MailboxRecord
    let hold: MailboxHold
    /// The session that waits for news, for others that see news first.
    let reader: Locked<IMAPSession?>
    let progress: @Sendable () -> Void

    private var intake: MessageIntake {
        MessageIntake(context: self.context, mailbox: self.mailbox, mailboxID: self.record.id)
    }

    /// One connection's life: until it breaks, the lease is lost, or the task is cancelled.
    func run() async throws {
        let session = try await MailboxConnection.open(self.mailbox, logger: self.context.logger)
        self.reader.withLock { $0 = session }
        defer { self.reader.withLock { $0 = nil } }
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
        var folder = try await self.folder(selected)
        try await self.importNew(session, folder: &folder, uidNext: selected.uidNext)
        let news = FolderNews(hold: self.hold, pollInterval: self.mailbox.pollInterval, progress: self.progress)
        while !Task.isCancelled {
            try await news.wait(session)
            if Task.isCancelled { return }
            try await self.importNew(session, folder: &folder, uidNext: nil)
        }
    }

    /// The cursor, made when the folder is first seen and reset when its UIDs are void.
    private func folder(_ selected: SelectedFolder) async throws -> FolderRecord {
        let store = self.context.store
        let next = selected.uidNext?.rawValue ?? .max
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
        // What came since the last good fetch is new; a minute is left for the server's clock.
        let lastGood = self.record.lastGoodFetch?.addingTimeInterval(-60)
        return try await store.resetFolder(
            folder, uidValidity: validity, firstNewUID: next, lastGoodFetch: lastGood)
    }

    // MARK: - Import

    /// - Parameter uidNext: Known right after SELECT: a long way to go is taken page by page.
    private func importNew(_ session: IMAPSession, folder: inout FolderRecord, uidNext: UID?) async throws {
        guard try await !self.isIntakePaused() else { return }
        var retry = try await self.context.store.unfinishedAttempt(folder.id)
        if retry?.uidValidity != folder.uidValidity { retry = nil }
        while let first = UID(folder.lastUID)?.next ?? UID(1) {
            let page = try await self.page(session, from: first, uidNext: uidNext)
            guard let last = page.last else { break }
            self.progress()
            try await self.importPage(session, self.batches(page, retry: retry), folder: folder, retry: retry)
            folder.lastUID = max(folder.lastUID, last.uid.rawValue)
        }
        try await self.context.store.recordGoodFetch(self.record.id)
        self.progress()
    }

    /// Imports batches in order. While one is committed the next one is fetched and parsed already, unless a process has
    /// died over this mail before.
    private func importPage(
        _ session: IMAPSession, _ batches: [[MessageOverview]], folder: FolderRecord, retry: UnfinishedAttempt?
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { commits in
            var openFirst: UInt32?
            for batch in batches {
                let attempt = self.attempt(for: batch, retry: retry)
                if attempt > 1 {
                    try await commits.next()
                    openFirst = nil
                }
                let lease = try await self.hold.current()
                let firstUID = batch[0].uid.rawValue
                let lastUID = batch[batch.count - 1].uid.rawValue
                try await self.context.store.beginAttempt(
                    folder.id, uidValidity: folder.uidValidity, first: openFirst ?? firstUID, last: lastUID,
                    attempt: attempt)
                let fetched = try await self.fetch(session, batch)
                let parsed = await self.intake.read(fetched, suspect: attempt > 1 && batch.count == 1)
                try await commits.next()
                self.progress()
                try Task.checkCancellation()
                openFirst = firstUID
                commits.addTask {
                    try await self.intake.commit(parsed, folder: folder, lastUID: lastUID, lease: lease)
                }
            }
            try await commits.next()
            self.progress()
        }
    }

    private func isIntakePaused() async throws -> Bool {
        try await self.context.store.pauses().contains { $0.scope == .intake || $0.scope == .all }
    }

    /// The next messages after the cursor, ascending; empty at the end.
    private func page(_ session: IMAPSession, from first: UID, uidNext: UID?) async throws -> [MessageOverview] {
        guard let uidNext, uidNext > first, uidNext.rawValue - first.rawValue > Self.pageSize else {
            // Usually there is one new mail, and one command is one round trip.
            return try await session.overview(.from(first)).sorted { $0.uid < $1.uid }
        }
        // A long stretch may be full of gaps: the numbers that exist, then a page of them.
        let uids = try await session.searchUIDs(in: .from(first))
        guard let start = uids.first else { return [] }
        guard let range = UIDRange(start, through: uids[min(Int(Self.pageSize), uids.count) - 1]) else { return [] }
        return try await session.overview(range).sorted { $0.uid < $1.uid }
    }

    /// Cuts a page into transactions; what a dead process left unfinished is cut in half.
    private func batches(_ page: [MessageOverview], retry: UnfinishedAttempt?) -> [[MessageOverview]] {
        var result: [[MessageOverview]] = []
        var bytes = 0
        for message in page {
            let size = min(message.size, self.context.settings.maximumMessageSize)
            var limit = Self.batchCount
            var isBoundary = false
            if let retry, message.uid.rawValue <= retry.lastUID {
                let count = page.count { $0.uid.rawValue >= retry.firstUID && $0.uid.rawValue <= retry.lastUID }
                limit = max(1, count / 2)
            } else if let retry, let previous = result.last?.last, previous.uid.rawValue <= retry.lastUID {
                isBoundary = true
            }
            if !isBoundary, let current = result.last, current.count < limit, bytes + size <= Self.batchBytes {
                result[result.count - 1].append(message)
                bytes += size
            } else {
                result.append([message])
                bytes = size
            }
        }
        return result
    }

    private func attempt(for batch: [MessageOverview], retry: UnfinishedAttempt?) -> Int {
        guard let retry, batch[0].uid.rawValue <= retry.lastUID else { return 1 }
        return retry.attempt + 1
    }

    private func fetch(_ session: IMAPSession, _ batch: [MessageOverview]) async throws -> [FetchedMail] {
        let limit = self.context.settings.maximumMessageSize
        let fetched = Locked<[UID: [UInt8]]>([:])
        let whole = batch.filter { $0.size <= limit }
        let large = batch.filter { $0.size > limit }.map(\.uid)
        if !whole.isEmpty {
            try await session.fetch(whole) { message in fetched.withLock { $0[message.uid] = message.bytes } }
        }
        if !large.isEmpty {
            try await session.fetchHeaders(large) { message in fetched.withLock { $0[message.uid] = message.bytes } }
        }
        let bytes = fetched.withLock { $0 }
        // Of a mail that is expunged while it is fetched, Dovecot sends an empty body, others none. Whether it is really
        // gone shows once the server has told of what was expunged.
        let missing = batch.filter { $0.size > 0 && bytes[$0.uid]?.isEmpty ?? true }.map(\.uid)
        var withheld: Set<UID> = []
        if !missing.isEmpty {
            try await session.noop()
            withheld = Set(try await session.overview(missing).map(\.uid))
        }
        return batch.map { overview in
            let contents: FetchedMail.Contents =
                withheld.contains(overview.uid)
                ? .withheld
                : missing.contains(overview.uid)
                    ? .vanished : overview.size > limit ? .header(size: overview.size) : .whole
            return FetchedMail(
                uid: overview.uid.rawValue, internalDate: overview.internalDate ?? Date(),
                bytes: bytes[overview.uid] ?? [], contents: contents)
        }
    }
}
