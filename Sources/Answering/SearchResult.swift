package import DeskModel

/// One article that may answer a question.
package struct SearchHit: Sendable {
    /// Position in the index that was searched.
    package let index: Int
    /// Perhaps without its content, which need not be held twice: see `passages`.
    package let article: Article
    /// The passage that fits best.
    package let chunk: KnowledgeChunk
    /// The sentence of it that shows why; empty when the search was not to quote.
    package let span: String
    /// Fused score, about −0.3…1; comparable within one index only.
    package let score: Float
    /// The score without the matter.
    let likeness: Float
    /// Whether question and title are about the same matter, 0…1; 0 when that was not asked.
    let agreement: Float
    /// Cosines of its title and of the nearest of its passages.
    let title: Float
    let passage: Float
    /// The better of the two.
    package var cosine: Float { max(self.title, self.passage) }
    /// Share of the question's words in the passage, rare ones weighing more: 0…1.
    package let coverage: Float
    /// Whether it is a case card: found by its customer's problem, not by what it says.
    var isCase: Bool { CaseText.caseID(ofArticle: self.article.key) != nil }
    /// All passages of the article.
    let passages: [KnowledgeChunk]
}

/// What a search found, and the signs by which one can tell whether it is an answer.
package struct SearchResult: Sendable {
    package let hits: [SearchHit]
    package internal(set) var evidence: Evidence

    /// Probability that the knowledge base answers the question at all, 0…1.
    package var answerable: Double { self.hits.isEmpty ? 0 : self.evidence.answerable }
}

/// Signs that a question is answered by what was found.
package struct Evidence: Sendable, Equatable {
    /// Cosines of the best article's title, of its nearest passage and of its nearest sentence; the last is nil as long
    /// as nobody has read the article, and of a case.
    package var title: Float = 0
    package var passage: Float = 0
    package var sentence: Float?
    /// The better of title and passage.
    package var cosine: Float { max(self.title, self.passage) }
    /// Fused score of the best article above the next one.
    package var margin: Float = 0
    package var coverage: Float = 0
    /// Whether meaning and words name the same article.
    package var legsAgree = false
    /// Different words of the question that carry meaning.
    package var terms = 0
}
