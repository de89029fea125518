import DeskModel
import DeskStore
import Foundation

/// Tickets as people and scripts read them.
enum TicketView {
    /// One ticket in JSON.
    struct Row: Encodable {
        let id: Int64
        let ticketNumber: String
        let subject: String
        let customerEmail: String
        let customerName: String?
        let category: String?
        let priority: String
        let status: String
        let sentimentScore: Double?
        let confidenceScore: Double?
        let decision: String?
        let assignedAgent: String?
        let createdAt: Date
        let messageCount: Int
        let language: String?

        init(_ ticket: TicketSummary) {
            self.id = ticket.id
            self.ticketNumber = TicketNumber(ticket.number).description
            self.subject = ticket.subject
            self.customerEmail = ticket.customerEmail
            self.customerName = ticket.customerName
            self.category = ticket.category
            self.priority = ticket.priority.rawValue
            self.status = ticket.status.rawValue
            self.sentimentScore = ticket.sentimentScore
            self.confidenceScore = ticket.confidenceScore
            self.decision = ticket.decision
            self.assignedAgent = ticket.assignedAgent
            self.createdAt = ticket.createdAt
            self.messageCount = ticket.messageCount
            self.language = ticket.language
        }

        enum CodingKeys: String, CodingKey {
            case id, subject, category, priority, status, decision, language
            case ticketNumber = "ticket_number"
            case customerEmail = "customer_email"
            case customerName = "customer_name"
            case sentimentScore = "sentiment_score"
            case confidenceScore = "confidence_score"
            case assignedAgent = "assigned_agent"
            case createdAt = "created_at"
            case messageCount = "message_count"
        }
    }

    /// One ticket with all that is known, in JSON.
    struct Full: Encodable {
        let ticket: Row
        let description: String
        let resolution: String?
        let mergedInto: String?
        let messages: [TicketMessage]
        let events: [Event]
        let analysis: Analysis?
        let decision: Decision?
        let draft: Draft?
        let draftState: String?

        init(_ detail: TicketDetail) {
            self.ticket = Row(detail.summary)
            self.description = detail.description
            self.resolution = detail.resolution
            self.mergedInto = detail.mergedInto.map { TicketNumber($0).description }
            self.messages = detail.messages
            self.events = detail.events.map(Event.init)
            self.analysis = TicketView.decoded(detail.analysis)
            self.decision = TicketView.decoded(detail.decision)
            self.draft = TicketView.decoded(detail.draft)
            self.draftState = detail.draftState
        }

        enum CodingKeys: String, CodingKey {
            case ticket, description, resolution, messages, events, analysis, decision, draft
            case draftState = "draft_state"
            case mergedInto = "merged_into"
        }
    }

    /// One thing that happened to a ticket.
    struct Event: Encodable {
        let at: Date
        let kind: String
        let actor: String
        let detail: [String: DetailValue]

        init(_ event: TicketEvent) {
            self.at = event.at
            self.kind = event.kind
            self.actor = event.actor
            self.detail = TicketView.decoded(event.detail) ?? [:]
        }
    }

    /// Why a ticket is what it is.
    struct Explanation: Encodable {
        struct Threading: Encodable {
            let from: String?
            let subject: String
            let reason: String
            let flagged: Bool
        }

        let ticket: String
        let analysis: Analysis?
        let decision: Decision?
        let citations: [Citation]
        let unsupported: [String]
        let threading: [Threading]
        let events: [Event]

        init(_ detail: TicketDetail) {
            let draft: Draft? = TicketView.decoded(detail.draft)
            self.ticket = TicketNumber(detail.summary.number).description
            self.analysis = TicketView.decoded(detail.analysis)
            self.decision = TicketView.decoded(detail.decision)
            self.citations = draft?.citations ?? []
            self.unsupported = draft?.unsupported ?? []
            self.threading = detail.messages.map {
                Threading(from: $0.sender, subject: $0.subject, reason: $0.threadReason, flagged: $0.isFlagged)
            }
            self.events = detail.events.map(Event.init)
        }
    }

