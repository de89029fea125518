internal import DeskModel
internal import Foundation

/// Who a mail is really from, where that is not its From: a contact form that writes for a visitor, an agent who
/// forwards a customer's mail. Claims of others both, so that nothing automatic ever goes to such an address.
struct Correspondent: Equatable {
    let address: MailAddress
    /// One phrase for people.
    let reason: String

    /// - Parameters:
    ///   - own: Addresses of our mailboxes, lower case.
    ///   - agents: Addresses of people who answer customers, lower case.
    init?(of message: InboundMessage, isVerified: Bool?, own: Set<String>, agents: Set<String>) {
        guard let sender = message.from.first else { return nil }
        if let visitor = Self.visitor(message, sender, own: own) {
            self.address = visitor
            self.reason = "contact form of \(sender.normalized): Reply-To"
            return
        }
        // Somebody else's forwarded mail may hold any header: only who answers customers here may say whose it was.
        guard agents.contains(sender.normalized), isVerified != false,
            let origin = Self.origin(of: message), !own.contains(origin.normalized)
        else { return nil }
        self.address = origin
        self.reason = "forwarded by \(sender.normalized)"
    }

    /// A form writes from an address that takes no answers or is ours, and names exactly one other address.
    private static func visitor(_ message: InboundMessage, _ sender: MailAddress, own: Set<String>) -> MailAddress? {
        guard message.replyTo.count == 1, let visitor = message.replyTo.first, visitor != sender,
            !own.contains(visitor.normalized), message.inReplyTo.isEmpty, message.references.isEmpty
        else { return nil }
        if own.contains(sender.normalized) { return visitor }
        let local = sender.localPart.lowercased().filter { $0.isLetter || $0.isNumber }
        let isForm = ["noreply", "donotreply", "wordpress", "webform", "contactform", "kontaktformular", "formular"]
            .contains { local.hasPrefix($0) }
        // A stranger's robot may name whom it likes; a form that writes to us runs on our own site.
        let domains = Set(own.map { $0.drop { $0 != "@" } })
        return isForm && domains.contains(sender.normalized.drop { $0 != "@" }) ? visitor : nil
    }

    private static let marks = [
        "forwarded message", "original message", "weitergeleitete nachricht", "ursprüngliche nachricht",
        "message transféré", "message d'origine", "mensaje reenviado", "mensaje original", "messaggio inoltrato",
        "messaggio originale", "doorgestuurd bericht", "oorspronkelijk bericht", "przekazana wiadomość",
        "wiadomość oryginalna", "mensagem encaminhada", "mensagem original",
    ]
    private static let labels: Set<String> = ["from", "von", "de", "da", "van", "od", "från", "fra"]

    /// The address in the `From:` line below the mark of a forwarded mail.
    private static func origin(of message: InboundMessage) -> MailAddress? {
        let prefix = message.subject.lowercased().prefix(5)
        let isForward = ["fwd:", "fw:", "wg:", "tr:", "rv:", "i:", "pd:", "enc:", "doorg"].contains {
            prefix.hasPrefix($0)
        }
        guard isForward else { return nil }
        var isBelowMark = false
        for line in message.bodyText.split(whereSeparator: \.isNewline).prefix(200) {
            let line = line.drop { $0 == ">" || $0 == " " || $0 == "*" || $0 == "-" }
            let lower = line.lowercased()
            if Self.marks.contains(where: { lower.contains($0) }) {
                isBelowMark = true
                continue
            }
            guard let colon = line.firstIndex(of: ":") else { continue }
            let label = line[..<colon].lowercased().filter(\.isLetter)
            guard Self.labels.contains(label), isBelowMark || line.contains("@") else { continue }
            return Self.address(in: line[line.index(after: colon)...])
        }
        return nil
    }

    /// Addresses that stand in a text, each once and in their order; at most three.
    static func addresses(in text: String) -> [MailAddress] {
        var found: [MailAddress] = []
        for word in text.prefix(20_000).split(whereSeparator: { $0.isWhitespace || "<>[]()\"'*;,".contains($0) })
        where word.contains("@") {
            let bare = word.lowercased().hasPrefix("mailto:") ? word.dropFirst(7) : word
            let trimmed = String(bare).trimmingCharacters(in: CharacterSet(charactersIn: ".:!?=|"))
            guard let address = MailAddress(trimmed), address.domain.contains("."), !found.contains(address) else {
                continue
            }
            found.append(address)
            if found.count == 3 { break }
        }
        return found
    }

    /// `Ann Example <ann@example.com>`, `ann@example.com` or `Ann [mailto:ann@example.com]`.
    private static func address(in text: Substring) -> MailAddress? {
        let pieces = text.split { $0.isWhitespace || "<>[]()\"*;,".contains($0) }
        let bare = pieces.lazy.map { $0.hasPrefix("mailto:") ? $0.dropFirst(7) : $0 }.first { $0.contains("@") }
        guard let bare else { return nil }
        let name = text.prefix { $0 != "<" && $0 != "[" && $0 != "@" }
            .trimmingCharacters(in: CharacterSet(charactersIn: " \"*'"))
        let hasName = text.contains("<") || text.contains("[")
        return MailAddress(String(bare), displayName: hasName && !name.isEmpty ? name : nil)
    }
}
