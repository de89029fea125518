internal import ConnectionThread
internal import Crypto
internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
package import MailTransport
internal import Postgres
internal import WorkQueue

/// Writes drafts, notes, marks and sent copies into a mailbox over IMAP.
///
/// Each write is an intent that was committed with the decision behind it. It is committed once more as `writing` before
/// the command goes out; what is found in that state later is looked for on the server by its Message-ID, so that
/// nothing is written twice and nothing is forgotten.
struct MailboxWriter: Sendable {
    static let batchCount = 32
    static let attemptLimit = 8

    let context: DeskContext
    let mailbox: MailboxSettings
    let record: MailboxRecord
    let hold: MailboxHold
    /// The session that waits for new mail.
    let reader: Locked<IMAPSession?>
    let wake: WakeSignal
    let progress: @Sendable () -> Void

    /// One connection's life: until it breaks, the lease is lost, or the task is cancelled.
    func run() async throws {
        let session = try await MailboxConnection.open(self.mailbox, logger: self.context.logger)
        do {
            let folders = try await MailboxFolders.find(in: session, settings: self.mailbox)
            try await self.removeLeft(session, folders: folders)
            var lastCommand = ContinuousClock.now
            while !Task.isCancelled {
                self.progress()
                if self.context.isHeld() {
                    try await Task.sleep(for: .seconds(1))
                } else if try await self.writeBatch(session, folders: folders) {
                    lastCommand = .now
                } else {
                    await self.wake.wait(atMost: .seconds(5))
                }
                // A command now and then, so that the server does not end an idle session.
                if .now - lastCommand > .seconds(240) {
                    try await session.noop()
                    lastCommand = .now
                }
            }
            await session.logout()
        } catch {
            await session.close()
            throw error
        }
    }

    /// - Returns: False when there was nothing to do.
    private func writeBatch(_ session: IMAPSession, folders: MailboxFolders) async throws -> Bool {
        let lease = try await self.hold.current()
        let open = try await self.context.store.openWrites(
            in: self.record.id, lease: lease, limit: Self.batchCount)
        guard !open.isEmpty else { return false }
        let unconfirmed = open.filter { $0.state == .writing }
        if !unconfirmed.isEmpty {
            try await self.reconcile(unconfirmed, session, folders: folders, lease: lease)
            return true
        }
        let allowed = try await self.context.store.beginWrites(open.map(\.id), lease: lease)
        let writes = open.filter { allowed.contains($0.id) }
        guard !writes.isEmpty else { return false }
        guard !self.context.isHeld() else {
            try await self.context.store.replanWrites(writes.map(\.id), error: nil, delay: .seconds(1))
            return false
        }
        let old = try await self.oldDrafts(of: writes, session, folders: folders)
        // Notes first: the agent finds the briefing when the draft appears.
        for kind in [MailboxWrite.Kind.note, .draft, .sentCopy] {
            let group = writes.filter { $0.kind == kind && !old.yielding.contains($0.id) }
            if !group.isEmpty { try await self.append(group, to: folders.name(for: kind), session, lease: lease) }
        }
        try await self.mark(writes.filter { $0.kind == .mark }, session, lease: lease)
        try await self.remove(old.removable, session, folders: folders)
        let removals = writes.filter { $0.kind == .removeDraft }
        try await self.context.store.finishWrites(removals.map { ($0.id, nil) }, lease: lease)
        return true
    }

    // MARK: - Appending

    private func append(
        _ writes: [MailboxWrite], to folder: FolderName, _ session: IMAPSession, lease: MailboxLease
    ) async throws {
        let items = writes.map { write in
            AppendItem(
                bytes: write.bytes ?? [], flags: write.flags.compactMap { MailFlag($0) }, date: write.internalDate)
        }
        let results = try await session.append(items, to: folder)
        var placed: [(id: Int64, copy: PlacedCopy?)] = []
        for (write, result) in zip(writes, results) {
            switch result {
            case .success(let uid):
                placed.append(
                    (write.id, uid.map { PlacedCopy(uidValidity: $0.uidValidity.rawValue, uid: $0.uid.rawValue) }))
            case .failure(let error):
                try await self.giveUpOrRetry(write, error: error)
            }
        }
        try await self.context.store.finishWrites(placed, lease: lease)
        if writes.first?.kind == .draft { try await self.takeFingerprints(placed, in: folder, session) }
        self.progress()
    }