    static func table(_ tickets: [TicketSummary]) -> TextTable {
        var table = TextTable([
            .init("ticket"), .init("priority"), .init("status"), .init("category", isElastic: true),
            .init("mood", .right, isOptional: true), .init("sure", .right, isOptional: true),
            .init("decision", isOptional: true), .init("in", isOptional: true), .init("from", isElastic: true),
            .init("subject", isElastic: true), .init("since"),
        ])
        for ticket in tickets {
            table.add([
                TicketNumber(ticket.number).description, ticket.priority.rawValue, ticket.status.rawValue,
                ticket.category ?? "", ticket.sentimentScore.map(Self.fraction) ?? "",
                ticket.confidenceScore.map(Self.fraction) ?? "", ticket.decision ?? "", ticket.language ?? "",
                ticket.customerEmail, ticket.subject, Moment.brief(ticket.createdAt),
            ])
        }
        return table
    }

    /// Two places behind the point.
    static func fraction(_ value: Double) -> String {
        let hundredths = Int((abs(value) * 100).rounded())
        let sign = value < 0 && hundredths > 0 ? "-" : ""
        return "\(sign)\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    /// The ticket for reading from top to bottom.
    static func text(_ detail: TicketDetail) -> String {
        let ticket = detail.summary
        var lines = [
            "\(TicketNumber(ticket.number))  \(Self.line(ticket.subject))",
            "from       \(Self.line(ticket.customerName.map { "\($0) <\(ticket.customerEmail)>" } ?? ticket.customerEmail))",
            "status     \(ticket.status.rawValue), assigned to \(Self.line(ticket.assignedAgent ?? "nobody"))",
            "category   \(ticket.category ?? "not analysed yet"), priority \(ticket.priority.rawValue)",
        ]
        if let decision = ticket.decision { lines.append("decision   \(decision)") }
        if let target = detail.mergedInto { lines.append("merged     into \(TicketNumber(target))") }
        if let resolution = detail.resolution { lines.append("resolved   \(Self.line(resolution))") }
        for (place, message) in detail.messages.enumerated() {
            let arrow = message.direction == "in" ? "←" : "→"
            let files = message.attachments == 0 ? "" : ", \(message.attachments) attached"
            let kind = message.kind == "human" ? "" : ", \(message.kind)"
            let sender = Self.line(message.sender ?? "unknown sender")
            lines += ["", "\(place + 1). \(arrow) \(Moment.text(message.internalDate))  \(sender)\(kind)\(files)"]
            lines += Self.paragraph(message.text)
        }
        if let draft: Draft = Self.decoded(detail.draft) {
            let place = Self.place(ofDraftIn: detail.draftState)
            lines += ["", "draft (\(place)), \(Self.percent(draft.confidence)) sure it can go out nearly unchanged"]
            lines += Self.paragraph(draft.body)
            lines += draft.citations.map { "    from \(Self.line($0.title)): \(Self.line($0.span))" }
        }
        lines += [""] + detail.events.map { Event($0).text }
        return lines.joined(separator: "\n")
    }

    static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

    /// Where a draft is, in words of the mailbox.
    private static func place(ofDraftIn state: String?) -> String {
        switch state {
        case "placed": "in Drafts"
        case "touched": "in Drafts, changed by somebody"
        case "vanished": "no longer in Drafts, sent or deleted by somebody"
        case "removed": "taken out of Drafts again"
        case "superseded": "replaced by a newer one"
        case "planned", nil: "not in Drafts yet"
        case let state?: state
        }
    }

    static func decoded<Value: Decodable>(_ json: String?) -> Value? {
        json.flatMap { try? JSONDecoder().decode(Value.self, from: Data($0.utf8)) }
    }

    static func line(_ text: String) -> String { DisplayWidth.printable(text) }

    private static func paragraph(_ text: String) -> [String] {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .map { $0.allSatisfy(\.isWhitespace) ? "" : "    \(DisplayWidth.printable(String($0)))" }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Details of events hold texts, lists of texts and numbers.
    enum DetailValue: Codable {
        case text(String)
        case texts([String])
        case number(Double)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let texts = try? container.decode([String].self) {
                self = .texts(texts)
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .texts([])
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .texts(let texts): try container.encode(texts)
            case .number(let number): try container.encode(number)
            }
        }

        var text: String {
            switch self {
            case .text(let text): text
            case .texts(let texts): texts.joined(separator: "; ")
            case .number(let number): number == number.rounded() ? String(Int64(number)) : String(number)
            }
        }
    }
}
