package import DeskModel

/// Decides from a received mail alone what sort of sender wrote it and whether anything automatic may answer it.
///
/// Standard fields first (RFC 3834, 3464, 5965, 2919), then known robots, then the words. A wrong "human" costs one
/// needless mail and perhaps a loop; a wrong "robot" costs a customer an acknowledgement: words alone must be plain.
package enum AutomaticMail {
    /// - Parameters:
    ///   - own: addresses of the desk's own mailboxes, lower case.
    ///   - authservIDs: names whose Authentication-Results are believed.
    package static func classify(
        _ message: InboundMessage, own: Set<String>, authservIDs: [String]
    ) -> MessageClassification {
        let signs = MailSigns(message, own: own)
        if let report = BounceReport(message, signs: signs) { return report.classification }
        if let reason = signs.spamVerdict {
            return MessageClassification(kind: .spam, reasons: [reason], suppressAutoReply: true)
        }
        if let reason = signs.automaticField {
            return MessageClassification(kind: .autoReply, reasons: [reason], suppressAutoReply: true)
        }
        if let reason = signs.listField {
            return MessageClassification(kind: .list, reasons: [reason], suppressAutoReply: true)
        }
        if let words = AutomaticWords.verdict(message) {
            var guess = MessageClassification(kind: .autoReply, reasons: [words.reason], suppressAutoReply: true)
            guess.isByWords = !words.isCertain
            return guess
        }
        if let reason = signs.robot {
            return MessageClassification(kind: .other, reasons: [reason], suppressAutoReply: true)
        }
        if let reason = signs.silence {
            return MessageClassification(kind: .human, reasons: [reason], suppressAutoReply: true)
        }
        if SenderVerdict(message, authservIDs: authservIDs) == .fail {
            return MessageClassification(
                kind: .human, reasons: ["sender fails authentication"], suppressAutoReply: true)
        }
        return MessageClassification(kind: .human, reasons: ["no sign of a robot"], suppressAutoReply: false)
    }
}

/// What the mail server that we trust found out about the sender. RFC 8601, 7489.
package enum SenderVerdict: String, Sendable, Hashable, Codable {
    case pass, fail
    /// No trusted server said anything that counts.
    case none

    /// Reads the topmost Authentication-Results of a server in `authservIDs`; those below our own first Received field
    /// came with the mail and are not believed.
    package init(_ message: InboundMessage, authservIDs: [String]) {
        let trusted = Set(authservIDs.map { $0.lowercased() })
        self = .none
        guard !trusted.isEmpty else { return }
        var received = 0
        for field in message.headers {
            switch field.name.lowercased() {
            // A delivery agent on the way to the mailbox adds its own field above the border's results.
            case "received": received += field.value.lowercased().holds(" with lmtp") ? 0 : 1
            case "authentication-results" where received <= 1:
                let parts = Self.withoutComments(field.value).lowercased().split(separator: ";")
                guard let name = parts.first?.split(separator: " ").first, trusted.contains(String(name)) else {
                    continue
                }
                self = Self.verdict(parts.dropFirst().map { $0.split(separator: " ").map(String.init) })
                return
            default: continue
            }
            if received > 1 { return }
        }
    }

    private static func verdict(_ results: [[String]]) -> SenderVerdict {
        for result in results where result.first?.hasPrefix("dmarc=") == true {
            switch result.first {
            case "dmarc=pass": return .pass
            case "dmarc=fail": return .fail
            default: continue
            }
        }
        return .none
    }

    /// Parentheses hold comments in which a sender may plant results.
    private static func withoutComments(_ value: String) -> String {
        var depth = 0
        var result = ""
        for character in value {
            if character == "(" {
                depth += 1
            } else if character == ")" {
                depth = max(0, depth - 1)
            } else if depth == 0 {
                result.append(character)
            }
        }
        return result
    }
}

/// Signs in the header fields; each is a phrase for people, or nil.
struct MailSigns {
    let message: InboundMessage
    let own: Set<String>
    private let fields: [String: String]

    init(_ message: InboundMessage, own: Set<String>) {
        self.message = message
        self.own = own
        self.isDaemon = Self.isDaemon(message.writtenFrom.first)
        var fields: [String: String] = [:]
        fields.reserveCapacity(message.headers.count)
        for field in message.headers.reversed() { fields[field.name.lowercasedASCII()] = field.value }
        self.fields = fields
    }

    func value(_ name: String) -> String? { self.fields[name] }

    private func token(_ name: String) -> String? {
        self.fields[name].map { value in
            String(value.lowercased().prefix { $0 != ";" && $0 != "(" && $0 != " " })
        }
    }

    /// The envelope sender is empty, as that of every report and many automatic answers.
    var hasNullReturnPath: Bool {
        guard let path = self.fields["return-path"] else { return false }
        let bare = String(decoding: path.utf8.filter { $0 > 0x20 }, as: UTF8.self)
        return bare == "<>" || bare.isEmpty || bare.lowercasedASCII().hasPrefix("<mailer-daemon")
    }

    var senderAddress: String {
        (self.message.writtenFrom.first?.address ?? "").lowercased()
    }

    /// A mail system rather than a person or a program of a person.
    let isDaemon: Bool

    private static let daemons: Set<String> = [
        "mailerdaemon", "mail-daemon", "mdaemon", "mailer_daemon", "mail.delivery.system", "maildelivery",
        "mail-delivery",
        "post_master", "mailsystem", "bounce", "bounces", "delivery",
    ]
    private static let daemonStarts = PhraseSet(["mailer-daemon", "postmaster", "microsoftexchange"])
    private static let daemonNames = PhraseSet([
        "mail delivery", "mailer-daemon", "delivery subsystem", "mail system", "postmaster", "mailer daemon",
        "system administrator",
    ])

