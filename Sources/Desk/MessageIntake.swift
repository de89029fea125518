internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MailTransport
internal import Postgres
internal import WorkQueue

/// Turns fetched mails into rows: parse before the transaction, then raw bytes, messages, tickets, cursor and jobs in
/// one transaction (C1–C3).
struct MessageIntake: Sendable {
    let context: DeskContext
    let mailbox: MailboxSettings
    let mailboxID: MailboxID

    /// Parses mails over all cores; the order is kept.
    func read(_ mails: [FetchedMail], suspect: Bool) async -> [ParsedMail] {
        guard mails.count > 4 else {
            var result: [ParsedMail] = []
            for mail in mails { result.append(await self.read(mail, suspect: suspect)) }
            return result
        }
        // Two halves: intake shares the machine with the database and the IMAP server.
        let middle = mails.count / 2
        async let first = self.readAll(mails[..<middle], suspect: suspect)
        let second = await self.readAll(mails[middle...], suspect: suspect)
        return await first + second
    }

    @concurrent private func readAll(_ mails: ArraySlice<FetchedMail>, suspect: Bool) async -> [ParsedMail] {
        var result: [ParsedMail] = []
        result.reserveCapacity(mails.count)
        for mail in mails { result.append(await self.read(mail, suspect: suspect)) }
        return result
    }

    private func read(_ mail: FetchedMail, suspect: Bool) async -> ParsedMail {
        let content: ParsedMail.Content =
            switch mail.contents {
            case .whole: await self.context.parser.read(mail.bytes, suspect: suspect)
            case .header(let size): self.context.parser.readHeader(mail.bytes, size: size)
            case .vanished: .vanished
            case .withheld: .unreadable(reason: "the server sends nothing of it")
            }
        // Bytes of its own, or all such mails would be the same.
        let raw = mail.contents.isWithheld ? Array("The server sent nothing of mail \(mail.uid).".utf8) : mail.bytes
        return ParsedMail(uid: mail.uid, internalDate: mail.internalDate, raw: raw, content: content)
    }

    /// Commits a batch and its cursor.
    ///
    /// Mails that the database cannot take (SQLSTATE 22, 23, 54) are found by halving and kept in quarantine; trouble of
    /// the database itself is thrown, and the whole batch comes again.
    func commit(_ mails: [ParsedMail], folder: FolderRecord, lastUID: UInt32, lease: MailboxLease) async throws {
        do {
            try await self.commitOnce(mails, folder: folder, lastUID: lastUID, lease: lease)
        } catch let error as PostgresError where error.errorClass == .data {
            guard mails.count == 1 else {
                let middle = mails.count / 2
                try await self.commit(
                    Array(mails[..<middle]), folder: folder, lastUID: mails[middle - 1].uid, lease: lease)
                try await self.commit(Array(mails[middle...]), folder: folder, lastUID: lastUID, lease: lease)
                return
            }
            var mail = mails[0]
            if case .unreadable = mail.content { throw error }
            self.context.logger.error(
                "a mail could not be stored and is quarantined",
                metadata: .with([.uid: mail.uid, .error: error.sqlState ?? "", .mailbox: self.mailbox.name]))
            mail.content = .unreadable(reason: "the database refused it (\(error.message))")
            try await self.commitOnce([mail], folder: folder, lastUID: lastUID, lease: lease)
        } catch let error as PostgresError where error.sqlState?.hasPrefix("40") == true {
            // A deadlock or a serialisation failure: nothing was written, the same again works.
            try await self.commitOnce(mails, folder: folder, lastUID: lastUID, lease: lease)
        }
    }

    private func commitOnce(
        _ mails: [ParsedMail], folder: FolderRecord, lastUID: UInt32, lease: MailboxLease
    ) async throws {
        let threading = self.context.threading
        let questions = ThreadQuestions(mails, threading: threading)
        let planner = self.planner(folder)
        let store = self.context.store
        var keys = try await store.ids.take(mails.count * 8 + 8 + questions.reported.count * 2)[...]
        try await store.pool.withTransaction { transaction in
            let lookup = try await questions.ask(store, in: transaction)
            let empty = IntakeBatch(
                mailboxID: self.mailboxID, folderID: folder.id, uidValidity: folder.uidValidity, lastUID: lastUID,
                leaseEpoch: lease.epoch)
            let plan = planner.plan(mails, into: empty, lookup: lookup) { keys.removeFirst() }
            let eventKeys = Array(keys.prefix(plan.batch.events.count + plan.batch.quarantined.count))
            keys = keys.dropFirst(eventKeys.count)
            try await self.context.queue.enqueue(try self.jobs(plan), in: transaction)
            try await store.write(plan.batch, eventIDs: eventKeys, in: transaction)
            guard !plan.marks.isEmpty else { return }
            let marks = plan.marks.map { self.mark($0.messageID, of: $0.ticketID, id: keys.removeFirst()) }
            _ = try await transaction.pipeline(store.planStatements(marks))
        }
    }

    func planner(_ folder: FolderRecord) -> IntakePlanner {
        IntakePlanner(
            mailbox: self.mailbox, settings: self.context.settings, threading: self.context.threading,
            firstNewUID: folder.firstNewUID, historyBefore: folder.historyBefore, now: Date(),
            agents: self.context.agentAddresses)
    }

    /// Shows in the mail client that only a person can do something with this mail.
    private func mark(_ message: StoredMessageID, of ticket: TicketID, id: Int64) -> MailboxWrite {
        MailboxWrite(
            id: id, mailboxID: self.mailboxID, ticketID: ticket, messageID: message, kind: .mark,
            internetMessageID: nil, bytes: nil, flags: self.mailbox.marks == .keywords ? ["needs-eyes"] : [],
            internalDate: nil, rank: 0)
    }

    func jobs(_ plan: IntakePlanner.Plan) throws -> [NewJob] {
        var jobs = plan.triage.map { message, isHistory, isPressing in
            let priority =
                isHistory ? JobPriority.backfill : isPressing ? JobPriority.pressing : JobPriority.triage
            return NewJob(isHistory ? .backfill : .triage, key: message.rawValue, priority: priority)
        }
        for (ticket, message, isOversized) in plan.acknowledge {
            jobs.append(
                try .acknowledge(
                    ticket: ticket, message: message, isOversized: isOversized,
                    after: self.context.settings.acknowledgement.delay))
        }
        let mode = self.context.mode(of: self.mailbox)
        for (ticket, reason) in plan.needsEyes where mode > .observe {
            jobs.append(try .notify(ticket: ticket, reason: reason))
        }
        return jobs
    }
}

/// A mail as it came from the server.
struct FetchedMail: Sendable {
    enum Contents: Sendable {
        case whole
        /// Too large: only the header was fetched; the size in octets.
        case header(size: Int)
        case vanished
        /// It is there, but the server does not hand it out.
        case withheld

        var isWithheld: Bool { if case .withheld = self { true } else { false } }
    }

    var uid: UInt32
    var internalDate: Date
    var bytes: [UInt8]
    var contents: Contents
}
