internal import Encoder
internal import LinearModel

/// Probabilities of a closed list of classes: a dense head on the embedding and a lexical head on n-grams, fused and
/// scaled by what held-out rows showed.
struct CategoryHead: Sendable, Hashable {
    /// Sorted.
    let labels: [String]
    private let dense: SoftmaxRegression
    private let lexical: LinearClassifier
    /// Weight of the lexical scores beside the dense log-probabilities.
    let fusion: Float
    private let temperature: Float

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
        var calibrationError: Double {
            var bins = Array(repeating: (count: 0, confidence: 0.0, right: 0.0), count: 15)
            for (row, label) in zip(self.probabilities, self.labels) {
                guard let best = row.indices.max(by: { row[$0] < row[$1] }) else { continue }
                let bin = min(14, Int(row[best] * 15))
                bins[bin].count += 1
                bins[bin].confidence += Double(row[best])
                bins[bin].right += best == label ? 1 : 0
            }
            let total = Double(max(1, self.labels.count))
            return bins.reduce(0) { $0 + abs($1.right - $1.confidence) / total }
        }
    }

    /// One row of training.
    struct Row: Sendable {
        var embedding: [Float]
        var features: [FeatureRow.Entry]
        var label: Int
    }

    private init(
        labels: [String], dense: SoftmaxRegression, lexical: LinearClassifier, fusion: Float, temperature: Float
    ) {
        self.labels = labels
        self.dense = dense
        self.lexical = lexical
        self.fusion = fusion
        self.temperature = temperature
    }

    /// Logarithms of the fused, scaled probabilities.
    func logProbabilities(embeddings: DenseMatrix, features: [[FeatureRow.Entry]]) throws(EncoderError) -> [[Float]] {
        let dense = try self.dense.logProbabilities(embeddings)
        var rows: [[Float]] = []
        rows.reserveCapacity(features.count)
        for (index, entries) in features.enumerated() {
            let lexical = self.lexical.scores(FeatureRow(dense: [], sparse: entries))
            rows.append(Self.fuse(Array(dense[row: index]), lexical, self.fusion, self.temperature))
        }
        return rows
    }

    /// The n-grams that speak most for class `index`.
    func contributions(_ features: [FeatureRow.Entry], to index: Int, limit: Int) -> [FeatureRow.Entry] {
        self.lexical.contributions(FeatureRow(dense: [], sparse: features), to: index, limit: limit)
    }

    private static func fuse(_ dense: [Float], _ lexical: [Float], _ fusion: Float, _ temperature: Float) -> [Float] {
        let scores = zip(dense, lexical).map { ($0 + fusion * $1) / temperature }
        let top = scores.max() ?? 0
        let shift = top + Float(Probability.log(Double(scores.reduce(0) { $0 + Probability.exp($1 - top) })))
        return scores.map { $0 - shift }
    }

    // MARK: Training

    /// Trains both heads and fits their mixture on held-out rows.
    ///
    /// - Parameter labels: names of the classes; `row.label` indexes them.
    static func train(
        rows: [Row], labels: [String], trainer: LinearTrainer
    ) async throws -> (head: CategoryHead, heldOut: HeldOut) {
        let classes = labels.count
        let targets = rows.map(\.label)
        let counts = targets.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        let folds = max(2, min(rows.count > 4000 ? 4 : 8, counts.values.max() ?? 2))
        // Few rows need more restraint.
        let decay: Float = rows.count < 2000 ? 1e-4 : rows.count < 6000 ? 3e-5 : 6e-6
        let fold = LinearTrainer.folds(targets, groups: Self.groups(rows), count: folds)
        async let sparse = trainer.trainWithHeldOutScores(
            rows: rows.map { FeatureRow(dense: [], sparse: $0.features) }, labels: targets, classCount: classes,
            fold: fold, options: TrainingOptions(loss: .squaredHinge, cost: 1, tolerance: 0.1))
        let (dense, heldOutDense) = try await Self.trainDense(rows, classes, fold, decay)
        let (lexical, heldOutLexical) = try await sparse

        // The mixture and the temperature under which held-out rows are most probable.
        var best = (fusion: Float(0), temperature: Float(1), loss: Double.infinity)
        for fusion in [0, 0.5, 1, 1.5, 2, 3, 4, 6, 8] as [Float] {
            let scores = zip(heldOutDense, heldOutLexical).map { Self.fuse($0, $1, fusion, 1) }
            let temperature = Probability.fitTemperature(scores: scores, labels: targets)
            let loss = zip(scores, targets).reduce(0.0) { sum, row in
                sum - Double(Self.fuse(row.0, Array(repeating: 0, count: classes), 0, temperature)[row.1])
            }
            if loss < best.loss { best = (fusion, temperature, loss) }
        }
        let head = CategoryHead(
            labels: labels, dense: dense, lexical: lexical, fusion: best.fusion, temperature: best.temperature)
        let probabilities = zip(heldOutDense, heldOutLexical).map { row in
            Self.fuse(row.0, row.1, best.fusion, best.temperature).map { Probability.exp($0) }
        }
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
        writer.write(self.fusion)
        writer.write(self.temperature)
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        var labels: [String] = []
        for _ in 0..<(try reader.readInt()) { labels.append(try reader.readString()) }
        self.labels = labels
        self.dense = try SoftmaxRegression(from: &reader)
        self.lexical = try LinearClassifier(from: &reader)
        self.fusion = try reader.readFloat()
        self.temperature = try reader.readFloat()
    }
}
