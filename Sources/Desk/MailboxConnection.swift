internal import DeskModel
package import Logging
package import MailTransport

/// Opens sessions as a mailbox is configured.
package enum MailboxConnection {
    package static func open(_ mailbox: MailboxSettings, logger: Logger) async throws -> IMAPSession {
        try await self.forgettingRefusedToken(of: mailbox) {
            try await IMAPSession.connect(
                to: mailbox.imap, as: Self.credential(of: mailbox, logger: logger), logger: logger)
        }
    }

    static func openSMTP(_ mailbox: MailboxSettings, logger: Logger) async throws -> SMTPSession {
        try await self.forgettingRefusedToken(of: mailbox) {
            try await SMTPSession.connect(
                to: mailbox.smtp, as: Self.smtpCredential(of: mailbox, logger: logger), helo: mailbox.address.domain,
                logger: logger)
        }
    }

    /// A token that was withdrawn before its time must not be shown again.
    private static func forgettingRefusedToken<Session>(
        of mailbox: MailboxSettings, _ connect: () async throws -> Session
    ) async throws -> Session {
        do {
            return try await connect()
        } catch let error as MailError where error.code == .authenticationFailed {
            await mailbox.oauth?.invalidate()
            throw error
        }
    }

    /// How the mailbox's settings log in to IMAP.
    package static func credential(of mailbox: MailboxSettings, logger: Logger) -> SASLCredential {
        guard let tokens = mailbox.oauth else { return .password(user: mailbox.user, mailbox.password) }
        return .oauth2(user: mailbox.user) { try await tokens.accessToken(logger: logger) }
    }

    /// How they log in to SMTP; nil for a relay that asks for none.
    package static func smtpCredential(of mailbox: MailboxSettings, logger: Logger) -> SASLCredential? {
        switch mailbox.smtpLogin {
        case .sameAsIMAP: self.credential(of: mailbox, logger: logger)
        case .none: nil
        case .password(let user, let password): .password(user: user, password)
        }
    }
}
