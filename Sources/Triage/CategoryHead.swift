internal import Encoder
internal import LinearModel

/// Probabilities of a closed list of classes: a dense head on the embedding, a lexical head on n-grams and one on the
/// nearness to known examples, mixed and scaled by what held-out rows showed.
struct CategoryHead: Sendable, Hashable {
    /// Sorted.
    let labels: [String]
    private let dense: SoftmaxRegression
    private let lexical: LinearClassifier
    /// nil where the examples are not kept.
    private let nearness: KernelRegression?
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
        var label: Int
        /// Its index among the examples, where they are kept.
        var example = 0
    }

    private init(
        labels: [String], dense: SoftmaxRegression, lexical: LinearClassifier, nearness: KernelRegression?,
        mixture: Mixture
    ) {
        self.labels = labels
        self.dense = dense
        self.lexical = lexical
        self.nearness = nearness
        self.mixture = mixture
    }

    /// Logarithms of the mixed probabilities.
    ///
    /// - Parameter similarities: of each row to all examples; nil for a head that was trained without them.
    func logProbabilities(
        embeddings: DenseMatrix, features: [[FeatureRow.Entry]], similarities: DenseMatrix? = nil
    ) throws(EncoderError) -> [[Float]] {
        let dense = try self.dense.logProbabilities(embeddings)
        var near: DenseMatrix?
        if let nearness = self.nearness, let similarities { near = try nearness.scores(similarities) }
        return features.enumerated().map { index, entries in
            var parts = [Array(dense[row: index]), self.lexical.scores(FeatureRow(dense: [], sparse: entries))]
            if let near { parts.append(Array(near[row: index])) }
            return self.mixture.logProbabilities(parts)
        }
    }

    /// The n-grams that speak most for class `index`.
    func contributions(_ features: [FeatureRow.Entry], to index: Int, limit: Int) -> [FeatureRow.Entry] {
        self.lexical.contributions(FeatureRow(dense: [], sparse: features), to: index, limit: limit)
    }

    /// Whether it can be asked about texts compared with as many examples.
    func fits(examples: Int) -> Bool {
        self.nearness?.fits(examples: examples, classes: self.labels.count) ?? true
    }

    // MARK: Training

    /// Trains the heads and fits their mixture on held-out rows.
    ///
    /// - Parameters:
    ///   - labels: names of the classes; `row.label` indexes them.
    ///   - decay: of the dense head; nil for what its number of rows calls for.
    ///   - examples: that `row.example` indexes; nil where they are not kept and nearness cannot count.
    static func train(
        rows: [Row], labels: [String], examples: Examples? = nil, decay: Float? = nil, trainer: LinearTrainer
    ) async throws -> (head: CategoryHead, heldOut: HeldOut) {
        let classes = labels.count
        let targets = rows.map(\.label)
        let counts = targets.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        let folds = max(2, min(rows.count > 2000 ? 4 : rows.count > 400 ? 5 : 8, counts.values.max() ?? 2))
        // Few rows need more restraint.
        let decay = decay ?? (rows.count < 2000 ? 1e-4 : rows.count < 6000 ? 3e-5 : 6e-6)
        let fold = LinearTrainer.folds(targets, groups: Self.groups(rows), count: folds)
        async let sparse = trainer.trainWithHeldOutScores(
            rows: rows.map { FeatureRow(dense: [], sparse: $0.features) }, labels: targets, classCount: classes,
            fold: fold, options: TrainingOptions(loss: .squaredHinge, cost: 1))
        async let near = Self.trainNearness(rows, examples, classes, fold)
        let (dense, heldOutDense) = try await Self.trainDense(rows, classes, fold, decay)
        let (lexical, heldOutLexical) = try await sparse
        let nearness = try await near

        let parts = rows.indices.map { index -> [[Float]] in
            let parts = [heldOutDense[index], heldOutLexical[index]]
            return nearness.map { parts + [$0.heldOut[index]] } ?? parts
        }
        let mixture = Mixture.fit(parts, labels: targets)
        let head = CategoryHead(
            labels: labels, dense: dense, lexical: lexical, nearness: nearness?.model, mixture: mixture)
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

    /// One fold after the other: each needs memory with the square of its rows.
    @concurrent
    private static func trainNearness(
        _ rows: [Row], _ examples: Examples?, _ classes: Int, _ fold: [Int]
    ) async throws -> (model: KernelRegression, heldOut: [[Float]])? {
        guard let examples else { return nil }
        func train(without left: Int) throws -> KernelRegression {
            try Task.checkCancellation()
            let selected = rows.indices.filter { fold[$0] != left }.map { (rows[$0].example, rows[$0].label) }
            return try KernelRegression.train(examples, selected: selected, classes: classes)
        }
        var heldOut = Array(repeating: [Float](), count: rows.count)
        for left in Set(fold).sorted() {
            let model = try train(without: left)
            let others = rows.indices.filter { fold[$0] == left }
            for start in stride(from: 0, to: others.count, by: Examples.block) {
                let block = others[start..<min(start + Examples.block, others.count)]
                let similarities = try examples.similarities(of: DenseMatrix(block.map { rows[$0].embedding }))
                let scores = try model.scores(similarities)
                for (number, index) in block.enumerated() { heldOut[index] = Array(scores[row: number]) }
            }
        }
        return (try train(without: -1), heldOut)
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.labels.count)
        for label in self.labels { writer.write(label) }
        self.dense.write(to: &writer)
        self.lexical.write(to: &writer)
        writer.write(self.nearness == nil ? 0 : 1)
        self.nearness?.write(to: &writer)
        self.mixture.write(to: &writer)
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        var labels: [String] = []
        for _ in 0..<(try reader.readInt()) { labels.append(try reader.readString()) }
        self.labels = labels
        self.dense = try SoftmaxRegression(from: &reader)
        self.lexical = try LinearClassifier(from: &reader)
        self.nearness = try reader.readInt() == 1 ? try KernelRegression(from: &reader) : nil
        self.mixture = try Mixture(from: &reader)
        guard self.mixture.weights.count == (self.nearness == nil ? 2 : 3) else {
            throw LinearModelError(.malformedModel, "the mixture does not fit its head")
        }
    }
}
