internal import ConnectionThread
internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MailTransport
internal import Postgres

/// Reads what comes into one folder, from its cursor on and in the order of UIDs, so that no mail can keep those behind
/// it from being read.
///
/// The range of each batch is committed before it is fetched. A batch that was never finished comes again in pieces, and
/// a mail that is left alone is read by a child process (C5).
struct FolderImport: Sendable {
    /// Mails of one transaction, and their octets.
    static let batchCount = 200
    static let batchBytes = 8 << 20
    /// Mails whose sizes are asked for at once.
    static let pageSize = 2000
    /// A batch that was never finished is cut in so many.
    static let pieces = 8

    let context: DeskContext
    let mailbox: MailboxSettings
    let hold: MailboxHold
    let progress: @Sendable () -> Void
    /// Outlives the sessions.
    let suspicion: Locked<FetchSuspicion>
    /// Mails that are counted and not fetched.
    let isPassedOver: @Sendable (MessageOverview, FolderRecord) -> Bool
    /// False while something else has to be read first.
    var mayRead: @Sendable () -> Bool = { true }
    /// Commits a batch with its cursor.
    let commit: @Sendable ([ParsedMail], FolderRecord, _ lastUID: UInt32, MailboxLease) async throws -> Void

    /// Opens a connection, and the next at once for as long as that narrows down which mail the server hangs up over:
    /// those behind it must not wait (C5).
    static func connecting(
        _ suspicion: Locked<FetchSuspicion>, logger: Logger, _ connection: () async throws -> Void
    ) async throws {
        while true {
            do {
                return try await connection()
            } catch {
                guard !Task.isCancelled, suspicion.withLock({ $0.takesNextAtOnce() }) else { throw error }
                logger.notice(
                    "a mail is looked for that the server does not send", metadata: .with([.error: "\(error)"]))
            }
        }
    }

    /// Reads for as long as the session lives.
    /// - Parameter atRest: Called whenever reading comes to rest: with true when nothing is left.
    func follow(
        _ session: IMAPSession, _ folder: FolderRecord, atRest: (Bool) async throws -> Void = { _ in }
    ) async throws {
        var folder = folder
        self.suspicion.withLock { $0.begin(uidValidity: folder.uidValidity) }
        let news = FolderNews(hold: self.hold, pollInterval: self.mailbox.pollInterval, progress: self.progress)
        var isBehind = true
        while !Task.isCancelled {
            let isDone = try await self.importNew(session, &folder, isBehind: isBehind)
            try await atRest(isDone)
            self.progress()
            isBehind = !isDone
            // The end of a pause is no news from the server.
            try await news.wait(session, polling: !isDone)
        }
    }

    /// - Parameter isBehind: There may be a long way to go: it is taken page by page.
    /// - Returns: False when reading is paused before the end.
    private func importNew(_ session: IMAPSession, _ folder: inout FolderRecord, isBehind: Bool) async throws -> Bool {
        try await self.waitForOthers(session)
        var retry = try await self.context.store.unfinishedAttempt(folder.id)
        if retry?.uidValidity != folder.uidValidity { retry = nil }
        var pages = isBehind ? try await self.pages(session, folder)[...] : []
        while let first = UID(folder.lastUID)?.next ?? UID(1) {
            guard try await !self.isPaused() else { return false }
            // Usually there is one new mail, and one command is one round trip.
            let range = pages.popFirst()
            let page = try await session.overview(range ?? .from(first))
            guard let last = page.last else {
                if range == nil { return true }
                continue
            }
            self.progress()
            try await self.importPage(session, self.batches(page, retry: retry), folder, retry: retry)
            folder.lastUID = max(folder.lastUID, last.uid.rawValue)
        }
        return true
    }

    private func waitForOthers(_ session: IMAPSession) async throws {
        var lastCommand = ContinuousClock.now
        while !self.mayRead() {
            try await Task.sleep(for: .milliseconds(50))
            guard .now - lastCommand > .seconds(60) else { continue }
            self.progress()
            try await session.noop()
            lastCommand = .now
        }
    }

    private func pages(_ session: IMAPSession, _ folder: FolderRecord) async throws -> [UIDRange] {
        guard let first = UID(folder.lastUID)?.next ?? UID(1) else { return [] }
        let uids = try await session.searchUIDs(in: .from(first))
        return stride(from: 0, to: uids.count, by: Self.pageSize).compactMap { start in
            UIDRange(uids[start], through: uids[min(start + Self.pageSize, uids.count) - 1])
        }
    }

