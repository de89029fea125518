internal import DeskModel

/// An article as drafts quote it: its sentences with their vectors, and all that can be said of them before a mail is
/// known. It is read once and serves every draft until the knowledge base changes.
package struct QuotableArticle: Sendable {
    package struct Sentence: Sendable {
        package let text: String
        /// Which passage of the article it stands in.
        package let passage: Int
        /// Whether it is part of a list item.
        package let isListItem: Bool
        /// Whether it begins a paragraph or list item.
        package let startsLine: Bool
        package let vector: [Float]
        let wordCount: Int
        /// Whether it cannot be understood without the sentence before it.
        let needsPredecessor: Bool
        /// Whether it never belongs into an answer: a question, or a hint at another article.
        let isBesideThePoint: Bool
        /// What it asks the customer for and does nothing else.
        let requests: [MissingItem]

        fileprivate init(_ piece: Piece, vector: [Float]) {
            self.text = piece.text
            self.passage = piece.passage
            self.isListItem = piece.isListItem
            self.startsLine = piece.startsLine
            self.vector = vector
            self.wordCount = piece.text.split(separator: " ").count
            let first = Words.all(in: piece.text.prefix(40)).first
            self.needsPredecessor = first.map(Self.dependent.contains) ?? true
            self.isBesideThePoint = piece.text.last == "?" || piece.text.lowercased().hasPrefix("see also")
            self.requests = MissingItem.allCases.filter { $0.isBluntlyRequested(by: piece.text) }
        }

        private static let dependent: Set<String> = [
            "this", "that", "these", "those", "it", "they", "then", "however", "otherwise", "also", "but", "so", "and",
            "there", "he", "she", "dies", "diese", "dieser", "dann", "sonst", "aber", "cela", "ils", "elle", "dans",
            "esto", "pero", "questo", "dit", "deze", "to", "isso",
        ]
    }

    /// A sentence and where it stands.
    fileprivate struct Piece {
        let text: String
        let passage: Int
        let isListItem: Bool
        let startsLine: Bool
    }

    package let text: Grounding.Source
    /// ISO 639-1; nil when the text does not tell.
    package let language: String?
    package let sentences: [Sentence]
    /// What it is about alone.
    let products: [String]
    /// Of title and text.
    let terms: Set<String>
    /// The nearest heading of each passage as a line that leads in a list; empty where there is none.
    let leads: [String]

    /// - Throws: what the encoder throws.
    static func read(
        _ article: Article, passages: [KnowledgeChunk],
        encode: (_ sentences: [String]) async throws -> [[Float]]
    ) async throws -> QuotableArticle {
        let pieces = Self.pieces(passages.map(\.content))
        return QuotableArticle(
            article, passages: passages, pieces: pieces, vectors: try await encode(pieces.map(\.text)))
    }

    private init(_ article: Article, passages: [KnowledgeChunk], pieces: [Piece], vectors: [[Float]]) {
        self.text = Grounding.Source(
            article: article.key, title: article.title, text: passages.map(\.content).joined(separator: "\n"))
        self.products = article.products
        self.leads = passages.map { passage in
            let heading =
                passage.heading.split(separator: "›").last.map { $0.drop { $0 == " " } }.map(String.init) ?? ""
            return heading.last.map { $0.isLetter || $0.isNumber } == true ? heading + ":" : heading
        }
        self.terms = Set(Words.terms(in: "\(article.title) \(self.text.text)"))
        self.language = article.language ?? StopWords.language(of: self.text.text)
        self.sentences = zip(pieces, vectors).map { Sentence($0, vector: $1) }
    }

    /// Cosine of the sentence that is nearest to `vector`; −1 without any.
    func nearness(to vector: [Float]) -> Float {
        self.sentences.map { VectorTable.product($0.vector, vector) }.max() ?? -1
    }

    /// Whether its title holds each of these words.
    func asks(_ words: [String]) -> Bool {
        Set(words.map(Words.stem)).isSubset(of: Words.terms(in: self.text.title))
    }

    private static func pieces(_ passages: [String]) -> [Piece] {
        passages.enumerated().flatMap { passage, content in
            content.split(separator: "\n").flatMap { line in
                let isListItem = line.hasPrefix("- ")
                let text = isListItem ? line.dropFirst(2) : line
                return SentenceSplitter.sentences(text).enumerated().map { position, sentence in
                    Piece(text: sentence, passage: passage, isListItem: isListItem, startsLine: position == 0)
                }
            }
        }
    }
}
