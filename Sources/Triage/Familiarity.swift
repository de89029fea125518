internal import Encoder
internal import LinearModel

/// How much a mail is like what the model was taught.
///
/// The score joins the similarity to the nearest examples with the log-probability of the best class. It becomes 0…1 by
/// its rank among the held-out examples themselves: 0.05 means that five of a hundred known mails are less familiar.
/// Nothing unknown is needed to fit it.
struct Familiarity: Sendable, Hashable {
    private static let neighbours = 5
    /// Weight of a log-probability beside a cosine.
    private static let probabilityWeight: Float = 0.06
    /// Percentiles kept.
    private static let resolution = 200

    /// The examples' embeddings.
    private let examples: DenseMatrix
    /// Start of each example's text, for showing.
    private let texts: [String]
    /// Ascending scores of the examples at equal steps of rank.
    private let ranks: [Float]

    struct Neighbour: Sendable, Hashable {
        var text: String
        var similarity: Float
    }

    /// - Parameter logProbabilities: of the best class, by a head that had not seen the row.
    init(embeddings: [[Float]], texts: [String], logProbabilities: [Float]) throws(EncoderError) {
        let examples = DenseMatrix(embeddings)
        self.examples = examples
        self.texts = texts.map { String($0.prefix(80)) }
        var scores: [Float] = []
        for start in stride(from: 0, to: examples.rows, by: 256) {
            let end = min(start + 256, examples.rows)
            let block = DenseMatrix(Array(embeddings[start..<end]))
            let products = try block.timesTransposed(examples)
            for row in start..<end {
                var similarities = Array(products[row: row - start])
                // An example is not its own neighbour.
                similarities[row] = -1
                scores.append(Self.score(Self.top(similarities), logProbabilities[row]))
            }
        }
        scores.sort()
        self.ranks = (0...Self.resolution).map { step in
            scores.isEmpty ? 0 : scores[min(scores.count - 1, step * scores.count / Self.resolution)]
        }
    }

    /// Familiarity of each row, and its nearest examples, nearest first.
    func judge(
        embeddings: DenseMatrix, logProbabilities: [Float], shown: Int
    ) throws(EncoderError) -> [(familiarity: Double, neighbours: [Neighbour])] {
        guard self.examples.rows > 0 else { return Array(repeating: (0, []), count: embeddings.rows) }
        let products = try embeddings.timesTransposed(self.examples)
        return (0..<embeddings.rows).map { row in
            let top = Self.top(products[row: row])
            let neighbours = top.prefix(shown).map { Neighbour(text: self.texts[$0.index], similarity: $0.similarity) }
            return (self.rank(Self.score(top, logProbabilities[row])), neighbours)
        }
    }

    private static func score(_ top: [(index: Int, similarity: Float)], _ logProbability: Float) -> Float {
        let mean = top.reduce(0) { $0 + $1.similarity } / Float(max(1, top.count))
        return 0.5 * (top.first?.similarity ?? 0) + 0.5 * mean + Self.probabilityWeight * max(-10, logProbability)
    }

    /// The largest similarities, largest first.
    private static func top(_ similarities: some Collection<Float>) -> [(index: Int, similarity: Float)] {
        var top: [(index: Int, similarity: Float)] = []
        for (index, similarity) in similarities.enumerated() {
            if top.count == Self.neighbours, similarity <= top[top.count - 1].similarity { continue }
            let place = top.firstIndex { $0.similarity < similarity } ?? top.count
            top.insert((index, similarity), at: place)
            if top.count > Self.neighbours { top.removeLast() }
        }
        return top
    }

    /// Part of the known examples that score lower; below the lowest it falls off, so that stranger is always less.
    private func rank(_ score: Float) -> Double {
        guard let low = self.ranks.first, let high = self.ranks.last, high > low else { return 0 }
        if score >= high { return 1 }
        let step = 1 / Double(Self.resolution)
        let reach = Double(self.ranks[min(10, self.ranks.count - 1)] - low) + 0.01
        if score < low { return step * 0.5 * Double(Probability.exp(Float(Double(score - low) / reach))) }
        var lower = 0
        var upper = self.ranks.count - 1
        while upper - lower > 1 {
            let middle = (lower + upper) / 2
            if self.ranks[middle] <= score { lower = middle } else { upper = middle }
        }
        let width = self.ranks[upper] - self.ranks[lower]
        let part = width > 0 ? Double((score - self.ranks[lower]) / width) : 0
        return max(step * 0.5, (Double(lower) + part) * step)
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.examples.rows)
        writer.write(self.examples.columns)
        for value in self.examples.values { writer.writeHalf(value) }
        for text in self.texts { writer.write(text) }
        writer.write(self.ranks.count)
        for rank in self.ranks { writer.write(rank) }
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        let rows = try reader.readInt()
        let columns = try reader.readInt()
        let count = rows.multipliedReportingOverflow(by: columns)
        self.examples = DenseMatrix(
            rows: rows, columns: columns, values: try reader.readHalves(count.overflow ? Int.max : count.partialValue))
        var texts: [String] = []
        for _ in 0..<rows { texts.append(try reader.readString()) }
        self.texts = texts
        var ranks: [Float] = []
        for _ in 0..<(try reader.readInt()) { ranks.append(try reader.readFloat()) }
        self.ranks = ranks
    }
}
