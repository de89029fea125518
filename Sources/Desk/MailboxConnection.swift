internal import DeskModel
internal import Logging
package import MailTransport

/// Opens sessions as a mailbox is configured.
package enum MailboxConnection {
    static func open(_ mailbox: MailboxSettings, logger: Logger) async throws -> IMAPSession {
        try await IMAPSession.connect(to: mailbox.imap, as: Self.credential(of: mailbox), logger: logger)
    }

    /// How the mailbox's settings log in to IMAP.
    package static func credential(of mailbox: MailboxSettings) -> SASLCredential {
        guard let oauth = mailbox.oauth else { return .password(user: mailbox.user, mailbox.password) }
        let source = OAuthTokenSource(
            url: oauth.tokenURL, clientID: oauth.clientID, clientSecret: oauth.clientSecret,
            refreshToken: oauth.refreshToken)
        return .oauth2(user: mailbox.user) { try await source.accessToken() }
    }

    /// How they log in to SMTP; nil for a relay that asks for none.
    package static func smtpCredential(of mailbox: MailboxSettings) -> SASLCredential? {
        switch mailbox.smtpLogin {
        case .sameAsIMAP: self.credential(of: mailbox)
        case .none: nil
        case .password(let user, let password): .password(user: user, password)
        }
    }
}
