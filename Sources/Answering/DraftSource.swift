/// One article as a drafter draws from it: its sentences with their vectors.
package struct DraftSource: Sendable {
    package struct Sentence: Sendable {
        package let text: String
        /// Which passage of the article it stands in.
        package let passage: Int
        package let isListItem: Bool
        /// Whether it begins a paragraph or list item.
        package let startsLine: Bool
        package let vector: [Float]
        let wordCount: Int

        /// Whether it cannot be understood without the sentence before it.
        var needsPredecessor: Bool {
            guard let first = Words.all(in: self.text.prefix(40)).first else { return true }
            return Self.dependent.contains(first)
        }

        private static let dependent: Set<String> = [
            "this", "that", "these", "those", "it", "they", "then", "however", "otherwise", "also", "but", "so", "and",
            "there", "he", "she", "dies", "diese", "dieser", "dann", "sonst", "aber", "cela", "ils", "elle", "dans",
            "esto", "pero", "questo", "dit", "deze", "to", "isso",
        ]
    }

    package let text: Grounding.Source
    /// ISO 639-1; English when the text does not tell.
    package let language: String
    package let sentences: [Sentence]
    /// Embedding of the one request that this article answers, when that is not the whole mail.
    package var requestVector: [Float]?
    /// The passage that the search found best.
    package let bestPassage: Int

    /// Passages, lines and sentences of an article before they have vectors.
    static func outline(_ passages: [String]) -> [(text: String, passage: Int, isListItem: Bool, startsLine: Bool)] {
        passages.enumerated().flatMap { passage, content in
            content.split(separator: "\n").flatMap { line in
                let isListItem = line.hasPrefix("- ")
                let text = isListItem ? line.dropFirst(2) : line
                return SentenceSplitter.sentences(text).enumerated().map { position, sentence in
                    (sentence, passage, isListItem && position == 0, position == 0)
                }
            }
        }
    }

    init(
        text: Grounding.Source, passages: [String], vectors: [[Float]], bestPassage: Int, requestVector: [Float]? = nil
    ) {
        self.text = text
        self.language = StopWords.language(of: text.text) ?? "en"
        self.bestPassage = bestPassage
        self.requestVector = requestVector
        self.sentences = zip(Self.outline(passages), vectors).map { piece, vector in
            Sentence(
                text: piece.text, passage: piece.passage, isListItem: piece.isListItem, startsLine: piece.startsLine,
                vector: vector, wordCount: piece.text.split(separator: " ").count)
        }
    }

    /// How well a sentence fits the question: its own nearness, and a share for the passage that was found.
    func score(of index: Int, vector: [Float], question: MailQuestion) -> Float {
        let sentence = self.sentences[index]
        return VectorTable.product(sentence.vector, vector) + (sentence.passage == self.bestPassage ? 0.15 : 0)
    }
}

/// Something that an agent needs before anything can be done.
enum MissingItem: String, CaseIterable {
    case orderNumber = "order number"
    case photo

    func isMentioned(in text: String) -> Bool {
        let folded = Words.all(in: text).joined(separator: " ")
        return self.names.contains { folded.contains($0) }
    }

    /// Whether `sentence` asks the customer for it.
    func isRequested(by sentence: String) -> Bool {
        guard self.isMentioned(in: sentence) else { return false }
        return !Self.requests.isDisjoint(with: Words.all(in: sentence))
    }

    func isGiven(in question: MailQuestion) -> Bool {
        switch self {
        case .orderNumber: question.namesOrder
        case .photo: question.hasAttachment
        }
    }

    /// As `Words` folds them.
    private var names: [String] {
        switch self {
        case .orderNumber:
            [
                "order number", "bestellnummer", "auftragsnummer", "numero de commande", "numero de pedido",
                "numero dordine", "numero del suo ordine", "bestelnummer", "numer zamowienia", "numero da encomenda",
            ]
        case .photo: ["photo", "picture", "foto", "zdjecie", "bild", "fotografia"]
        }
    }

    private static let requests: Set<String> = [
        "send", "reply", "include", "attach", "tell", "give", "please", "bitte", "senden", "envoyez", "envie", "invii",
        "stuur", "prosze",
    ]
}
