internal import DeskModel

/// One article as a drafter draws from it: its sentences with their vectors.
package struct DraftSource: Sendable {
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
    /// ISO 639-1; nil when the text does not tell.
    package let language: String?
    package let sentences: [Sentence]
    /// What the article is about alone when the mail names none of it; empty otherwise.
    let unnamedProducts: [String]
    /// One thing that the article is asked: the mail as a whole, or one of its requests.
    struct Asked: Sendable {
        let vector: [Float]
        /// How near each passage is to it.
        let passageCosines: [Float]
    }

    let asked: [Asked]
    /// The nearest heading of each passage as a line that leads in a list; empty where there is none.
    let leads: [String]

    /// Whether a mail in `language` may be answered from it; so where one of the two languages is not known.
    func mayAnswer(_ language: String) -> Bool { self.language.map { $0 == language } ?? true || language == "und" }

    /// Passages, lines and sentences of an article before they have vectors.
    static func outline(_ passages: [String]) -> [(text: String, passage: Int, isListItem: Bool, startsLine: Bool)] {
        passages.enumerated().flatMap { passage, content in
            content.split(separator: "\n").flatMap { line in
                let isListItem = line.hasPrefix("- ")
                let text = isListItem ? line.dropFirst(2) : line
                return SentenceSplitter.sentences(text).enumerated().map { position, sentence in
                    (sentence, passage, isListItem, position == 0)
                }
            }
        }
    }

    /// - Parameter named: products that the mail names.
    init(
        _ article: Article, passages: [KnowledgeChunk], vectors: [[Float]], asked: [Asked], named: Set<String> = []
    ) {
        let text = Grounding.Source(
            article: article.key, title: article.title, text: passages.map(\.content).joined(separator: "\n"))
        self.text = text
        self.unnamedProducts = named.isDisjoint(with: article.products) ? article.products : []
        self.leads = passages.map { passage in
            let heading =
                passage.heading.split(separator: "›").last.map { $0.drop { $0 == " " } }.map(String.init) ?? ""
            return heading.last.map { $0.isLetter || $0.isNumber } == true ? heading + ":" : heading
        }
        self.language = article.language ?? StopWords.language(of: text.text)
        self.asked = asked
        self.sentences = zip(Self.outline(passages.map(\.content)), vectors).map { piece, vector in
            Sentence(
                text: piece.text, passage: piece.passage, isListItem: piece.isListItem, startsLine: piece.startsLine,
                vector: vector, wordCount: piece.text.split(separator: " ").count)
        }
    }

    /// How well a sentence fits the thing asked that it fits best: its own nearness and that of its passage, which
    /// knows its headings.
    func score(of index: Int) -> Float {
        let sentence = self.sentences[index]
        return self.asked.map { asked in
            0.6 * VectorTable.product(sentence.vector, asked.vector) + 0.4 * asked.passageCosines[sentence.passage]
        }.max() ?? 0
    }

    /// How well a section fits the thing asked that it fits best. The items of a list say little each: the passage, with
    /// its headings, counts more than its best sentence.
    func score(ofSection sentences: [Int]) -> Float {
        guard let passage = sentences.first.map({ self.sentences[$0].passage }) else { return 0 }
        return self.asked.map { asked in
            let best = sentences.map { VectorTable.product(self.sentences[$0].vector, asked.vector) }.max() ?? 0
            return 0.7 * asked.passageCosines[passage] + 0.3 * best
        }.max() ?? 0
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

    /// Whether `sentence` does nothing but ask for it: no condition before it, no promise behind it.
    func isBluntlyRequested(by sentence: String) -> Bool {
        guard self.isRequested(by: sentence) else { return false }
        let words = Words.all(in: sentence)
        guard let first = words.first, Self.requests.contains(first) else { return false }
        return words.count <= Self.bluntLimit
    }

    /// Words of a sentence that only asks.
    private static let bluntLimit = 24

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
