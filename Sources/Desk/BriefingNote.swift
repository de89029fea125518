package import DeskModel
import Foundation

/// What the note under a customer's mail and the notice to the team are made of.
package struct Briefing: Sendable {
    package var ticket: TicketNumber
    package var subject: String
    /// The customer's address; nil when the mail came in our own name or in nobody's.
    package var customer: String?
    package var analysis: Analysis
    package var decision: Decision
    package var draft: Draft?
    /// Why there is no draft, or what it does not do.
    package var remarks: [String] = []
    /// Newest first, one line for each earlier ticket of this customer.
    package var history: [String] = []
    /// Everybody whom a reply of the agent reaches.
    package var readers: [String] = []
    /// Mails of the customer in this ticket, this one included.
    package var contactCount = 1
    /// Addresses that stand in the text of a mail without a customer, in their order.
    package var named: [String] = []

    package init(ticket: TicketNumber, subject: String, customer: String?, analysis: Analysis, decision: Decision) {
        self.ticket = ticket
        self.subject = subject
        self.customer = customer
        self.analysis = analysis
        self.decision = decision
    }
}

/// The text an agent finds right under the customer's mail: why, how sure, from where, and who will read a reply.
package enum BriefingNote {
    /// Lines of the note; what does not fit is left out, the least useful first.
    static let lineLimit = 10
    private static let width = 160
    /// Reasons are what the note is for; mail programs wrap them.
    private static let reasonWidth = 400

    /// At most ten lines of plain text, LF line ends.
    /// - Parameter givesReasons: false where they stand elsewhere in the same mail.
    package static func body(_ briefing: Briefing, givesReasons: Bool = true) -> String {
        let analysis = briefing.analysis
        // Mail programs show the beginning of a mail in their lists: what to do comes first.
        var lines = [
            "\(briefing.ticket): \(Self.action(briefing.decision.action)). \(analysis.category.name), "
                + "\(analysis.priority.level.rawValue) priority, \(Self.mood(analysis.sentiment))."
        ]
        if givesReasons, !briefing.decision.reasons.isEmpty {
            lines.append("Why: \(briefing.decision.reasons.joined(separator: "; "))")
        }
        lines.append(
            "About: \(analysis.category.name) (\(Self.percent(analysis.category.confidence)))"
                + (analysis.tags.isEmpty ? "" : ", tags " + analysis.tags.map(\.name).joined(separator: ", "))
                + (analysis.priority.reasons.isEmpty
                    ? "" : ". Priority: " + analysis.priority.reasons.joined(separator: "; "))
                + ". Language: \(analysis.language).")
        lines += Self.evidence(briefing)
        if briefing.contactCount > 1 { lines.append("Contact: mail number \(briefing.contactCount) in this ticket.") }
        lines.append(
            briefing.customer == nil
                ? "Customer: \(Self.unknown(briefing))"
                : briefing.history.isEmpty
                    ? "History: first ticket of this customer."
                    : "History: " + briefing.history.prefix(3).joined(separator: " | "))
        if !briefing.readers.isEmpty {
            lines.append("A reply will be read by: \(briefing.readers.joined(separator: ", "))")
        }
        return Self.fitted(lines).joined(separator: "\n") + "\n"
    }

    /// The note where there is no analysis: why a person has to read the mail itself.
    static func body(_ ticket: TicketNumber, surrendered words: String) -> String {
        Self.fitted(["\(ticket): \(Self.action(.escalate)).", "Why: \(words)", "No draft: read the mail itself."])
            .joined(separator: "\n") + "\n"
    }

    /// Shown and not written to: anybody can write any address into a form.
    static func unknown(_ briefing: Briefing) -> String {
        let text = briefing.named.isEmpty ? "" : "; its text names \(briefing.named.joined(separator: ", "))"
        return "not told by the sender\(text); fill in yourself whom to answer"
    }

    private static func evidence(_ briefing: Briefing) -> [String] {
        guard let draft = briefing.draft else {
            // What is the reason for all of it stands in the line above.
            let remarks = briefing.remarks.filter { !briefing.decision.reasons.contains($0) }
            let isSaid = remarks.isEmpty && !briefing.remarks.isEmpty
            let why = remarks.isEmpty ? "nothing fitting in the knowledge base" : remarks.joined(separator: "; ")
            return [isSaid ? "No draft." : "No draft: \(why)"]
        }
        var lines = [
            "Draft: \(Self.percent(draft.confidence)) sure it can go out nearly unchanged; "
                + "knowledge base answers this: \(Self.percent(draft.answerable))"
        ]
        var seen: Set<String> = []
        for citation in draft.citations where seen.insert(citation.article).inserted {
            lines.append("Source: \(citation.title) [\(citation.article)]: “\(citation.span)”")
        }
        if !draft.unsupported.isEmpty {
            lines.append("Check, no source: \(draft.unsupported.map { "“\($0)”" }.joined(separator: " "))")
        }
        if !draft.missing.isEmpty {
            lines.append("Missing in the mail, the article asks for it: \(draft.missing.joined(separator: ", "))")
        }
        if !briefing.remarks.isEmpty { lines.append("Note: \(briefing.remarks.joined(separator: "; "))") }
        return lines
    }

    /// Each line in one piece; the last sources go when there are too many, and what is too long is cut.
    private static func fitted(_ lines: [String]) -> [String] {
        var lines = lines.map { HeaderValue(sanitizing: $0).text }
        while lines.count > Self.lineLimit {
            let sources = lines.indices.filter { lines[$0].hasPrefix("Source: ") }
            lines.remove(at: sources.count > 1 ? sources[sources.count - 1] : lines.count - 2)
        }
        return lines.map { line in
            let isReason = line.hasPrefix("Why: ") || line.hasPrefix("About: ")
            let width = isReason ? Self.reasonWidth : Self.width
            return line.count <= width ? line : line.prefix(width - 1) + "…"
        }
    }

    private static func mood(_ sentiment: Analysis.Sentiment) -> String {
        switch sentiment.trend {
        case .better: "\(sentiment.label), better than before"
        case .worse: "\(sentiment.label), worse than before"
        case .steady, nil: sentiment.label
        }
    }

    static func action(_ action: Decision.Action) -> String {
        switch action {
        case .silent: "nothing to do"
        case .draft: "draft for you to check"
        case .auto: "answered automatically"
        case .escalate: "needs a person"
        }
    }

    static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}

