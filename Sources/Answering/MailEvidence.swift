/// One sentence of a mail, searched on its own.
struct MailPart: Sendable {
    /// Place in the mail.
    let position: Int
    let statement: MailQuestion.Statement
    let vector: [Float]
    let found: SearchResult

    /// Likeness of an article from which one sentence about nothing else counts as answered by it.
    private static let clearLikeness: Float = 0.48
    /// `answerable` from which one request counts as answered.
    private static let coveredFloor = 0.3
    /// `answerable` from which a sentence is surely about its best article.
    private static let sure = 0.6
    /// `answerable` and likeness below which a sentence has nothing to do with what the articles say.
    private static let relatedFloor = 0.1
    private static let relatedLikeness: Float = 0.25
    /// `answerable` from which a sentence brings in an article of its own: a question, another request, and a statement,
    /// which is often only part of a story.
    private static let ownFloors = (question: 0.4, request: 0.9, statement: 0.93)

    /// Probability that the best article answers this sentence, 0…1.
    var answerable: Double { MailEvidence.probability(self.found.hits) }

    var text: String { self.statement.text }

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
        let likeness = self.found.hits.filter { used.contains($0.index) }.map(\.likeness).max() ?? 0
        return self.found.answerable >= Self.coveredFloor || likeness >= Self.clearLikeness
    }

    /// An article that answers this sentence and nothing else of the mail; nil when it is not sure enough.
    func ownArticle(besides used: [Int]) -> SearchHit? {
        guard !self.statement.isTitle, !self.statement.hasContext, !self.belongs(to: used),
            let hit = self.found.hits.first
        else { return nil }
        let floors = Self.ownFloors
        let floor =
            self.statement.isQuestion
            ? floors.question : self.statement.isRequest ? floors.request : floors.statement
        return self.answerable >= floor ? hit : nil
    }

    /// Whether a sentence that asks nothing is foreign to the answer: about something else that the articles know, or
    /// about nothing of theirs. What customers tell of themselves is often the latter, and no harm.
    func isForeign(to used: [Int]) -> Bool {
        if self.statement.isTitle || self.statement.isAside { return false }
        if self.found.answerable >= Self.sure, !self.belongs(to: used) { return true }
        if self.statement.isPersonal { return false }
        let likeness = self.found.hits.first?.likeness ?? 0
        return self.found.answerable < Self.relatedFloor && likeness < Self.relatedLikeness
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
        /// The same mean of the cosines of its nearest passages, and of its scores without the matter.
        let passage: Float
        let likeness: Float
    }

    private static let wholeShare: Float = 0.6

    /// Best first.
    let candidates: [Candidate]
    /// Probability that the best article answers the mail, 0…1; 0 until it has been read.
    private(set) var answerable: Double = 0
    private let parts: [MailPart]
    private let asks: Bool

    /// - Parameter parts: empty when the mail is one sentence.
    init(whole: SearchResult, parts: [MailPart], asks: Bool) {
        self.parts = parts
        self.asks = asks
        self.candidates = whole.hits.map { hit in
            let scored = parts.compactMap { part in
                part.found.hits.first { $0.index == hit.index }.map { (part: part, hit: $0) }
            }
            let best = scored.max { $0.hit.score < $1.hit.score }
            let score = Self.joined(hit.score, parts.isEmpty ? hit.score : best?.hit.score ?? 0)
            return Candidate(
                hit: hit, score: score, part: best?.part,
                passage: Self.joined(hit.passage, best?.hit.passage ?? hit.passage),
                likeness: Self.joined(hit.likeness, best?.hit.likeness ?? hit.likeness))
        }.sorted { ($0.score, $1.hit.index) > ($1.score, $0.hit.index) }
    }

    /// Judges the best candidate by its sentences: a passage is near to whatever is of its field, a sentence to what it
    /// answers.
    ///
    /// The weights were fitted on four knowledge bases of different fields (a household shop, a bicycle shop, a web
    /// host, a hotel), each whole and with either half of its articles taken away; what was fitted on three of them
    /// holds on the fourth. A mail that only tells what happened is answered by what the desk says of such matters; a
    /// question may want to know more.
    ///
    /// A case card is found by the problem that it solved, which its sentences do not repeat; and it makes no article
    /// doubtful that says the same.
    mutating func read(_ article: QuotableArticle, whole: [Float]) {
        guard let best = self.candidates.first else { return }
        let next = self.candidates.dropFirst().first { best.hit.isCase || !$0.hit.isCase }
        let margin = best.score - (next?.score ?? 0)
        guard !best.hit.isCase else {
            self.answerable = Self.probability(
                likeness: best.likeness, agreement: best.hit.agreement, margin: margin)
            return
        }
        let nearness = article.nearness(to: whole)
        let sentence = Self.joined(nearness, self.parts.map { article.nearness(to: $0.vector) }.max() ?? nearness)
        let sum =
            3.2 * Double(best.passage) + 5.7 * Double(sentence) + 1.9 * Double(best.hit.agreement)
            + 10.2 * Double(min(margin, 0.2))
        self.answerable = Logistic.probability(sum - (self.asks ? 6.2 : 5.3))
    }

    private static func joined(_ whole: Float, _ part: Float) -> Float {
        Self.wholeShare * whole + (1 - Self.wholeShare) * part
    }

    /// Of the best hit of one sentence of a mail.
    static func probability(_ hits: [SearchHit]) -> Double {
        guard let best = hits.first else { return 0 }
        return Self.probability(
            likeness: best.likeness, agreement: best.agreement,
            margin: best.score - (hits.dropFirst().first?.score ?? 0))
    }

    /// Without the article having been read. Weights chosen on a shop's mails: as they are, and with the articles taken
    /// away that answer them.
    private static func probability(likeness: Float, agreement: Float, margin: Float) -> Double {
        Logistic.probability(
            -8.1 + 13 * Double(likeness) + 3.4 * Double(agreement) + 2.6 * Double(min(margin, 0.2)))
    }
}
