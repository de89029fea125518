internal import DeskModel
package import Logging
internal import MailTransport

/// The mails of a folder on the server, with those that were sent, read without changing anything there.
package enum MailboxArchive {
    /// Hands each mail to `body`, with whether it was sent. Both folders are only examined: no flag changes.
    /// - Parameters:
    ///   - folder: the inbox when nil.
    ///   - maximumSize: larger mails are left out; octets.
    /// - Throws: `MailError`; what `body` throws.
    package static func read(
        _ mailbox: MailboxSettings, folder: String?, maximumSize: Int, logger: Logger,
        _ body: @Sendable (_ raw: [UInt8], _ isSent: Bool) async throws -> Void
    ) async throws {
        let session = try await MailboxConnection.open(mailbox, logger: logger)
        do {
            let folders = try await MailboxFolders.find(in: session, settings: mailbox, creating: false)
            let wanted = folder.map { FolderName($0) } ?? folders.inbox
            try await Self.read(wanted, isSent: wanted == folders.sent, maximumSize, session, body)
            if wanted != folders.sent, try await session.folders().contains(where: { $0.name == folders.sent }) {
                try await Self.read(folders.sent, isSent: true, maximumSize, session, body)
            }
            await session.logout()
        } catch {
            await session.close()
            throw error
        }
    }

    private static func read(
        _ folder: FolderName, isSent: Bool, _ maximumSize: Int, _ session: IMAPSession,
        _ body: @Sendable ([UInt8], Bool) async throws -> Void
    ) async throws {
        guard try await session.select(folder, readOnly: true).exists > 0, let first = UID(1) else { return }
        let messages = try await session.overview(UIDRange.from(first)).filter { $0.size <= maximumSize }
        try await session.fetch(messages) { try await body($0.bytes, isSent) }
    }
}
