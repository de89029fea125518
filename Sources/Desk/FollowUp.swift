internal import DeskModel
internal import DeskStore
internal import Encoder
internal import Triage

/// A further mail in a ticket, read with what the ticket is about: its own words are often few ("still nothing").
enum FollowUp {
    /// A category that the new words alone are this sure of is theirs: another matter came up.
    private static let sureness = 0.95

    /// Analyses mails. Category, tags and familiarity of a follow-up come from its own words where these are sure, else
    /// from the words together with what the customer wrote before; priority, sentiment and language are of the mail itself.
    ///
    /// - Parameter sentences: texts whose vectors will be wanted next; they are encoded in one go with the mails.
    static func analyse(
        _ mails: [(subject: TriageSubject, input: TriageInput)], engine: TriageEngine, preparing sentences: [String]
    ) async throws -> [TriageResult] {
        let further = mails.indices.filter { mails[$0].subject.isFurther }
        let alone = further.map { mails[$0].subject.wordsAlone }
        let together = further.map { mails[$0].subject.wordsWithQuestion }
        let inputs = mails.map(\.input) + alone + together
        try await engine.encoder.prepare(inputs.map(\.text) + sentences)
        var results = try await engine.analyse(inputs)
        let extra = results[mails.count...]
        results.removeLast(extra.count)
        for (position, index) in further.enumerated() {
            let own = extra[extra.startIndex + position].analysis
            let whole = extra[extra.startIndex + further.count + position].analysis
            let leading = own.category.confidence >= Self.sureness ? own : whole
            results[index].analysis.category = leading.category
            results[index].analysis.alternatives = leading.alternatives
            results[index].analysis.tags = leading.tags
            results[index].analysis.familiarity = leading.familiarity
            results[index].analysis.explanation = leading.explanation
        }
        return results
    }
}

extension TriageSubject {
    /// The new words, or everything when nothing new was found.
    private var words: String { self.replyText.isEmpty ? self.bodyText : self.replyText }

    /// The reference that is all the customer wrote back; nil when the mail says more, or opens the ticket.
    var missingPiece: String? {
        guard self.earlierText != nil else { return nil }
        // A line with nothing but the customer's name is how mails are signed.
        let name = Set((self.customerName ?? "").lowercased().split(separator: " "))
        let lines = self.words.split(separator: "\n").filter { line in
            !line.lowercased().split(separator: " ").allSatisfy(name.contains)
        }
        return ReplyText(visible: lines.joined(separator: "\n"), signature: "", quoted: "").reference
    }

    /// What is to be understood and answered: the new words; with the earlier question where they are only the piece that
    /// was missing from it.
    var question: String {
        guard let earlier = self.earlierText, self.missingPiece != nil else { return self.words }
        return "\(earlier)\n\n\(self.words)"
    }

    fileprivate var isFurther: Bool { self.earlierText != nil && self.missingPiece == nil }

    /// A new subject belongs to the new words, the ticket's does not.
    fileprivate var wordsAlone: TriageInput {
        let base = BaseSubject.of(self.subject)
        return TriageInput(subject: base == BaseSubject.of(self.ticketSubject) ? "" : base, body: self.words)
    }

    /// The new words first: what is too long to be read whole is cut at its end.
    fileprivate var wordsWithQuestion: TriageInput {
        var texts = [self.words, self.earlierText ?? "", self.ticketText]
        if texts[1] == texts[2] { texts.removeLast() }
        return TriageInput(subject: self.subject, body: texts.joined(separator: "\n\n"))
    }
}
