package import Answering
package import DeskModel
package import MailTransport

/// Everything the desk can be told. Read once from one YAML file by the `martlet` command; this module never reads
/// files, environment or arguments. Config/martlet.sample.yaml documents each key.
package struct DeskSettings: Sendable {
    /// How far the desk may go in all mailboxes that do not say otherwise.
    package var mode: Mode = .draft
    package var database = DatabaseSettings()
    package var mailboxes: [MailboxSettings] = []
    package var importSince: ImportSince = .now
    /// Nothing automatic goes out for a mail older than this (older of INTERNALDATE and topmost Received).
    package var automaticMaxAge: Duration = .seconds(24 * 3600)
    package var automaticCaps = AutomaticCaps()
    package var acknowledgement = AcknowledgementSettings()
    package var escalation = EscalationSettings()
    package var draft = DraftSettings()
    /// Name of the shop, for sign-off and notices.
    package var deskName = "Support"
    /// Replies to a resolved ticket within this time reopen it; later ones open a linked ticket.
    package var reopenWindow: Duration = .seconds(30 * 24 * 3600)
    /// People who answer customers: what they forward to the desk counts as the mail of whom they forward.
    package var agents: [MailAddress] = []
    /// How mail of programs that keep no thread tells what it is about, as `@sender.example Order {ref}`.
    package var threadReferences: [ReferencePattern] = []
    /// Key id → secret bytes, for tokens in Message-IDs; the first one signs, all verify (C10).
    package var tokenKeys: [TokenKey] = []
    /// authserv-ids whose Authentication-Results are believed; empty means none (no verdict).
    package var authservIDs: [String] = []
    /// While this file exists nothing goes out (C9).
    package var holdFile = "/etc/martlet/HOLD"
    /// Folder of the encoder's weights and vocabulary.
    package var modelDirectory = ""
    /// Taxonomy file; empty means the shipped one.
    package var taxonomyFile = ""
    /// Folder of articles that the service keeps imported; empty means none.
    package var knowledgeFolder = ""
    /// Largest mail that is fetched whole, in octets.
    package var maximumMessageSize = 25 << 20
    /// Workers for triage and drafting; 0 means one per core.
    package var workers = 0
    /// Rows of finished jobs and intake attempts are kept this long.
    package var retention: Duration = .seconds(14 * 24 * 3600)

    package init() {}
}

package struct DatabaseSettings: Sendable {
    /// A libpq connection string or URL; several hosts are allowed. Empty means PG* of the environment.
    package var url = Secret("")
    /// For LISTEN and migrations when `url` goes through a pooler; empty means `url`.
    package var direct = Secret("")
    /// True when a pooler in transaction mode stands between: no prepared statements, no session state.
    package var isPooled = false
    package var connections = 8

    package init() {}
}

package enum ImportSince: Sendable, Hashable {
    case now
    case all
    case age(Duration)
}

/// One mailbox that is watched.
package struct MailboxSettings: Sendable {
    /// Key in the configuration and in the database; ASCII.
    package var name: String
    package var imap: MailEndpoint
    package var smtp: MailEndpoint
    package var user: String
    package var password: Secret
    /// When set, OAuth2 is used instead of the password; shared by all connections, so that each token is asked for once.
    package var oauth: OAuthTokenSource?
    /// SMTP credentials when they differ from the mailbox's; empty user means the same as for IMAP. `none` logs in
    /// nowhere, for a relay on loopback.
    package var smtpLogin: SMTPLogin = .sameAsIMAP
    /// The support address; From of everything that is sent.
    package var address: MailAddress
    /// Other addresses that reach this mailbox; an answer comes from the one the customer wrote to.
    package var aliases: [MailAddress] = []
    /// Overrides the desk's mode.
    package var mode: Mode?
    package var folders = FolderSettings()
    /// Used when IDLE is missing.
    package var pollInterval: Duration = .seconds(15)
    package var afterImport: AfterImport = .nothing
    package var notes: NotesPlace = .thread
    package var marks: Marks = .keywords
    /// Language when the text does not tell; ISO 639-1.
    package var language = "en"
    /// True when the server files sent mail by itself (Gmail, Microsoft 365).
    package var serverFilesSent = false

    package init(
        name: String, imap: MailEndpoint, smtp: MailEndpoint, user: String, password: Secret, address: MailAddress
    ) {
        self.name = name
        self.imap = imap
        self.smtp = smtp
        self.user = user
        self.password = password
        self.address = address
    }

    package enum SMTPLogin: Sendable {
        case sameAsIMAP
        case none
        case password(user: String, password: Secret)
    }

    package enum AfterImport: Sendable, Hashable {
        case nothing
        case seen
        case move(folder: String)
    }

    package enum NotesPlace: String, Sendable, CaseIterable { case thread, folder, off }
    package enum Marks: String, Sendable, CaseIterable { case keywords, none }
}

/// Folder names; empty means: by SPECIAL-USE, then by the usual names.
package struct FolderSettings: Sendable {
    package var inbox = "INBOX"
    package var drafts = ""
    package var sent = ""
    package var junk = ""
    package var archive = ""
    /// For briefing notes with `notes: folder`.
    package var notes = "Martlet notes"

    package init() {}
}

package struct AcknowledgementSettings: Sendable {
    /// An answer that goes out earlier replaces the acknowledgement.
    package var delay: Duration = .seconds(30)
    /// Free text such as `Mon–Fri 9–17`; empty means not mentioned.
    package var openingHours = ""

    package init() {}
}

package struct EscalationSettings: Sendable {
    /// Who gets notices; empty means nobody, and the dashboard alone shows it.
    package var team: [MailAddress] = []
    /// Who gets the notices of some categories or hours in the team's stead.
    package var onCall: [OnCallRule] = []
    /// Notices an hour; a digest tells about those beyond.
    package var hourlyCap = 20
    /// Addresses whose mail is always escalated.
    package var vip: [MailAddress] = []

    package init() {}
}

package struct DraftSettings: Sendable {
    /// Below this probability of an answer nothing is drafted; the note says which knowledge is missing.
    package var floor = 0.35
    /// Needed for an automatic answer in mode `answer`.
    package var automaticThreshold = 0.9
    /// Categories that may be answered automatically (upper level or full name).
    package var automaticCategories: [String] = []
    /// Categories for which the desk only notes what it would have answered by itself; they win over the former.
    package var observedCategories: [String] = []
    /// Hosts that links in answers may point to.
    package var linkHosts: [String] = []
    /// Name under the answers.
    package var signature = ""
    /// What stands around the answers.
    package var templates = ReplyTemplates.standard
    /// A model that words drafts; none by default.
    package var chat = ChatSettings()

    package init() {}
}

/// One secret that signs or verifies tokens.
package struct TokenKey: Sendable, Hashable {
    /// 1…8 lower-case letters and digits.
    package var id: String
    package var secret: Secret

    package init(id: String, secret: Secret) {
        self.id = id
        self.secret = secret
    }
}
