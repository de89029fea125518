/// One sentence of a mail, searched on its own.
struct MailPart: Sendable {
    let statement: MailQuestion.Statement
    let vector: [Float]
    let found: SearchResult

    /// Score of an article from which one sentence about nothing else counts as answered by it.
    private static let clearScore: Float = 0.48
    /// `answerable` from which one request counts as answered.
    private static let coveredFloor = 0.3
    /// `answerable` from which a sentence is surely about its best article.
    private static let sure = 0.6
    /// `answerable` and score below which a sentence has nothing to do with what the articles say.
    private static let relatedFloor = 0.1
    private static let relatedScore: Float = 0.25

    var text: String { self.statement.text }

    func score(of article: Int) -> Float? { self.found.hits.first { $0.index == article }?.score }

    /// Whether one of the articles in use is its best one, or nearly as good.
    func belongs(to used: [Int]) -> Bool {
        guard let best = self.found.hits.first else { return false }
        return self.found.hits.contains { used.contains($0.index) && $0.score >= 0.8 * best.score }
    }

    /// Whether the articles in use answer this request.
    func isCovered(by used: [Int]) -> Bool {
        // "What shall I do now?" asks about the rest of the mail and names nothing of its own.
        if self.statement.isVague { return true }
        guard self.belongs(to: used) else { return false }
        let score = used.compactMap(self.score).max() ?? 0
        return self.found.answerable >= Self.coveredFloor || score >= Self.clearScore
    }

    /// Whether a sentence that asks nothing is foreign to the answer: about something else that the articles know, or
    /// about nothing of theirs. What customers tell of themselves is often the latter, and no harm.
    func isForeign(to used: [Int]) -> Bool {
        if self.statement.isTitle { return false }
        if self.found.answerable >= Self.sure, !self.belongs(to: used) { return true }
        if self.statement.isPersonal { return false }
        let score = self.found.hits.first?.score ?? 0
        return self.found.answerable < Self.relatedFloor && score < Self.relatedScore
    }
}

/// What a whole mail and its sentences, searched each on its own, say together about each article.
///
/// A mail blurs its question with a story, and a sentence alone says too little ("how do I send it back?"): the mean
/// of both names the right article more often than either.
struct MailEvidence: Sendable {
    struct Candidate: Sendable {
        let hit: SearchHit
        /// Weighted mean of the mail's score and of its best sentence's.
        let score: Float
        /// The sentence that fits best; nil when the mail is one sentence.
        let part: MailPart?
    }

    private static let wholeShare: Float = 0.6

    /// Best first.
    let candidates: [Candidate]

    init(whole: SearchResult, parts: [MailPart]) {
        var candidates: [Candidate] = []
        for hit in whole.hits {
            let scored = parts.compactMap { part in part.score(of: hit.index).map { (part, $0) } }
            let best = scored.max { $0.1 < $1.1 }
            let sentence = parts.isEmpty ? hit.score : best?.1 ?? 0
            let score = Self.wholeShare * hit.score + (1 - Self.wholeShare) * sentence
            candidates.append(Candidate(hit: hit, score: score, part: best?.0))
        }
        self.candidates = candidates.sorted { ($0.score, $1.hit.index) > ($1.score, $0.hit.index) }
    }

    /// Probability that the best article answers the mail, 0…1.
    ///
    /// Weights chosen on a shop's mails of which a third had no answer.
    var answerable: Double {
        guard let best = self.candidates.first else { return 0 }
        let second = self.candidates.dropFirst().first?.score ?? 0
        return Logistic.probability(-10.85 + 22 * Double(best.score) + 2 * Double(min(best.score - second, 0.2)))
    }
}
