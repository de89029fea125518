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

    /// Ascending scores of the examples at equal steps of rank.
    private let ranks: [Float]

    /// - Parameters:
    ///   - neighbours: of each example, itself left out.
    ///   - logProbabilities: of the best class, by a head that had not seen the row.
    init(neighbours: [[Examples.Neighbour]], logProbabilities: [Float]) {
        let scores = zip(neighbours, logProbabilities).map { Self.score($0, $1) }.sorted()
        self.ranks = (0...Self.resolution).map { step in
            scores.isEmpty ? 0 : scores[min(scores.count - 1, step * scores.count / Self.resolution)]
        }
    }

    /// 0…1.
    func judge(_ neighbours: [Examples.Neighbour], logProbability: Float) -> Double {
        neighbours.isEmpty ? 0 : self.rank(Self.score(neighbours, logProbability))
    }

    /// Mean similarity to the nearest examples.
    static func nearness(_ neighbours: [Examples.Neighbour]) -> Float {
        let top = neighbours.prefix(Self.neighbours)
        return top.reduce(0) { $0 + $1.similarity } / Float(max(1, top.count))
    }

    private static func score(_ neighbours: [Examples.Neighbour], _ logProbability: Float) -> Float {
        0.5 * (neighbours.first?.similarity ?? 0) + 0.5 * Self.nearness(neighbours)
            + Self.probabilityWeight * max(-10, logProbability)
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
        writer.write(self.ranks.count)
        for rank in self.ranks { writer.write(rank) }
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        var ranks: [Float] = []
        for _ in 0..<(try reader.readInt()) { ranks.append(try reader.readFloat()) }
        self.ranks = ranks
    }
}
