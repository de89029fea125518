package import DeskModel

/// Writes an answer from sentences of the knowledge base, word for word, between fixed phrases. Needs no model.
///
/// A help article is written as running text, so the drafter takes a run of neighbouring sentences around the best one
/// rather than the best ones from everywhere, and only then adds single sentences of other passages that say more.
package struct ExtractiveDrafter: Sendable {
    /// Below this `answerable` nothing is drafted.
    package var floor: Double
    /// Name under the answer.
    package var signature: String
    /// Hosts that links may point to; lower case.
    package var linkHosts: [String]

    /// Words of an answer, its list items included.
    private static let wordLimit = 130

    package init(floor: Double = 0.35, signature: String = "", linkHosts: [String] = []) {
        self.floor = floor
        self.signature = signature
        self.linkHosts = linkHosts
    }

    /// - Parameters:
    ///   - vector: embedding of `question.text`, of length 1.
    ///   - sources: the articles to draw from, best first; one for each part of the question.
    ///   - uncovered: requests of the mail that no source answers; they lower the confidence.
    package func draft(
        _ question: MailQuestion, vector: [Float], answerable: Double, sources: [DraftSource], uncovered: [String]
    ) -> DraftOutcome {
        guard let main = sources.first, answerable >= self.floor else {
            return .nothing(self.gap(question, answerable: answerable, nearest: sources.first))
        }
        let spoken = main.language
        let phrases = ReplyPhrases.language(spoken) ?? ReplyPhrases.language("en")
        guard let phrases else { return .nothing(self.gap(question, answerable: answerable, nearest: main)) }
        let paragraphs = sources.prefix(2).enumerated().map { position, source in
            self.paragraphs(
                source, question: question, vector: source.requestVector ?? vector,
                words: position == 0 ? Self.wordLimit : Self.wordLimit / 2)
        }
        let answer = paragraphs.joined().joined(separator: "\n\n")
        guard !answer.isEmpty else { return .nothing(self.gap(question, answerable: answerable, nearest: main)) }
        let grounding = Grounding(reply: answer, sources: sources.prefix(2).map(\.text), linkHosts: self.linkHosts)
        let missing = Self.missing(question, source: main, answer: answer)
        var blocks = [phrases.greeting(question.greetingName(in: spoken))]
        blocks.append(question.sentiment <= -0.4 ? phrases.apology : phrases.thanks)
        blocks.append(answer)
        let asked = missing.filter { !$0.isAskedInAnswer }.map { $0.item == .photo ? phrases.photo : phrases.orderNumber }
        if !asked.isEmpty { blocks.append(phrases.ask(asked)) }
        blocks.append(self.signature.isEmpty ? phrases.closing : "\(phrases.closing)\n\(self.signature)")
        let requests = max(question.requests.count, 1)
        let confidence = Confidence(
            answerable: answerable, grounding: grounding.share, familiarity: question.familiarity,
            category: question.categoryConfidence,
            questionsCovered: 1 - Double(min(uncovered.count, requests)) / Double(requests))
        let isForeign = spoken != question.language && question.language != "und"
        return .draft(
            Draft(
                body: blocks.joined(separator: "\n\n"), citations: grounding.citations,
                unsupported: grounding.unsupported,
                confidence: isForeign ? confidence.probability / 2 : confidence.probability, answerable: answerable,
                missing: missing.map { $0.item.rawValue }),
            remarks: Self.remarks(question, spoken: isForeign ? spoken : nil, uncovered: uncovered))
    }

    private static func remarks(_ question: MailQuestion, spoken: String?, uncovered: [String]) -> [String] {
        var remarks: [String] = []
        if let spoken { remarks.append("the source is in \(spoken), the customer wrote in \(question.language)") }
        if !uncovered.isEmpty {
            remarks.append("\(uncovered.count) of \(question.requests.count) requests are not covered by a source")
        }
        return remarks
    }

    private func gap(_ question: MailQuestion, answerable: Double, nearest: DraftSource?) -> KnowledgeGap {
        let known = Set(nearest.map { Words.terms(in: $0.text.text + " " + $0.text.title) } ?? [])
        var seen: Set<String> = []
        let missing = Words.all(in: question.text).filter { word in
            let term = Words.stem(word)
            return word.count > 3 && !StopWords.byLanguage.values.contains { $0.contains(word) }
                && !known.contains(term) && seen.insert(term).inserted
        }
        let reason =
            nearest.map { "no article answers this well enough; the nearest is “\($0.text.title)”" }
            ?? "the knowledge base is empty"
        return KnowledgeGap(
            reason: reason, answerable: answerable, nearest: nearest?.text.title, missing: Array(missing.prefix(8)))
    }

    // MARK: Choosing sentences

    private func paragraphs(
        _ source: DraftSource, question: MailQuestion, vector: [Float], words limit: Int
    ) -> [String] {
        let usable = source.sentences.indices.filter { Self.isUsable(source.sentences[$0].text, for: question) }
        let scores = Dictionary(
            uniqueKeysWithValues: usable.map { ($0, source.score(of: $0, vector: vector, question: question)) })
        guard let best = usable.max(by: { (scores[$0] ?? 0, $1) < (scores[$1] ?? 0, $0) }) else { return [] }
        let passage = source.sentences[best].passage
        var chosen = Self.run(around: best, in: usable, source: source, limit: limit)
        var words = chosen.reduce(0) { $0 + source.sentences[$1].wordCount }
        let others = usable.filter { source.sentences[$0].passage != passage }
            .sorted { (scores[$0] ?? 0, $1) > (scores[$1] ?? 0, $0) }
        for index in others.prefix(2) {
            let sentence = source.sentences[index]
            guard (scores[index] ?? 0) >= max(0.4, 0.85 * (scores[best] ?? 0)), words + sentence.wordCount <= limit,
                !sentence.needsPredecessor, !sentence.isListItem,
                chosen.allSatisfy({ VectorTable.product(source.sentences[$0].vector, sentence.vector) < 0.85 })
            else { continue }
            chosen.append(index)
            words += sentence.wordCount
        }
        return Self.rendered(chosen.sorted(), source: source)
    }

    /// The neighbouring sentences of one passage that fit: all of a short passage, else those after the best one and
    /// as many before it as it takes to be understood.
    private static func run(around best: Int, in usable: [Int], source: DraftSource, limit: Int) -> [Int] {
        let passage = source.sentences[best].passage
        let own = usable.filter { source.sentences[$0].passage == passage }
        if own.reduce(0, { $0 + source.sentences[$1].wordCount }) <= limit { return own }
        guard let place = own.firstIndex(of: best) else { return [best] }
        var first = place
        while first > 0, source.sentences[own[first]].needsPredecessor || source.sentences[own[first]].isListItem {
            first -= 1
        }
        var chosen: [Int] = []
        var words = 0
        for index in own[first...] {
            let size = source.sentences[index].wordCount
            guard words + size <= limit || chosen.isEmpty else { break }
            chosen.append(index)
            words += size
        }
        return chosen.contains(best) ? chosen : [best]
    }

    private static func rendered(_ chosen: [Int], source: DraftSource) -> [String] {
        var paragraphs: [String] = []
        var previous: DraftSource.Sentence?
        for index in chosen {
            let sentence = source.sentences[index]
            if let previous, previous.passage == sentence.passage, !paragraphs.isEmpty {
                let separator = sentence.startsLine ? (sentence.isListItem || previous.isListItem ? "\n" : "\n\n") : " "
                paragraphs[paragraphs.count - 1] += separator + (sentence.isListItem ? "- " : "") + sentence.text
            } else {
                paragraphs.append((sentence.isListItem ? "- " : "") + sentence.text)
            }
            previous = sentence
        }
        return paragraphs
    }

    private static func isUsable(_ sentence: String, for question: MailQuestion) -> Bool {
        guard sentence.last != "?", !sentence.lowercased().hasPrefix("see also") else { return false }
        // What the customer has already sent is not asked for again.
        let asks = MissingItem.allCases.filter { $0.isRequested(by: sentence) }
        return asks.isEmpty || !asks.allSatisfy { $0.isGiven(in: question) }
    }

    private static func missing(
        _ question: MailQuestion, source: DraftSource, answer: String
    ) -> [(item: MissingItem, isAskedInAnswer: Bool)] {
        MissingItem.allCases.filter { $0.isMentioned(in: source.text.text) && !$0.isGiven(in: question) }
            .map { item in (item, item.isMentioned(in: answer)) }
    }
}

/// What the drafter made of a mail.
package enum DraftOutcome: Sendable {
    /// `remarks` are for the agent: what the draft does not do.
    case draft(Draft, remarks: [String])
    case nothing(KnowledgeGap)
}

/// Why nothing was drafted, and what an article would have to say.
package struct KnowledgeGap: Sendable, Equatable {
    package var reason: String
    /// 0…1.
    package var answerable: Double
    /// Title of the nearest article.
    package var nearest: String?
    /// Words of the mail that the nearest article does not know, at most 8.
    package var missing: [String]

    package init(reason: String, answerable: Double, nearest: String?, missing: [String]) {
        self.reason = reason
        self.answerable = answerable
        self.nearest = nearest
        self.missing = missing
    }
}
