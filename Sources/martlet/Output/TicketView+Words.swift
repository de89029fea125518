import DeskModel
import Foundation

extension TicketView.Event {
    /// What happened, in one line. Words and versions of models are left to explain.
    var text: String {
        let who = self.actor == "martlet" ? "" : " by \(TicketView.line(self.actor))"
        let words = self.words.filter { !$0.isEmpty }.joined(separator: "; ")
        return "\(Moment.text(self.at))  \(TicketView.line(self.kind))\(who)"
            + (words.isEmpty ? "" : ": \(TicketView.line(words))")
    }

    private var words: [String] {
        func value(_ key: String) -> String { self.detail[key]?.text ?? "" }
        // That a person wrote is the rule.
        let writer = value("kind") == "human" ? "" : value("kind").replacing("_", with: " ")
        switch self.kind {
        case "opened", "mail", "thanks", "bounce", "reopened":
            return [writer] + self.rest(without: ["kind", "reason"]) + [value("reason")]
        case "triage":
            return [
                "\(value("decision")), \(value("category")), priority \(value("priority"))", value("reasons"),
            ] + self.rest(without: ["decision", "category", "priority", "reasons", "because", "model"])
        case "delivery":
            return ["\(value("mail")) \(value("state")) (outbox \(value("outbox")))", value("reply")]
                + self.rest(without: ["mail", "state", "outbox", "reply"])
        case "answered":
            let draft = value("draft")
            return [
                "by \(value("by"))", draft.isEmpty ? "" : "the draft was \(draft)", value("reason"),
            ] + self.rest(without: ["by", "draft", "reason"])
        case "retagged", "assigned", "status":
            let (old, new) = (value("from"), value("to"))
            return ["\(old.isEmpty ? "nobody" : old) → \(new.isEmpty ? "nobody" : new)"]
                + self.rest(without: ["from", "to"])
        // What undo needs of a repair is for no reader.
        case "split", "detach", "merge", "merged", "undone": return [value("what")]
        default: return [value("reason")] + self.rest(without: ["reason"])
        }
    }

    /// What no sentence was made of.
    private func rest(without keys: Set<String>) -> [String] {
        self.detail.sorted { $0.key < $1.key }
            .filter { !keys.contains($0.key) && !$0.value.text.isEmpty }
            .map { "\($0.key) \($0.value.text)" }
    }
}

extension TicketView.Explanation {
    /// For reading from top to bottom.
    var text: String {
        var lines = [self.ticket]
        if let analysis {
            lines += self.category(analysis)
            let tags = analysis.tags.map { "\($0.name) \(TicketView.percent($0.confidence))" }
            if !tags.isEmpty { lines.append("tags       \(tags.joined(separator: ", "))") }
            lines.append("familiar   \(TicketView.percent(analysis.familiarity)) like what triage knows")
            lines.append("priority   \(analysis.priority.level.rawValue)")
            lines += analysis.priority.reasons.map { "           \(TicketView.line($0))" }
            lines.append(
                "mood       \(analysis.sentiment.label) \(TicketView.fraction(analysis.sentiment.score)) (−1 to 1)"
                    + (analysis.sentiment.trend.map { ", \($0.rawValue)" } ?? ""))
            lines.append("language   \(analysis.language)")
            lines += analysis.explanation.enumerated().map { index, reason in
                (index == 0 ? "because    " : "           ") + TicketView.line(reason)
            }
        } else {
            lines.append("not analysed yet")
        }
        if let decision {
            lines.append("decision   \(decision.action.rawValue)")
            lines += decision.reasons.map { "           \(TicketView.line($0))" }
        }
        for citation in self.citations {
            lines.append("source     \(TicketView.line(citation.title)): \(TicketView.line(citation.span))")
        }
        lines += self.unsupported.map { "unproven   \(TicketView.line($0))" }
        for message in self.threading {
            let flag = message.flagged ? " (flagged)" : ""
            lines.append(
                "mail       \(TicketView.line(message.from ?? "unknown sender")): \(TicketView.line(message.reason))\(flag)"
            )
        }
        // Of the model that judged the newest mail.
        let model = self.events.last { $0.kind == "triage" }?.detail["model"]?.text ?? ""
        if !model.isEmpty { lines.append("model      \(TicketView.line(model))") }
        return (lines + [""] + self.events.map(\.text)).joined(separator: "\n")
    }

    private func category(_ analysis: Analysis) -> [String] {
        let category = analysis.category
        let others = analysis.alternatives.filter { $0.confidence >= 0.01 }.prefix(3)
        // Triage sets what it does not know aside, however near one category is.
        let isSetAside = (others.first?.confidence ?? 0) > category.confidence
        let names = others.map { "\($0.name) \(TicketView.percent($0.confidence))" }.joined(separator: ", ")
        let first =
            isSetAside
            ? "category   \(category.name), as it is unlike what triage knows"
            : "category   \(category.name), \(TicketView.percent(category.confidence)) sure"
        return [first] + (names.isEmpty ? [] : ["           \(isSetAside ? "nearest" : "else") \(names)"])
    }
}