    private func giveUpOrRetry(_ write: MailboxWrite, error: MailError) async throws {
        self.context.logger.error(
            "the mailbox refused a write",
            metadata: .with([
                .mailbox: self.mailbox.name, .kind: write.kind.rawValue, .error: error, .attempt: write.attempt + 1,
            ]))
        if write.attempt + 1 >= Self.attemptLimit {
            try await self.context.store.failWrite(write.id, error: error.description) { transaction in
                // A mark is a convenience, and what was sent is in the ticket: only the agent's work is worth a notice.
                guard write.kind == .draft || write.kind == .note else { return }
                let reason = "the mailbox does not take its \(write.kind.rawValue): \(error)"
                try await self.context.queue.enqueue([.notify(ticket: write.ticketID, reason: reason)], in: transaction)
            }
        } else {
            let delay: Duration = .seconds(min(3600, 5 << min(write.attempt, 9)))
            try await self.context.store.replanWrites([write.id], error: error.description, delay: delay)
        }
    }

    /// What the server gives back for a draft right after APPEND; some rewrite what they are given, so our own bytes
    /// would not do to see whether somebody edited it.
    ///
    /// - Parameter written: What stands there unless somebody was quicker; nil right after APPEND.
    private func takeFingerprints(
        _ placed: [(id: Int64, copy: PlacedCopy?)], in folder: FolderName, _ session: IMAPSession,
        written: [UInt8]? = nil
    ) async throws {
        let byUID = Dictionary(
            placed.compactMap { item in item.copy.flatMap { UID($0.uid) }.map { ($0, item.id) } },
            uniquingKeysWith: { first, _ in first })
        guard !byUID.isEmpty else { return }
        _ = try await session.select(folder, readOnly: true)
        let found = Locked<[(write: Int64, fingerprint: ContentDigest)]>([])
        try await session.fetch(byUID.keys.sorted()) { message in
            guard let id = byUID[message.uid], written == nil || written == message.bytes else { return }
            found.withLock { $0.append((id, Self.fingerprint(message.bytes))) }
        }
        try await self.context.store.setFingerprints(found.withLock { $0 })
    }

    static func fingerprint(_ bytes: [UInt8]) -> ContentDigest { ContentDigest(SHA256.hash(data: Data(bytes))) }

    // MARK: - After a crash

    private func reconcile(
        _ writes: [MailboxWrite], _ session: IMAPSession, folders: MailboxFolders, lease: MailboxLease
    ) async throws {
        for write in writes {
            guard let id = write.internetMessageID else {
                // Marks and removals may simply be made again.
                try await self.context.store.replanWrites([write.id], error: nil, delay: .zero)
                continue
            }
            let folder = folders.name(for: write.kind)
            let selected = try await session.select(folder, readOnly: true)
            if let uid = try await session.searchUIDs(header: "Message-ID", value: "<\(id)>").last {
                let copy = PlacedCopy(uidValidity: selected.uidValidity.rawValue, uid: uid.rawValue)
                try await self.context.store.finishWrites([(write.id, copy)], lease: lease)
                if write.kind == .draft {
                    // Time has passed: a draft that is not as it was written counts as edited.
                    try await self.takeFingerprints([(write.id, copy)], in: folder, session, written: write.bytes)
                }
            } else {
                try await self.context.store.replanWrites([write.id], error: nil, delay: .zero)
            }
        }
    }

    // MARK: - Marks

