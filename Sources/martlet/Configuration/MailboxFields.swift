import Desk
import DeskModel
import Foundation
import MailTransport

/// One block under `mailboxes`, before its parts are put together.
struct MailboxBlock: Sendable {
    var address: MailAddress?
    var imap: MailURL?
    var smtp: MailURL?
    var user = ""
    var password = Secret("")
    var caFile = ""
    var isLoopback = false
    var smtpLogin = SMTPLogin.mailbox
    var smtpUser = ""
    var smtpPassword = Secret("")
    var oauth = OAuth()
    /// Everything that needs no putting together; its required parts are placeholders.
    var settings: MailboxSettings

    enum SMTPLogin: String, CaseIterable, Sendable { case mailbox, none }

    struct OAuth: Sendable {
        var tokenURL = ""
        var clientID = ""
        var clientSecret = Secret("")
        var refreshToken = Secret("")
    }

    init?(name: String) {
        let nowhere = MailEndpoint(host: "", port: 0, security: .tls)
        guard let address = MailAddress("nobody@invalid") else { return nil }
        self.settings = MailboxSettings(
            name: name, imap: nowhere, smtp: nowhere, user: "", password: Secret(""), address: address)
    }
}

/// The keys of one mailbox.
enum MailboxFields {
    typealias Field = ConfigurationField<MailboxBlock>

    static let all: [Field] = Self.access + Self.behaviour + Self.folders

    private static let access: [Field] = [
        Field(
            "address", kind: "address", preset: nil, "The support address; From of everything that is sent.",
            .text { text, block throws(ConfigurationComplaint) in block.address = try Field.address(text) }),
        .addresses(
            "aliases", \.settings.aliases, "Other addresses of this mailbox; answers come from the one written to."),
        Field(
            "imap", kind: "URL", preset: nil, "imaps://host[:993], or imap://host[:143] with STARTTLS.",
            .text { text, block throws(ConfigurationComplaint) in block.imap = try Self.url(text, .imap) }),
        Field(
            "smtp", kind: "URL", preset: nil, "smtps://host[:465], or smtp://host[:587] with STARTTLS.",
            .text { text, block throws(ConfigurationComplaint) in block.smtp = try Self.url(text, .smtp) }),
        .text("user", \.user, "Login; the address by default."),
        .secret("password", \.password, "Password of the login; prefer password_file or a credential."),
        .file("ca_file", \.caFile, "PEM file of the authorities to trust instead of the system's."),
        .flag(
            "loopback", \.isLoopback, preset: false,
            "Allows imap:// and smtp:// without TLS, to this machine only."),
        .choice(
            "smtp_login", \.smtpLogin, preset: .mailbox,
            "Whether to log in for sending: as for IMAP, or not at all (a relay that trusts this machine)."),
        .text("smtp_user", \.smtpUser, "Login for sending when it differs from the mailbox's."),
        .secret("smtp_password", \.smtpPassword, "Password for smtp_user."),
        .text("oauth.token_url", \.oauth.tokenURL, "Where access tokens come from; OAuth2 instead of a password."),
        .text("oauth.client_id", \.oauth.clientID, "Client registered with the provider."),
        .secret("oauth.client_secret", \.oauth.clientSecret, "Secret of the client, where it has one."),
        .secret(
            "oauth.refresh_token", \.oauth.refreshToken,
            "Refresh token of this mailbox. Where the issuer replaces it, see Documentation/providers.md before a command "
                + "logs in."),
    ]

    private static let behaviour: [Field] = [
        Field(
            "mode", kind: "one of \(Mode.allCases.map(\.rawValue).joined(separator: ", "))", preset: nil,
            "How far the desk may go in this mailbox; the desk's mode by default.",
            .text { text, block throws(ConfigurationComplaint) in
                block.settings.mode = try Field.chosen(text, Mode.self)
            }),
        .duration(
            "poll_interval", \.settings.pollInterval, in: .seconds(1)...(.seconds(3_600)), preset: .seconds(15),
            "How often to look where the server has no IDLE."),
        Field(
            "after_import", kind: "nothing, seen or move:FOLDER", preset: "nothing",
            "What happens to a mail in the mailbox once it is stored.",
            .text { text, block throws(ConfigurationComplaint) in
                block.settings.afterImport = try Self.afterImport(text)
            }),
        .choice("notes", \.settings.notes, preset: .thread, "Where briefing notes are put."),
        .choice("marks", \.settings.marks, preset: .keywords, "Whether customers' mails get keywords and flags."),
        .text("language", \.settings.language, preset: "en", "Language where the text does not tell, ISO 639-1."),
        .flag(
            "server_files_sent", \.settings.serverFilesSent, preset: false,
            "Whether the server itself files sent mail (Gmail, Microsoft 365)."),
    ]

