import DeskModel
import DeskStore

/// Articles that mean nothing, the same in each run: words as rare and as frequent as in a real text, vectors in
/// clusters, because vectors without any order have no neighbours to be found.
struct MadeUpKnowledge: Sendable {
    static let passages = 4
    private static let dimensions = 384
    private static let clusters = 2000
    private static let wordsPerPassage = 60

    let articles: Int
    private let words: [String]

    init(articles: Int) {
        self.articles = articles
        let syllables = ["ba", "ko", "ri", "ten", "mul", "so", "vek", "da", "lin", "pra", "tu", "nor", "gi", "fal"]
        self.words = (0..<20_000).map { number in
            var (rest, word) = (number + 300, "")
            while rest > 0 {
                word += syllables[rest % syllables.count]
                rest /= syllables.count
            }
            return word
        }
    }

    func row(_ number: Int) -> KnowledgeRow {
        var random = Draws(seed: UInt64(number) + 1)
        let middle = self.middle(of: number)
        let chunks = (0..<Self.passages).map { ordinal in
            KnowledgeChunk(ordinal: ordinal, heading: "", content: self.text(Self.wordsPerPassage, &random))
        }
        let title = self.text(5, &random)
        return KnowledgeRow(
            id: ArticleID(0),
            article: Article(key: "a\(number)", title: title, content: chunks.map(\.content).joined(separator: "\n\n")),
            titleVector: Self.near(middle, 0.3, &random), chunks: chunks,
            vectors: chunks.indices.map { self.vector(of: number, passage: $0) })
    }

    /// A question near one passage: half of its words from there, its vector at a cosine of about 0.8.
    func question(_ number: Int) -> (text: String, vector: [Float]) {
        var random = Draws(seed: 0xA5A5_0000_0000 + UInt64(number))
        let article = Int(random.next() % UInt64(self.articles))
        let passage = Int(random.next() % UInt64(Self.passages))
        let words = self.row(article).chunks[passage].content.split(separator: " ")
        let own = (0..<5).map { _ in String(words[Int(random.next() % UInt64(words.count))]) }
        let text = own.joined(separator: " ") + " " + self.text(5, &random) + "?"
        return (text, Self.near(self.vector(of: article, passage: passage), 0.75, &random))
    }

    /// An article that the encoder's vocabulary knows, of three passages.
    static func readable(_ number: Int) -> Article {
        var random = Draws(seed: 0x5A5A_0000_0000 + UInt64(number))
        let words = [
            "order", "parcel", "refund", "delivery", "address", "invoice", "the", "customer", "within", "days", "after",
            "payment", "may", "change", "warranty", "repair", "and", "return", "label", "account", "of", "price",
        ]
        func sentence(_ count: Int) -> String {
            (0..<count).map { _ in words[Int(random.next() % UInt64(words.count))] }.joined(separator: " ")
        }
        let parts = (0..<3).map { part in
            "## \(sentence(3))\n\n" + (0..<8).map { _ in sentence(14) + "." }.joined(separator: " ") + " \(part)"
        }
        return Article(
            key: "r\(number)", title: "\(sentence(4)) \(number)", content: parts.joined(separator: "\n\n"))
    }

    private func text(_ count: Int, _ random: inout Draws) -> String {
        (0..<count).map { _ in
            // Frequency falls with rank as in any language; the most frequent words, which carry no meaning, are left
            // out.
            let share = random.fraction()
            var rank = 20.0
            for (bit, factor) in Self.factors.enumerated() where Int(share * 1024) >> bit & 1 == 1 { rank *= factor }
            return self.words[min(Int(rank * (1 + 0.007 * random.fraction())), self.words.count - 1)]
        }.joined(separator: " ")
    }

    /// 1000 to the power of 2ⁿ/1024: products of them are all powers between 1 and 1000.
    private static let factors: [Double] = {
        var factor = 1000.0
        var factors: [Double] = []
        for _ in 0..<10 {
            factor = factor.squareRoot()
            factors.insert(factor, at: 0)
        }
        return factors
    }()

    private func middle(of article: Int) -> [Float] {
        var cluster = Draws(seed: 0xC1 << 32 + UInt64(article % Self.clusters))
        var random = Draws(seed: 0xA7 << 32 + UInt64(article))
        return Self.near(Self.direction(&cluster), 0.7, &random)
    }

    private func vector(of article: Int, passage: Int) -> [Float] {
        var random = Draws(seed: 0x77 << 40 + UInt64(article * Self.passages + passage))
        return Self.near(self.middle(of: article), 0.6, &random)
    }

    /// A vector of length 1 whose distance from `middle` grows with `spread`.
    private static func near(_ middle: [Float], _ spread: Float, _ random: inout Draws) -> [Float] {
        let away = Self.direction(&random)
        return Self.normalized(zip(middle, away).map { $0 + spread * $1 })
    }

    private static func direction(_ random: inout Draws) -> [Float] {
        Self.normalized((0..<Self.dimensions).map { _ in Float(random.fraction() + random.fraction() - 1) })
    }

    private static func normalized(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
    }
}

/// SplitMix64: the same numbers in each run.
private struct Draws {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0 up to, not including, 1.
    mutating func fraction() -> Double { Double(self.next() >> 11) / 9_007_199_254_740_992 }
}