    /// The UID that the next mail of a folder will have at least; not every server tells.
    static func nextUID(_ selected: SelectedFolder, _ session: IMAPSession) async throws -> UInt32 {
        if let next = selected.uidNext { return next.rawValue }
        guard let first = UID(1), let last = try await session.searchUIDs(in: .from(first)).last else { return 1 }
        return last.next?.rawValue ?? .max
    }

    private func isPaused() async throws -> Bool {
        try await self.context.store.pauses().contains { $0.scope == .intake || $0.scope == .all }
    }

    /// Imports batches in order. While one is committed the next one is fetched and parsed already, unless one was never
    /// finished before.
    private func importPage(
        _ session: IMAPSession, _ batches: [[MessageOverview]], _ folder: FolderRecord, retry: UnfinishedAttempt?
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { commits in
            var openFirst: UInt32?
            for (index, batch) in batches.enumerated() {
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
                let next = index + 1 < batches.count ? batches[index + 1].first : nil
                let fetched: [FetchedMail]
                do {
                    fetched = try await self.fetch(session, batch, folder, beside: next)
                } catch {
                    // What was fetched before is not fetched again.
                    try await commits.next()
                    throw error
                }
                if attempt == 1 { self.suspicion.withLock { $0.settle() } }
                let parsed = await self.read(fetched, suspect: attempt > 1 && batch.count == 1)
                try await commits.next()
                self.progress()
                try Task.checkCancellation()
                openFirst = firstUID
                commits.addTask { try await self.commitAll(parsed, folder, lastUID: lastUID, lease: lease) }
            }
            try await commits.next()
            self.progress()
        }
    }