    private func mark(_ writes: [MailboxWrite], _ session: IMAPSession, lease: MailboxLease) async throws {
        guard !writes.isEmpty else { return }
        let inbox = FolderName(self.mailbox.folders.inbox)
        let locations = try await self.context.store.locations(
            of: writes.compactMap(\.messageID), in: self.record.id)
        let selected = try await session.select(inbox)
        await self.reader.withLock { $0 }?.look(for: selected.exists)
        // Mails with the same marks go in one command.
        var groups: [[String]: [(write: MailboxWrite, uid: UID)]] = [:]
        var refused: Set<Int64> = []
        for write in writes {
            guard let location = write.messageID.flatMap({ locations[$0] }), location.folder == inbox.text,
                let uid = UID(location.uid)
            else { continue }
            guard location.uidValidity == selected.uidValidity.rawValue else {
                // The number is another mail's by now; reading will tell the new one.
                refused.insert(write.id)
                continue
            }
            groups[write.flags, default: []].append((write, uid))
        }
        try await self.context.store.replanWrites(
            refused.sorted(), error: "the folder has new numbers that are not read yet", delay: .seconds(5))
        for (names, group) in groups {
            let flags = names.compactMap { MailFlag($0) }.filter { flag in
                !flag.isKeyword || selected.canStoreKeywords || selected.permanentFlags.contains(flag)
            }
            do {
                if !flags.isEmpty { try await session.store(group.map(\.uid), .add, flags) }
                if case .move(let target) = self.mailbox.afterImport {
                    _ = try await session.move(group.map(\.uid), to: FolderName(target))
                }
            } catch {
                // A refusal concerns these alone; drafts and notes go on.
                guard await !session.isClosed else { throw error }
                for (write, _) in group { try await self.giveUpOrRetry(write, error: error) }
                refused.formUnion(group.map(\.write.id))
            }
        }
        // What came while marks were made was told here, and is held back from the reader.
        await self.reader.withLock { $0 }?.look(for: session.exists)
        let made = writes.filter { !refused.contains($0.id) }
        try await self.context.store.finishWrites(made.map { ($0.id, nil) }, lease: lease)
    }

    // MARK: - Old drafts

    private struct OldDrafts {
        /// Untouched, to be removed once the new draft lies there.
        var removable: [DeskStore.PlacedDraft] = []
        /// Writes of new drafts that are not made, because somebody has the old one in hand.
        var yielding: Set<Int64> = []
    }

    /// Looks at the drafts that the new ones are to replace. Touched means other content than right after APPEND,
    /// `\Seen`, or not where it was put; in doubt touched.
    private func oldDrafts(
        of writes: [MailboxWrite], _ session: IMAPSession, folders: MailboxFolders
    ) async throws -> OldDrafts {
        var result = OldDrafts()
        let replacing = writes.filter { $0.kind == .draft || $0.kind == .removeDraft }
        guard !replacing.isEmpty else { return result }
        var drafts = try await self.context.store.supersededDrafts(of: replacing.map(\.ticketID))
        for write in replacing {
            for draft in drafts.removeValue(forKey: write.ticketID) ?? [] {
                switch try await self.look(at: draft, session, folder: folders.drafts) {
                case .untouched: result.removable.append(draft)
                case .gone: try await self.context.store.setDraftState(draft.id, "vanished")
                case .touched:
                    try await self.context.store.keepTouched(draft.id, insteadOf: write.id)
                    if write.kind == .draft { result.yielding.insert(write.id) }
                }
            }
        }
        return result
    }

    private enum DraftCondition { case untouched(UID), touched, gone }

    private func look(
        at draft: DeskStore.PlacedDraft, _ session: IMAPSession, folder: FolderName
    ) async throws -> DraftCondition {
        guard let copy = draft.copy, let uid = UID(copy.uid) else { return .touched }
        let selected = try await session.select(folder)
        guard selected.uidValidity.rawValue == copy.uidValidity else { return .touched }
        let seen = Locked<(flags: Set<MailFlag>, bytes: [UInt8])?>(nil)
        try await session.fetch([uid]) { message in seen.withLock { $0 = (message.flags, message.bytes) } }
        guard let current = seen.withLock({ $0 }) else { return .gone }
        let isSame = draft.fingerprint == Self.fingerprint(current.bytes)
        return isSame && !current.flags.contains(.seen) ? .untouched(uid) : .touched
    }

