internal import LinearModel

/// One logistic scorer for each tag, each with the threshold that served best on held-out rows.
struct TagHead: Sendable, Hashable {
    struct Scorer: Sendable, Hashable {
        var tag: String
        var model: LinearClassifier
        var threshold: Double
        /// Harmonic mean of precision and recall on held-out rows.
        var score: Double
    }

    private(set) var scorers: [Scorer] = []

    /// Probability and threshold by tag.
    func probabilities(_ row: FeatureRow) -> [(tag: String, probability: Double, threshold: Double)] {
        self.scorers.map { scorer in
            // Class 1 is the tag.
            (scorer.tag, Double(Probability.sigmoid(scorer.model.scores(row)[1])), scorer.threshold)
        }
    }

    /// - Parameter tags: of each row; rows without a tag teach what it is not.
    static func train(
        rows: [FeatureRow], tags: [Set<String>], names: [String], trainer: LinearTrainer
    ) async throws -> TagHead {
        var head = TagHead()
        for name in names {
            let labels = tags.map { $0.contains(name) ? 1 : 0 }
            let positive = labels.count { $0 == 1 }
            guard positive >= 2, positive < labels.count else { continue }
            let options = TrainingOptions(loss: .logistic, cost: 4, tolerance: 0.05, isBalanced: true)
            let (model, heldOut) = try await trainer.trainWithHeldOutScores(
                rows: rows, labels: labels, classCount: 2,
                fold: LinearTrainer.folds(labels, groups: Array(rows.indices), count: min(4, positive)),
                options: options)
            let (threshold, score) = Self.threshold(heldOut.map { Double(Probability.sigmoid($0[1])) }, labels)
            head.scorers.append(Scorer(tag: name, model: model, threshold: threshold, score: score))
        }
        return head
    }

    /// The threshold of the best F1 within sane bounds.
    private static func threshold(_ probabilities: [Double], _ labels: [Int]) -> (Double, Double) {
        var best = (threshold: 0.5, score: 0.0)
        for threshold in stride(from: 0.2, through: 0.81, by: 0.05) {
            var hits = 0.0
            var misses = 0.0
            for (probability, label) in zip(probabilities, labels) {
                if probability >= threshold, label == 1 {
                    hits += 1
                } else if (probability >= threshold) != (label == 1) {
                    misses += 1
                }
            }
            let score = hits > 0 ? 2 * hits / (2 * hits + misses) : 0
            if score > best.score { best = (threshold, score) }
        }
        return best
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.scorers.count)
        for scorer in self.scorers {
            writer.write(scorer.tag)
            scorer.model.write(to: &writer)
            writer.write(Float(scorer.threshold))
            writer.write(Float(scorer.score))
        }
    }

    init() {}

    init(from reader: inout ByteReader) throws(LinearModelError) {
        for _ in 0..<(try reader.readInt()) {
            self.scorers.append(
                Scorer(
                    tag: try reader.readString(), model: try LinearClassifier(from: &reader),
                    threshold: Double(try reader.readFloat()), score: Double(try reader.readFloat())))
        }
    }
}
