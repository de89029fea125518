/// One article as a drafter draws from it for one mail.
package struct DraftSource: Sendable {
    package let article: QuotableArticle
    /// What the article is about alone when the mail names none of it; empty otherwise.
    let unnamedProducts: [String]
    /// One thing that the article is asked: the mail as a whole, or one of its requests.
    struct Asked: Sendable {
        let vector: [Float]
        /// How near each passage is to it.
        let passageCosines: [Float]
    }

    let asked: [Asked]
    /// How well each sentence fits the thing asked that it fits best: its own nearness and that of its passage, which
    /// knows its headings.
    let scores: [Float]

    package var text: Grounding.Source { self.article.text }
    package var language: String? { self.article.language }
    package var sentences: [QuotableArticle.Sentence] { self.article.sentences }
    var leads: [String] { self.article.leads }

    /// Whether a mail in `language` may be answered from it; so where one of the two languages is not known.
    func mayAnswer(_ language: String) -> Bool { self.language.map { $0 == language } ?? true || language == "und" }

    /// - Parameter named: products that the mail names.
    init(_ article: QuotableArticle, asked: [Asked], named: Set<String> = []) {
        self.article = article
        self.unnamedProducts = named.isDisjoint(with: article.products) ? article.products : []
        self.asked = asked
        self.scores = article.sentences.map { sentence in
            asked.map { asked in
                0.6 * VectorTable.product(sentence.vector, asked.vector) + 0.4 * asked.passageCosines[sentence.passage]
            }.max() ?? 0
        }
    }

    /// How well a section fits each thing asked. The items of a list say little each: the passage, with its headings,
    /// counts more than its best sentence.
    func scores(ofSection sentences: [Int]) -> [Float] {
        guard let passage = sentences.first.map({ self.sentences[$0].passage }) else {
            return self.asked.map { _ in 0 }
        }
        return self.asked.map { asked in
            let best = sentences.map { VectorTable.product(self.sentences[$0].vector, asked.vector) }.max() ?? 0
            return 0.7 * asked.passageCosines[passage] + 0.3 * best
        }
    }

    /// Sentences that belong together, in order: a paragraph, or a list with the line that leads it in.
    func paragraphs(of usable: [Int]) -> [[Int]] {
        var paragraphs: [[Int]] = []
        for index in usable {
            let sentence = self.sentences[index]
            if let last = paragraphs.last?.last, self.sentences[last].passage == sentence.passage {
                let previous = self.sentences[last]
                let isSameList = sentence.isListItem && (previous.isListItem || previous.text.hasSuffix(":"))
                if !sentence.startsLine || isSameList {
                    paragraphs[paragraphs.count - 1].append(index)
                    continue
                }
            }
            paragraphs.append([index])
        }
        return paragraphs
    }
}
