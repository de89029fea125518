internal import DeskModel
internal import Encoder
internal import LinearModel

/// Negative, neutral or positive, from the embedding, words of feeling, and n-grams.
struct SentimentHead: Sendable, Hashable {
    static let labels = ["negative", "neutral", "positive"]

    let lexical: LexicalFeatures
    let head: CategoryHead

    /// The dense part: the embedding, and the lexicon's numbers at a size that matters beside it.
    static func dense(_ embedding: [Float], _ text: String, _ words: WordList) -> [Float] {
        embedding + SentimentLexicon.features(text, words).map { $0 * 0.3 }
    }

    func judge(
        embeddings: [[Float]], texts: [String], words: [WordList], grams: [TextGrams]
    ) throws(EncoderError) -> [Analysis.Sentiment] {
        var dense: [[Float]] = []
        for index in texts.indices { dense.append(Self.dense(embeddings[index], texts[index], words[index])) }
        let rows = try self.head.logProbabilities(
            embeddings: DenseMatrix(dense), features: grams.map { self.lexical.row($0) })
        return rows.map { row in
            var probability: [String: Double] = [:]
            for (label, value) in zip(self.head.labels, row) { probability[label] = Double(Probability.exp(value)) }
            let negative = probability["negative"] ?? 0
            let positive = probability["positive"] ?? 0
            let best = probability.max { ($0.value, $1.key) < ($1.value, $0.key) }
            // Praise counts for little where displeasure is possible: an ironic thank you reads like praise.
            let calm = 1 - negative
            return Analysis.Sentiment(
                label: best?.key ?? "neutral", score: positive * calm * calm * calm - negative,
                confidence: best?.value ?? 0)
        }
    }

    /// Without a trained head: the words of feeling alone.
    static func byLexicon(_ text: String, _ words: WordList) -> Analysis.Sentiment {
        let features = SentimentLexicon.features(text, words)
        let sum = Double(features[1] - features[0] - 0.3 * features[2])
        let score = max(-1, min(1, sum))
        let label = score < -0.3 ? "negative" : score > 0.3 ? "positive" : "neutral"
        return Analysis.Sentiment(label: label, score: score, confidence: 0.4 + 0.3 * abs(score))
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        self.lexical.write(to: &writer)
        self.head.write(to: &writer)
    }

    init(lexical: LexicalFeatures, head: CategoryHead) {
        self.lexical = lexical
        self.head = head
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        self.lexical = try LexicalFeatures(from: &reader)
        self.head = try CategoryHead(from: &reader)
    }
}
