internal import DeskModel
internal import DeskStore
internal import Foundation
package import Logging
package import MailTransport
internal import Postgres
internal import WorkQueue

/// What lies in a mailbox before the desk touches it, so that nobody has to fear the first start.
package struct MailboxSurvey: Sendable {
    /// Mails in the inbox.
    package let mailCount: Int
    /// UIDs of mails of the last days that carry no `\Answered`, ascending.
    package let unanswered: [UInt32]
    package let uidValidity: UInt32
    package let folders: MailboxFolders
    package let canStoreKeywords: Bool
    package let hasIdle: Bool

    /// Looks without changing anything.
    /// - Throws: `MailError`.
    package static func take(
        of mailbox: MailboxSettings, since age: Duration, logger: Logger
    ) async throws -> MailboxSurvey {
        let session = try await MailboxConnection.open(mailbox, logger: logger)
        do {
            let survey = try await Self.take(of: mailbox, over: session, since: age)
            await session.logout()
            return survey
        } catch {
            await session.close()
            throw error
        }
    }

    /// The same over a session that is open; it has the inbox selected afterwards.
    package static func take(
        of mailbox: MailboxSettings, over session: IMAPSession, since age: Duration
    ) async throws -> MailboxSurvey {
        let folders = try await MailboxFolders.find(in: session, settings: mailbox, creating: false)
        let selected = try await session.select(folders.inbox, readOnly: true)
        let since = Date(timeIntervalSinceNow: -(age / .seconds(1)))
        let recent = try await session.searchUIDs(since: since)
        let unanswered = try await session.overview(recent).filter { message in
            !message.flags.contains(.answered) && (message.internalDate ?? since) >= since
        }
        return MailboxSurvey(
            mailCount: selected.exists, unanswered: unanswered.map(\.uid.rawValue),
            uidValidity: selected.uidValidity.rawValue, folders: folders,
            canStoreKeywords: selected.canStoreKeywords, hasIdle: await session.capabilities.hasIdle)
    }
}

/// Brings mail from before the desk back to work: `martlet import --since 7d`.
package struct HistoryImport: Sendable {
    package struct Report: Sendable, Codable {
        /// Mails without `\Answered` in the time asked for.
        package var unanswered: Int
        /// Tickets that are open now and will get a draft; nobody is written to.
        package var opened: Int
        /// False: the service has not read the folder yet, or not since the server numbered it anew; nothing was opened.
        package var isRead: Bool

        enum CodingKeys: String, CodingKey {
            case unanswered, opened
            case isRead = "is_read"
        }
    }

    private let context: DeskContext

    package init(context: DeskContext) { self.context = context }

    /// Only drafts follow: mail older than `automatic.max_age` is never acknowledged or answered automatically.
    package func run(_ mailbox: MailboxSettings, since age: Duration) async throws -> Report {
        let survey = try await MailboxSurvey.take(of: mailbox, since: age, logger: self.context.logger)
        let store = self.context.store
        let record = try await store.mailbox(named: mailbox.name, address: mailbox.address)
        guard let folder = try await store.folder(named: mailbox.folders.inbox, in: record.id),
            folder.uidValidity == survey.uidValidity
        else { return Report(unanswered: survey.unanswered.count, opened: 0, isRead: false) }
        let opened = try await store.pool.withTransaction { transaction in
            let messages = try await store.reviveHistory(folder: folder, uids: survey.unanswered, in: transaction)
            try await self.context.queue.enqueue(
                messages.map { NewJob(.triage, key: $0.rawValue, priority: JobPriority.triage) }, in: transaction)
            return messages.count
        }
        return Report(unanswered: survey.unanswered.count, opened: opened, isRead: true)
    }
}