/// The mail to the team about a ticket that needs a person.
package enum EscalationNotice {
    /// One line, without the customer's words: it must not carry anything that was planted for the reader.
    package static func subject(_ briefing: Briefing) -> String {
        let reason = briefing.decision.reasons.first ?? "needs a person"
        return HeaderValue(
            sanitizing: "[\(briefing.ticket)] \(briefing.analysis.priority.level.rawValue): \(reason)".prefix(150)
                .description
        ).text
    }

    /// Plain text, LF line ends. The customer's words are quoted and cut; nobody has to open anything to judge.
    /// - Parameter customerText: visible part of the mail.
    package static func body(_ briefing: Briefing, customerText: String) -> String {
        var text = "\(briefing.ticket) needs a person.\n\n"
        for reason in briefing.decision.reasons { text += "- \(HeaderValue(sanitizing: reason).text)\n" }
        text += "\nCustomer: \(HeaderValue(sanitizing: briefing.customer ?? BriefingNote.unknown(briefing)).text)\n"
        let subject = HeaderValue(sanitizing: String(briefing.subject.prefix(200))).text
        text += "Subject: \(subject.isEmpty ? "(none)" : subject)\n\n"
        text += Self.quoted(customerText) + "\n\n"
        text += BriefingNote.body(briefing, givesReasons: false)
        if let draft = briefing.draft {
            text += "\nA draft is in the Drafts folder. It says:\n\n\(Self.quoted(draft.body))\n"
        }
        return text
    }

    private static func quoted(_ text: String) -> String {
        let cut = text.count > 1500 ? text.prefix(1500) + "\n[…]" : text[...]
        return cut.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "> \(HeaderValue(sanitizing: String($0)).text)" }.joined(separator: "\n")
    }
}
