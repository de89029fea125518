internal import Encoder
internal import LinearModel

/// Probabilities of a closed list of classes: a dense head on the embedding, a lexical head on n-grams and the vote of
/// the nearest examples, mixed and scaled by what held-out rows showed.
struct CategoryHead: Sendable, Hashable {
    /// Sorted.
    let labels: [String]
    private let dense: SoftmaxRegression
    private let lexical: LinearClassifier
    /// nil where the examples are not kept.
    private let vote: NeighbourVote?
    private let mixture: Mixture

    /// What a head made of rows that it was not trained on.
    struct HeldOut: Sendable {
        /// By row and class.
        var probabilities: [[Float]]
        var labels: [Int]

        var accuracy: Double {
            let right = zip(self.probabilities, self.labels).count { row, label in
                row.indices.max { row[$0] < row[$1] } == label
            }
            return self.labels.isEmpty ? 0 : Double(right) / Double(self.labels.count)
        }

        /// Mean distance of confidence and accuracy over fifteen bins.
        var calibration: Calibration {
            Calibration(
                zip(self.probabilities, self.labels).compactMap { row, label -> (confidence: Double, isRight: Bool)? in
                    row.indices.max { row[$0] < row[$1] }.map { (Double(row[$0]), $0 == label) }
                })
        }
    }

    /// One row of training.
    struct Row: Sendable {
        var embedding: [Float]
        var features: [FeatureRow.Entry]
        /// Nearest examples beside itself.
        var neighbours: [Examples.Neighbour] = []
        var label: Int
    }

    private init(
        labels: [String], dense: SoftmaxRegression, lexical: LinearClassifier, vote: NeighbourVote?, mixture: Mixture
    ) {
        self.labels = labels
        self.dense = dense
        self.lexical = lexical
        self.vote = vote
        self.mixture = mixture
    }

    /// Logarithms of the mixed probabilities.
    ///
    /// - Parameter neighbours: of each row; may be empty for a head without a vote.
    func logProbabilities(
        embeddings: DenseMatrix, features: [[FeatureRow.Entry]], neighbours: [[Examples.Neighbour]] = []
    ) throws(EncoderError) -> [[Float]] {
        let dense = try self.dense.logProbabilities(embeddings)
        var rows: [[Float]] = []
        rows.reserveCapacity(features.count)
        for (index, entries) in features.enumerated() {
            var parts = [Array(dense[row: index]), self.lexical.scores(FeatureRow(dense: [], sparse: entries))]
            if let vote = self.vote { parts.append(vote.scores(neighbours[index], classes: self.labels.count)) }
            rows.append(self.mixture.logProbabilities(parts))
        }
        return rows
    }

    /// The n-grams that speak most for class `index`.
    func contributions(_ features: [FeatureRow.Entry], to index: Int, limit: Int) -> [FeatureRow.Entry] {
        self.lexical.contributions(FeatureRow(dense: [], sparse: features), to: index, limit: limit)
    }

    /// Whether the vote, if there is one, is of these examples.
    func votes(for examples: Examples) -> Bool {
        guard let vote = self.vote else { return true }
        return vote.labels.count == examples.count && vote.labels.allSatisfy { $0 < self.labels.count }
    }

    // MARK: Training

