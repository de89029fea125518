internal import DeskModel
internal import DeskStore
internal import Foundation

/// Which ticket a mail belongs to, and why. Pure: what it knows of the database comes in as a lookup.
///
/// Order: our own token, then In-Reply-To and References (newest first), then `[MT-1042]` in the subject from somebody
/// who takes part. A Message-ID proves which mail is answered, never who answers: whoever takes no part opens a ticket
/// of their own that is linked, so that nobody reads along by guessing an id.
struct Threading {
    enum Assignment: Hashable {
        /// Belongs to the ticket.
        case attach(TicketCandidate, reason: String)
        /// Carries a valid token of ours but comes from somebody unknown there: kept in the ticket and marked.
        case attachFlagged(TicketCandidate, reason: String)
        /// Opens a ticket; `linked` is the one it seems to follow. A stranger named a ticket without taking part in it.
        case open(linked: TicketID?, isStranger: Bool, reason: String)
    }

    let signer: TokenSigner
    let ownAddresses: Set<String>
    let reopenWindow: Duration
    /// For mail of programs that keep no thread.
    var patterns: [ReferencePattern] = []

    func assignment(of message: InboundMessage, received: Date, lookup: IntakeLookup) -> Assignment {
        let sender = message.from.first?.normalized ?? ""
        let ids = Self.candidates(of: message)

        for id in ids {
            guard let token = self.signer.verify(id.id), let ticket = lookup.ticketsByID[token.ticketID] else {
                continue
            }
            if ticket.isParticipant(sender) || self.ownAddresses.contains(sender) {
                return self.join(ticket, received: received, reason: "answers our mail (token in \(id.field))")
            }
            let reason = "token of ours, but \(Self.shown(sender)) takes no part in the ticket"
            switch self.join(ticket, received: received, reason: reason) {
            case .open(let linked, _, let reason): return .open(linked: linked, isStranger: true, reason: reason)
            case .attach, .attachFlagged: return .attachFlagged(ticket, reason: reason)
            }
        }
        for reference in self.references(of: message) {
            for ticket in lookup.threads[reference.digest] ?? [] where ticket.isParticipant(sender) {
                return self.join(ticket, received: received, reason: "reference \(reference.text) of \(sender)")
            }
        }
        var stranger: TicketCandidate?
        for id in ids {
            for ticket in lookup.threads[id.id.digest] ?? [] {
                if ticket.isParticipant(sender) || self.ownAddresses.contains(sender) {
                    return self.join(ticket, received: received, reason: "\(id.field) names a mail of this ticket")
                }
                stranger = stranger ?? ticket
            }
        }
        if let number = Self.ticketNumber(in: message.subject), let ticket = lookup.ticketsByNumber[number.value] {
            if ticket.isParticipant(sender) {
                return self.join(ticket, received: received, reason: "[\(number)] in the subject from a participant")
            }
            stranger = stranger ?? ticket
        }
        if let stranger {
            return .open(
                linked: stranger.id, isStranger: true,
                reason: "refers to a ticket in which \(Self.shown(sender)) takes no part")
        }
        return .open(linked: nil, isStranger: false, reason: "refers to nothing known")
    }

    private func join(_ ticket: TicketCandidate, received: Date, reason: String) -> Assignment {
        switch ticket.status {
        case .new, .open, .pending: return .attach(ticket, reason: reason)
        case .closed: return .open(linked: ticket.id, isStranger: false, reason: "\(reason), which is closed")
        case .resolved:
            let age = ticket.resolvedAt.map { received.timeIntervalSince($0) } ?? 0
            return age <= self.reopenWindow / .seconds(1)
                ? .attach(ticket, reason: reason)
                : .open(
                    linked: ticket.id, isStranger: false,
                    reason: "\(reason), which was resolved before the reopen window")
        }
    }

    /// The ids that may lead to a ticket, most telling first: In-Reply-To, References from the newest, own id last
    /// (another mail may have named it before it came).
    static func candidates(of message: InboundMessage) -> [Candidate] {
        var seen: Set<MessageID> = []
        var result: [Candidate] = []
        let fields: [(String, [MessageID])] = [
            ("In-Reply-To", message.inReplyTo), ("References", message.references.reversed()),
            ("Message-ID", message.messageID.map { [$0] } ?? []),
        ]
        for (field, ids) in fields {
            for id in ids where seen.insert(id).inserted { result.append(Candidate(id: id, field: field)) }
        }
        return result
    }

    struct Candidate: Hashable {
        let id: MessageID
        let field: String
    }

    /// What the configured patterns find in the subject and the first lines.
    func references(of message: InboundMessage) -> [ForeignReference] {
        guard !self.patterns.isEmpty, let sender = message.from.first?.normalized else { return [] }
        return self.patterns.compactMap { $0.reference(in: message, from: sender) }
    }

    /// The ticket of the mail of ours that a report is about; nil unless the report proves that it is about one: by our
    /// token, or by an id of a mail that really left our mailboxes.
    func reported(
        by message: InboundMessage, _ classification: MessageClassification, lookup: IntakeLookup
    ) -> (ticket: TicketCandidate, original: MessageID)? {
        for id in Self.reportedIDs(message, classification) {
            let learned = lookup.sentIDs[id.digest].flatMap { $0 }
            guard let ticketID = self.signer.verify(id)?.ticketID ?? learned,
                let ticket = lookup.ticketsByID[ticketID]
            else { continue }
            return (ticket, id)
        }
        return nil
    }

    /// Ids of mail that a report may be about; empty for what is no report.
    static func reportedIDs(_ message: InboundMessage, _ classification: MessageClassification) -> [MessageID] {
        switch classification.kind {
        case .bounce, .feedback, .successDSN:
            (classification.bounce?.originalMessageID.map { [$0] } ?? []) + message.inReplyTo
                + message.references.reversed().prefix(20)
        case .human, .autoReply, .list, .spam, .other: []
        }
    }

    /// `[MT-1042]` anywhere in the subject.
    static func ticketNumber(in subject: String) -> TicketNumber? {
        var rest = subject[...]
        while let open = rest.firstIndex(of: "["), let close = rest[open...].firstIndex(of: "]") {
            let inner = rest[rest.index(after: open)..<close]
            if inner.lowercased().hasPrefix(TicketNumber.prefix.lowercased()), let number = TicketNumber(inner) {
                return number
            }
            rest = rest[rest.index(after: open)...]
        }
        return nil
    }

    private static func shown(_ address: String) -> String { address.isEmpty ? "the sender" : address }
}