    private static let folders: [Field] = [
        .text("folders.inbox", \.settings.folders.inbox, preset: "INBOX", "Folder that is watched for mail."),
        .text("folders.drafts", \.settings.folders.drafts, "Drafts; found by SPECIAL-USE by default."),
        .text("folders.sent", \.settings.folders.sent, "Sent; found by SPECIAL-USE by default."),
        .text("folders.junk", \.settings.folders.junk, "Junk; found by SPECIAL-USE by default."),
        .text("folders.archive", \.settings.folders.archive, "Archive; found by SPECIAL-USE by default."),
        .text("folders.notes", \.settings.folders.notes, preset: "Martlet notes", "Folder for notes: folder."),
    ]

    private static func url(_ text: String, _ service: MailURL.Service) throws(ConfigurationComplaint) -> MailURL {
        try MailURL(text, service: service)
    }

    private static func afterImport(_ text: String) throws(ConfigurationComplaint) -> MailboxSettings.AfterImport {
        let parts = text.split(separator: ":", maxSplits: 1).map { $0.trimmingWhitespace() }
        switch (parts.first?.lowercased(), parts.count) {
        case ("nothing", 1): return .nothing
        case ("seen", 1): return .seen
        case ("move", 2) where !parts[1].isEmpty: return .move(folder: parts[1])
        default:
            throw ConfigurationComplaint(
                "is neither nothing nor seen nor move:FOLDER", remedy: "for example move:Archive")
        }
    }
}

extension MailboxBlock {
    /// The settings of the mailbox, or what is wrong with its parts together.
    /// - Parameters:
    ///   - key: `mailboxes.support`, for messages.
    ///   - stateFolder: Where a service keeps its files; nil where there is none.
    func assembled(key: String, stateFolder: String?) -> (settings: MailboxSettings?, problems: [ConfigurationProblem])
    {
        var problems: [ConfigurationProblem] = []
        func require(_ name: String, _ isThere: Bool, _ example: String, needs: ConfigurationNeeds? = nil) {
            guard !isThere else { return }
            problems.append(ConfigurationProblem("\(key).\(name)", "is missing", remedy: example, needs: needs))
        }
        require("address", self.address != nil, "add the support address, for example support@shop.example")
        require("imap", self.imap != nil, "add the IMAP server, for example imaps://imap.shop.example")
        require("smtp", self.smtp != nil, "add the SMTP server, for example smtps://smtp.shop.example")
        let usesOAuth = !self.oauth.tokenURL.isEmpty
        if usesOAuth {
            require("oauth.client_id", !self.oauth.clientID.isEmpty, "the provider shows it where you registered")
            require(
                "oauth.refresh_token", !self.oauth.refreshToken.isEmpty, "add refresh_token_file", needs: .mailboxes)
        } else {
            let credential = key.split(separator: ".").joined(separator: "-") + "-password"
            require(
                "password", !self.password.isEmpty, "add password_file, or the credential \(credential)",
                needs: .mailboxes)
        }
        if !self.smtpUser.isEmpty {
            require("smtp_password", !self.smtpPassword.isEmpty, "add smtp_password_file", needs: .mailboxes)
        }
        for (name, url) in [("imap", self.imap), ("smtp", self.smtp)] {
            guard self.isLoopback, let url, !url.isTLS, !url.isLoopback else { continue }
            problems.append(
                ConfigurationProblem(
                    "\(key).\(name)", "loopback allows cleartext to this machine only",
                    remedy: "use \(name)s://, or remove loopback so that STARTTLS is required"))
        }
        guard let address = self.address, let imap = self.imap, let smtp = self.smtp else { return (nil, problems) }

        let caFile = self.caFile.isEmpty ? nil : self.caFile
        var settings = self.settings
        settings.address = address
        settings.imap = imap.endpoint(caFile: caFile, allowsCleartext: self.isLoopback)
        settings.smtp = smtp.endpoint(caFile: caFile, allowsCleartext: self.isLoopback)
        settings.user = self.user.isEmpty ? address.address : self.user
        settings.password = self.password
        if usesOAuth {
            settings.oauth = OAuthTokenSource(
                url: self.oauth.tokenURL, clientID: self.oauth.clientID, clientSecret: self.oauth.clientSecret,
                refreshToken: self.oauth.refreshToken,
                memory: stateFolder.map { URL(filePath: "\($0)/refresh-token-\(settings.name)") })
        }
        settings.smtpLogin =
            switch (self.smtpLogin, self.smtpUser.isEmpty) {
            case (.none, _): .none
            case (.mailbox, true): .sameAsIMAP
            case (.mailbox, false): .password(user: self.smtpUser, password: self.smtpPassword)
            }
        return (settings, problems)
    }
}