    /// Trains the heads and fits their mixture on held-out rows.
    ///
    /// - Parameters:
    ///   - labels: names of the classes; `row.label` indexes them.
    ///   - vote: of the rows' neighbours; nil for none.
    static func train(
        rows: [Row], labels: [String], vote: NeighbourVote? = nil, trainer: LinearTrainer
    ) async throws -> (head: CategoryHead, heldOut: HeldOut) {
        let classes = labels.count
        let targets = rows.map(\.label)
        let counts = targets.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        let folds = max(2, min(rows.count > 2000 ? 4 : rows.count > 400 ? 5 : 8, counts.values.max() ?? 2))
        // Few rows need more restraint.
        let decay: Float = rows.count < 2000 ? 1e-4 : rows.count < 6000 ? 3e-5 : 6e-6
        let fold = LinearTrainer.folds(targets, groups: Self.groups(rows), count: folds)
        async let sparse = trainer.trainWithHeldOutScores(
            rows: rows.map { FeatureRow(dense: [], sparse: $0.features) }, labels: targets, classCount: classes,
            fold: fold, options: TrainingOptions(loss: .squaredHinge, cost: 1))
        let (dense, heldOutDense) = try await Self.trainDense(rows, classes, fold, decay)
        let (lexical, heldOutLexical) = try await sparse

        let parts = rows.indices.map { index -> [[Float]] in
            var parts = [heldOutDense[index], heldOutLexical[index]]
            if let vote { parts.append(vote.scores(rows[index].neighbours, classes: classes)) }
            return parts
        }
        let mixture = Mixture.fit(parts, labels: targets)
        let head = CategoryHead(labels: labels, dense: dense, lexical: lexical, vote: vote, mixture: mixture)
        let probabilities = parts.map { mixture.logProbabilities($0).map { Probability.exp($0) } }
        return (head, HeldOut(probabilities: probabilities, labels: targets))
    }

    /// A number for each row that rows with the same text share.
    private static func groups(_ rows: [Row]) -> [Int] {
        var numbers: [[Float]: Int] = [:]
        return rows.map { row in
            if let number = numbers[row.embedding] { return number }
            let number = numbers.count
            numbers[row.embedding] = number
            return number
        }
    }

    private static func trainDense(
        _ rows: [Row], _ classes: Int, _ fold: [Int], _ decay: Float
    ) async throws -> (SoftmaxRegression, heldOut: [[Float]]) {
        return try await withThrowingTaskGroup(of: (Int, SoftmaxRegression, [(Int, [Float])]).self) { group in
            // Fold −1 leaves nothing out.
            for left in [-1] + Set(fold).sorted() {
                group.addTask {
                    let selected = rows.indices.filter { fold[$0] != left }
                    let model = try SoftmaxRegression.train(
                        rows: DenseMatrix(selected.map { rows[$0].embedding }), labels: selected.map { rows[$0].label },
                        classes: classes, decay: decay)
                    let others = rows.indices.filter { fold[$0] == left }
                    guard !others.isEmpty else { return (left, model, []) }
                    let scores = try model.logProbabilities(DenseMatrix(others.map { rows[$0].embedding }))
                    return (left, model, others.enumerated().map { ($1, Array(scores[row: $0])) })
                }
            }
            var whole: SoftmaxRegression?
            var heldOut = Array(repeating: [Float](), count: rows.count)
            for try await (left, model, scores) in group {
                if left < 0 { whole = model }
                for (row, values) in scores { heldOut[row] = values }
            }
            return (whole!, heldOut)
        }
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.labels.count)
        for label in self.labels { writer.write(label) }
        self.dense.write(to: &writer)
        self.lexical.write(to: &writer)
        writer.write(self.vote == nil ? 0 : 1)
        if let vote = self.vote {
            writer.write(vote.labels.count)
            for label in vote.labels { writer.write(Int(label) + 1) }
        }
        self.mixture.write(to: &writer)
    }

    /// - Parameter format: of the file, see `TriageModel`.
    init(from reader: inout ByteReader, format: Int) throws(LinearModelError) {
        var labels: [String] = []
        for _ in 0..<(try reader.readInt()) { labels.append(try reader.readString()) }
        self.labels = labels
        self.dense = try SoftmaxRegression(from: &reader)
        self.lexical = try LinearClassifier(from: &reader)
        guard format > 1 else {
            let fusion = try reader.readFloat()
            let temperature = try reader.readFloat()
            self.vote = nil
            self.mixture = Mixture(weights: [1 / temperature, fusion / temperature])
            return
        }
        if try reader.readInt() == 1 {
            var voters: [Int32] = []
            for _ in 0..<(try reader.readInt()) { voters.append(Int32(truncatingIfNeeded: try reader.readInt()) - 1) }
            self.vote = NeighbourVote(labels: voters)
        } else {
            self.vote = nil
        }
        self.mixture = try Mixture(from: &reader)
        guard self.mixture.weights.count == (self.vote == nil ? 2 : 3) else {
            throw LinearModelError(.malformedModel, "the mixture does not fit its head")
        }
    }
}
