/// Where a sentence of a draft comes from.
package struct Citation: Sendable, Codable, Hashable {
    /// The article's own key, stable over re-imports (its file name or id).
    package var article: String
    package var title: String
    /// The words of the source that support the sentence.
    package var span: String

    package init(article: String, title: String, span: String) {
        self.article = article
        self.title = title
        self.span = span
    }
}

/// A proposed answer to one customer: plain text that can be sent as it is, and the evidence behind it.
package struct Draft: Sendable, Codable, Hashable {
    /// Plain text, LF line ends, nothing in it that the customer may not read.
    package var body: String
    package var citations: [Citation]
    /// Sentences with no source; any of them forbids sending without a person.
    package var unsupported: [String]
    /// Probability that an agent would send it nearly unchanged, 0…1.
    package var confidence: Double
    /// Probability that the knowledge base answers the question at all, 0…1.
    package var answerable: Double
    /// What we still need from the customer, for example `order number`.
    package var missing: [String]
    /// `confidence` before it was fitted to what this desk's people send; nil in drafts of older versions.
    package var prior: Double?

    package init(
        body: String, citations: [Citation], unsupported: [String], confidence: Double, answerable: Double,
        missing: [String]
    ) {
        self.body = body
        self.citations = citations
        self.unsupported = unsupported
        self.confidence = confidence
        self.answerable = answerable
        self.missing = missing
    }
}

/// What happens with a ticket after triage, and why.
package struct Decision: Sendable, Codable, Hashable {
    package enum Action: String, Sendable, Codable, CaseIterable { case silent, draft, auto, escalate }

    /// The reason of a draft that would have gone out alone if its category were not only observed.
    package static let observed = "would have gone out alone: its category is only observed"

    package var action: Action
    /// One phrase for each rule that decided, strongest first.
    package var reasons: [String]

    package init(action: Action, reasons: [String]) {
        self.action = action
        self.reasons = reasons
    }
}

/// How far the desk may go: one dial. Each step includes those before it.
package enum Mode: String, Sendable, Codable, CaseIterable, Comparable {
    /// Reads and shows on the command line; writes nothing anywhere.
    case observe
    /// Drafts, notes and marks in the mailbox; nothing is sent to a customer.
    case draft
    /// As `draft`, and acknowledges new tickets.
    case acknowledge
    /// As `acknowledge`, and answers by itself where it is allowed to.
    case answer

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .observe: 0
        case .draft: 1
        case .acknowledge: 2
        case .answer: 3
        }
    }
}