    /// Cuts a page into transactions.
    private func batches(_ page: [MessageOverview], retry: UnfinishedAttempt?) -> [[MessageOverview]] {
        var result: [[MessageOverview]] = []
        var bytes = 0
        for message in page {
            let size = min(message.size, self.context.settings.maximumMessageSize)
            var limit = Self.batchCount
            var isBoundary = false
            if let retry, message.uid.rawValue <= retry.lastUID {
                let count = page.count { $0.uid.rawValue >= retry.firstUID && $0.uid.rawValue <= retry.lastUID }
                limit = max(1, count / Self.pieces)
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

    /// Mails that the database cannot take (SQLSTATE 22, 23, 54) are found by halving and become unreadable ones;
    /// trouble of the database itself is thrown, and the whole batch comes again.
    private func commitAll(
        _ mails: [ParsedMail], _ folder: FolderRecord, lastUID: UInt32, lease: MailboxLease
    ) async throws {
        do {
            try await self.commit(mails, folder, lastUID, lease)
        } catch let error as PostgresError where error.errorClass == .data {
            guard mails.count == 1 else {
                let middle = mails.count / 2
                try await self.commitAll(
                    Array(mails[..<middle]), folder, lastUID: mails[middle - 1].uid, lease: lease)
                try await self.commitAll(Array(mails[middle...]), folder, lastUID: lastUID, lease: lease)
                return
            }
            var mail = mails[0]
            if case .unreadable = mail.content { throw error }
            self.context.logger.error(
                "a mail could not be stored and is quarantined",
                metadata: .with([
                    .uid: mail.uid, .error: error.sqlState ?? "", .mailbox: self.mailbox.name, .folder: folder.name,
                ]))
            mail.content = .unreadable(reason: "the database refused it (\(error.message))")
            try await self.commit([mail], folder, lastUID, lease)
        } catch let error as PostgresError where error.sqlState?.hasPrefix("40") == true {
            // A deadlock or a serialisation failure: nothing was written, the same again works.
            try await self.commit(mails, folder, lastUID, lease)
        }
    }
}

// MARK: - Fetching and reading

extension FolderImport {
    private func fetch(
        _ session: IMAPSession, _ batch: [MessageOverview], _ folder: FolderRecord, beside other: MessageOverview?
    ) async throws -> [FetchedMail] {
        let passed = Set(batch.filter { self.isPassedOver($0, folder) }.map(\.uid))
        let wanted = batch.filter { !passed.contains($0.uid) }
        let guilty = self.suspicion.withLock { $0.guilty }
        let bytes = try await self.contents(of: wanted.filter { !guilty.contains($0.uid) }, beside: other, session)
        // Of a mail that is expunged while it is fetched, Dovecot sends an empty body, others none. Whether it is really
        // gone shows once the server has told of what was expunged.
        let missing = wanted.filter { bytes[$0.uid].map(\.isEmpty) ?? true && ($0.size > 0 || bytes[$0.uid] == nil) }
            .map(\.uid)
        var withheld: Set<UID> = []
        if !missing.isEmpty {
            try await session.noop()
            withheld = Set(try await session.overview(missing).map(\.uid))
        }
        for uid in withheld.sorted() {
            self.context.logger.error(
                "the server does not hand out a mail",
                metadata: .with([.uid: uid, .mailbox: self.mailbox.name, .folder: folder.name]))
        }
        let limit = self.context.settings.maximumMessageSize
        return batch.map { overview in
            let contents: FetchedMail.Contents =
                passed.contains(overview.uid)
                ? .passedOver
                : withheld.contains(overview.uid)
                    ? .withheld
                    : missing.contains(overview.uid)
                        ? .vanished : overview.size > limit ? .header(size: overview.size) : .whole
            return FetchedMail(
                uid: overview.uid.rawValue, internalDate: overview.internalDate ?? Date(),
                // Bytes of its own, or all such mails would be the same.
                bytes: contents == .withheld
                    ? FetchedMail.note(withheld: overview.uid, folder, self.mailbox) : bytes[overview.uid] ?? [],
                contents: contents)
        }
    }

    /// What the server sends of each mail.
    /// - Parameter other: Shows whether it sends any.
    /// - Throws: What keeps it from sending.
    private func contents(
        of wanted: [MessageOverview], beside other: MessageOverview?, _ session: IMAPSession
    ) async throws -> [UID: [UInt8]] {
        let isBesideOthers = try await self.proof(against: wanted, by: other, session)
        do {
            let bytes = try await self.download(wanted, session)
            if let last = wanted.last, bytes[last.uid] != nil { self.suspicion.withLock { $0.sent(last) } }
            return bytes
        } catch let error as MailError where error.code != .cancelled {
            // A server that goes on talking refuses one of them.
            guard wanted.count > 1, await !session.isClosed else {
                self.suspicion.withLock { $0.failed(wanted.map(\.uid), besideOthers: isBesideOthers) }
                throw error
            }
            let middle = wanted.count / 2
            let first = try await self.contents(of: Array(wanted[..<middle]), beside: wanted[middle], session)
            let second = try await self.contents(of: Array(wanted[middle...]), beside: wanted[middle - 1], session)
            return first.merging(second) { $1 }
        }
    }

    /// Whether the server has just sent another mail than the one under suspicion.
    private func proof(
        against wanted: [MessageOverview], by other: MessageOverview?, _ session: IMAPSession
    ) async throws -> Bool {
        guard wanted.count == 1, self.suspicion.withLock({ $0.wantsProof(against: wanted[0].uid) }),
            let witness = self.suspicion.withLock({ $0.innocent }) ?? other
        else { return false }
        do {
            return try await self.download([witness], session)[witness.uid] != nil
        } catch {
            self.suspicion.withLock { $0.proofFailed() }
            throw error
        }
    }

    private func download(_ wanted: [MessageOverview], _ session: IMAPSession) async throws -> [UID: [UInt8]] {
        let limit = self.context.settings.maximumMessageSize
        let fetched = Locked<[UID: [UInt8]]>([:])
        let whole = wanted.filter { $0.size <= limit }
        let large = wanted.filter { $0.size > limit }.map(\.uid)
        if !whole.isEmpty {
            try await session.fetch(whole) { message in fetched.withLock { $0[message.uid] = message.bytes } }
        }
        if !large.isEmpty {
            try await session.fetchHeaders(large) { message in fetched.withLock { $0[message.uid] = message.bytes } }
        }
        return fetched.withLock { $0 }
    }

    /// Parses mails over all cores; the order is kept.
    private func read(_ mails: [FetchedMail], suspect: Bool) async -> [ParsedMail] {
        guard mails.count > 4 else { return await self.readAll(mails[...], suspect: suspect) }
        // Two halves: intake shares the machine with the database and the IMAP server.
        let middle = mails.count / 2
        async let first = self.readAll(mails[..<middle], suspect: suspect)
        let second = await self.readAll(mails[middle...], suspect: suspect)
        return await first + second
    }

    @concurrent private func readAll(_ mails: ArraySlice<FetchedMail>, suspect: Bool) async -> [ParsedMail] {
        var result: [ParsedMail] = []
        result.reserveCapacity(mails.count)
        for mail in mails {
            let content: ParsedMail.Content =
                switch mail.contents {
                case .whole: await self.context.parser.read(mail.bytes, suspect: suspect)
                case .header(let size): self.context.parser.readHeader(mail.bytes, size: size)
                case .vanished: .vanished
                case .withheld: .unreadable(reason: "the server sends nothing of it")
                case .passedOver: .unreadable(reason: "it is older than what is read here")
                }
            result.append(ParsedMail(uid: mail.uid, internalDate: mail.internalDate, raw: mail.bytes, content: content))
        }
        return result
    }
}