    private static func isDaemon(_ sender: WrittenAddress?) -> Bool {
        guard let sender else { return false }
        let local = String(sender.address.prefix { $0 != "@" }).lowercased()
        return Self.daemons.contains(local) || Self.daemonStarts.prefix(of: local) != nil
            || Self.daemonNames.matches(sender.name.lowercased())
    }

    /// RFC 3834 and the fields that came before it.
    var automaticField: String? {
        if let program = self.programAnswer { return program }
        if let value = self.token("auto-submitted"), !value.isEmpty, value != "no" { return "Auto-Submitted: \(value)" }
        for name in [
            "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply",
            "x-auto-reply-from", "x-autogenerated",
            "x-vacation", "x-out-of-office", "x-automatic-response", "auto-generated", "x-auto-generated",
        ] {
            if let value = self.fields[name], !["no", "false", "0"].contains(value.lowercased()) {
                return "field \(name)"
            }
        }
        if let value = self.fields["x-autogenerated"] { return "X-Autogenerated: \(value)" }
        if let value = self.token("precedence"), ["auto_reply", "auto-reply", "autoreply"].contains(value) {
            return "Precedence: \(value)"
        }
        if let value = self.fields["delivered-to"], value.lowercased().hasPrefix("autoresponder") {
            return "Delivered-To: Autoresponder"
        }
        for name in ["x-php-originating-script", "x-mailer"] {
            if let value = self.fields[name]?.lowercased(), value.holds("vacation") || value.holds("autorespond") {
                return "\(name): vacation"
            }
        }
        return nil
    }

    /// A receipt that a mail was read (RFC 8098), or an answer to an invitation (RFC 6047): a click, and no letter.
    private var programAnswer: String? {
        let type = self.fields["content-type"]?.lowercased() ?? ""
        if type.holds("disposition-notification")
            || type.holds("multipart/report")
                && self.message.reports.contains(where: { $0.contentType == "message/disposition-notification" })
        {
            return "receipt for a mail that was read"
        }
        let isCalendar = type.holds("text/calendar")
        if isCalendar, type.holds("method=reply") || type.holds("method=\"reply\"") { return "answer to an invitation" }
        if isCalendar || self.message.leafTypes.contains("text/calendar"),
            AutomaticPhrases.invitationAnswers.prefix(of: self.message.subject.lowercased()) != nil
        {
            return "answer to an invitation"
        }
        return nil
    }

    /// RFC 2919, 2369 and the older marks of list programs.
    var listField: String? {
        for name in [
            "list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe", "mailing-list", "x-mailing-list",
            "x-mailman-version", "x-beenthere", "list-archive", "x-mlserver", "x-ml-name",
        ]
        where self.fields[name] != nil {
            return "field \(name)"
        }
        if let value = self.token("precedence"), ["list", "bulk", "junk"].contains(value) {
            return "Precedence: \(value)"
        }
        if self.fields["feedback-id"] != nil { return "field feedback-id" }
        return nil
    }

    /// What the mail server found, as its own filter's fields say.
    var spamVerdict: String? {
        if let value = self.token("x-spam-flag"), value == "yes" { return "X-Spam-Flag: YES" }
        if let value = self.fields["x-spam-status"]?.lowercased(), value.hasPrefix("yes") {
            return "X-Spam-Status: Yes"
        }
        if let value = self.token("x-spam"), value == "yes" || value == "true" { return "X-Spam: \(value)" }
        if let value = self.fields["x-rspamd-action"]?.lowercased() ?? self.fields["x-spamd-action"]?.lowercased(),
            value.hasPrefix("reject")
        {
            return "X-Rspamd-Action: reject"
        }
        return nil
    }

    private static let silentNames = PhraseSet([
        "noreply", "donotreply", "nepasrepondre", "neantworten", "noresponder", "naorespond", "noresponda",
        "nichtantworten", "keineantwort",
    ])
    private static let programNames: Set<String> = [
        "listserv", "majordomo", "mailman", "autoresponder", "autoreply", "autoresponse", "notifications",
        "notification", "voicemail", "scanner", "printer", "copier", "drucker", "kopierer", "imprimante", "monitoring",
        "nagios", "zabbix", "cron", "anrufbeantworter", "mailbot", "newsletter",
    ]

    /// Letters and digits alone.
    private static func bare(_ local: String) -> String {
        String(
            decoding: local.utf8.filter { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) }, as: UTF8.self)
    }

    /// A sender that is no person, by its address.
    var robot: String? {
        let address = self.senderAddress
        if self.own.contains(address) { return "sent from an address of our own" }
        let local = String(address.prefix { $0 != "@" })
        let bare = local.isASCII ? Self.bare(local) : local.filter { $0.isLetter || $0.isNumber }
        if let name = Self.silentNames.first(in: bare), bare.hasPrefix(name) || bare.hasSuffix(name) {
            return "sender takes no answers: \(local)"
        }
        if self.isDaemon { return "sender is a mail system" }
        if Self.programNames.contains(bare) { return "sender is a program: \(local)" }
        return nil
    }

    /// The sender asks for silence, though nothing says that a robot wrote.
    var silence: String? {
        if self.hasNullReturnPath { return "empty Return-Path" }
        if let value = self.fields["x-auto-response-suppress"]?.lowercased(),
            value.holds("all") || value.holds("autoreply") || value.holds("oof")
        {
            return "X-Auto-Response-Suppress: \(value)"
        }
        if self.fields["x-loop"] != nil { return "field x-loop" }
        if self.message.from.isEmpty { return "no sender to answer" }
        return nil
    }
}