    /// Takes old drafts away that lie beside their successors; looks at each right before, for somebody may have opened
    /// it since.
    private func remove(
        _ drafts: [DeskStore.PlacedDraft], _ session: IMAPSession, folders: MailboxFolders
    ) async throws {
        for draft in drafts {
            switch try await self.look(at: draft, session, folder: folders.drafts) {
            case .untouched(let uid):
                try await session.expunge([uid])
                try await self.context.store.setDraftState(draft.id, "removed")
            // An earlier connection removed it and ended before that was stored.
            case .gone: try await self.context.store.setDraftState(draft.id, "removed")
            // Somebody's by now: it stays, and is none of ours any more.
            case .touched: try await self.context.store.setDraftState(draft.id, "vanished")
            }
        }
    }
}

extension MailboxWriter {
    /// Removes what the last connection left between filing a new draft and removing the old one.
    fileprivate func removeLeft(_ session: IMAPSession, folders: MailboxFolders) async throws {
        let isPaused = try await self.context.store.pauses().contains { $0.scope == .drafts || $0.scope == .all }
        guard !isPaused, !self.context.isHeld() else { return }
        let tickets = try await self.context.store.ticketsWithLeftDrafts(in: self.record.id)
        let left = try await self.context.store.supersededDrafts(of: tickets)
        for ticket in tickets {
            _ = try await self.hold.current()
            try await self.remove(left[ticket] ?? [], session, folders: folders)
            self.progress()
        }
    }
}

/// Where things go in one mailbox: by configuration, by SPECIAL-USE (RFC 6154), by the usual names.
package struct MailboxFolders: Sendable {
    package let inbox: FolderName
    package let drafts: FolderName
    package let sent: FolderName
    package let notes: FolderName
    private let notesPlace: MailboxSettings.NotesPlace

    /// - Parameter creating: Makes the folders that are missing.
    package static func find(
        in session: IMAPSession, settings: MailboxSettings, creating: Bool = true
    ) async throws -> MailboxFolders {
        let known = try await session.folders()
        let prefix = try await session.personalPrefix()
        func pick(_ configured: String, _ use: IMAPFolder.SpecialUse, _ names: [String]) -> FolderName? {
            if !configured.isEmpty { return FolderName(configured) }
            if let special = known.first(where: { $0.specialUse == use && $0.isSelectable }) { return special.name }
            let usual = Set(names.flatMap { [$0.lowercased(), (prefix + $0).lowercased()] })
            return known.first { $0.isSelectable && usual.contains($0.name.text.lowercased()) }?.name
        }
        let drafts = pick(
            settings.folders.drafts, .drafts, ["Drafts", "Entwürfe", "Brouillons", "Borradores", "Bozze"])
        let sent = pick(
            settings.folders.sent, .sent, ["Sent", "Sent Items", "Sent Messages", "Gesendet", "Gesendete Objekte"])
        let notes = FolderName(prefix + settings.folders.notes)
        let wanted = [drafts ?? FolderName(prefix + "Drafts"), sent ?? FolderName(prefix + "Sent")]
        for folder in wanted + (settings.notes == .folder ? [notes] : [])
        where creating && !known.contains(where: { $0.name == folder }) { try await session.create(folder) }
        return MailboxFolders(
            inbox: FolderName(settings.folders.inbox), drafts: wanted[0], sent: wanted[1],
            notes: notes, notesPlace: settings.notes)
    }

    func name(for kind: MailboxWrite.Kind) -> FolderName {
        switch kind {
        case .draft, .removeDraft: self.drafts
        case .sentCopy: self.sent
        case .note: self.notesPlace == .folder ? self.notes : self.inbox
        case .mark: self.inbox
        }
    }
}
