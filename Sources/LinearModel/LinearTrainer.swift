internal import CLinear
internal import CTinyBLAS
internal import ConnectionThread
internal import Foundation

/// How a head is trained.
package struct TrainingOptions: Sendable, Hashable {
    package enum Loss: Sendable, Hashable {
        /// Logistic: a single class's sigmoid is a probability.
        case logistic
        /// Squared hinge: a little more accurate with many classes, and quicker; needs a temperature.
        case squaredHinge
    }

    package var loss: Loss
    /// Cost of a wrong row against large weights; larger fits the rows more closely.
    package var cost: Double
    /// Stop when the gradient has fallen to this part of its first size.
    package var tolerance: Double
    /// Rows of rare classes count for more, as the square root of how rare they are.
    package var isBalanced: Bool

    package init(loss: Loss = .logistic, cost: Double = 1, tolerance: Double = 0.01, isBalanced: Bool = false) {
        self.loss = loss
        self.cost = cost
        self.tolerance = tolerance
        self.isBalanced = isBalanced
    }
}

/// Trains linear heads on threads of its own, so that a long training never occupies the cooperative pool.
package final class LinearTrainer: Sendable {
    private actor Lane {
        private let thread: ConnectionThread
        nonisolated var unownedExecutor: UnownedSerialExecutor { self.thread.asUnownedSerialExecutor() }

        init(index: Int) { self.thread = ConnectionThread(name: "trainer-\(index)") }

        func train(
            _ rows: [FeatureRow], _ labels: [Int], _ classes: Int, _ selected: [Int], _ options: TrainingOptions
        ) -> LinearClassifier {
            switch options.loss {
            case .logistic: LIBLINEAR.train(rows, labels, classes, selected, options)
            case .squaredHinge: DualDescent.train(rows, labels, classes, selected, options)
            }
        }
    }

    private let lanes: [Lane]

    /// - Parameter lanes: threads; nil means one for each core.
    package init(lanes: Int? = nil) {
        self.lanes = (0..<max(1, lanes ?? ProcessInfo.processInfo.activeProcessorCount)).map { Lane(index: $0) }
    }

    /// A model over all rows.
    ///
    /// - Parameter labels: class of each row, 0 ..< `classCount`.
    /// - Throws: `LinearModelError` when rows and labels do not fit together.
    package func train(
        rows: [FeatureRow], labels: [Int], classCount: Int, options: TrainingOptions
    ) async throws -> LinearClassifier {
        try Self.validate(rows, labels, classCount)
        return await self.lanes[0].train(rows, labels, classCount, Array(rows.indices), options)
    }

    /// A model over all rows, and for each row the scores of a model that was trained without it.
    ///
    /// - Parameter fold: of each row, 0 or more; see `folds`.
    /// - Throws: `LinearModelError` when rows and labels do not fit together; `CancellationError`.
    package func trainWithHeldOutScores(
        rows: [FeatureRow], labels: [Int], classCount: Int, fold: [Int], options: TrainingOptions
    ) async throws -> (model: LinearClassifier, heldOut: [[Float]]) {
        try Self.validate(rows, labels, classCount)
        guard fold.count == rows.count, fold.allSatisfy({ $0 >= 0 }) else {
            throw LinearModelError(.badTrainingData, "\(rows.count) rows and \(fold.count) folds")
        }
        // Job −1 is the whole; the others each leave one fold out.
        let jobs = [-1] + Set(fold).sorted()
        let models = try await withThrowingTaskGroup(of: [(Int, LinearClassifier)].self) { group in
            for (number, lane) in self.lanes.enumerated() {
                group.addTask {
                    var done: [(Int, LinearClassifier)] = []
                    for (position, job) in jobs.enumerated() where position % self.lanes.count == number {
                        try Task.checkCancellation()
                        let selected = rows.indices.filter { fold[$0] != job }
                        done.append((job, await lane.train(rows, labels, classCount, selected, options)))
                    }
                    return done
                }
            }
            var models: [Int: LinearClassifier] = [:]
            for try await done in group { for (job, model) in done { models[job] = model } }
            return models
        }
        let heldOut = rows.indices.map { models[fold[$0]]!.scores(rows[$0]) }
        return (models[-1]!, heldOut)
    }

    /// Fold of each row, 0 ..< `count`: rows of a class are dealt out in turn, so that each fold sees each class.
    ///
    /// Rows of one group share a fold: a text that occurs twice must not be tested by a model that was taught its twin.
    package static func folds(_ labels: [Int], groups: [Int], count: Int) -> [Int] {
        var next: [Int: Int] = [:]
        var dealt: [Int: Int] = [:]
        return zip(labels, groups).map { label, group in
            if let fold = dealt[group] { return fold }
            // Each class starts at another fold, or small classes would all meet in the first.
            let fold = next[label, default: label] % count
            next[label] = fold + 1
            dealt[group] = fold
            return fold
        }
    }

    private static func validate(_ rows: [FeatureRow], _ labels: [Int], _ classCount: Int) throws(LinearModelError) {
        guard rows.count == labels.count, let first = rows.first else {
            throw LinearModelError(.badTrainingData, "\(rows.count) rows and \(labels.count) labels")
        }
        guard rows.allSatisfy({ $0.dense.count == first.dense.count }) else {
            throw LinearModelError(.badTrainingData, "rows differ in the length of their dense part")
        }
        guard classCount > 0, labels.allSatisfy({ $0 >= 0 && $0 < classCount }) else {
            throw LinearModelError(.badTrainingData, "a label lies outside 0..<\(classCount)")
        }
    }
}

/// The calls into the library, for logistic scorers.
private enum LIBLINEAR {
    // The library prints its progress to standard output unless told otherwise, for the whole process.
    private static let silenced: Void = set_print_string_function { _ in }

    static func train(
        _ rows: [FeatureRow], _ labels: [Int], _ classes: Int, _ selected: [Int], _ options: TrainingOptions
    ) -> LinearClassifier {
        _ = Self.silenced
        let dense = rows.first?.dense.count ?? 0
        let sparse = 1 + Int(rows.reduce(-1) { max($0, $1.sparse.last?.index ?? -1) })
        let features = dense + sparse
        var weights = [Float](repeating: 0, count: (features + 1) * classes)
        // Classes without a row in this selection keep weight 0 and a constant that rules them out.
        for index in 0..<classes { weights[features * classes + index] = -8 }
        let present = Set(selected.map { labels[$0] })
        guard present.count > 1 else {
            for label in present { weights[features * classes + label] = 8 }
            return LinearClassifier(classCount: classes, denseCount: dense, sparseCount: sparse, weights: weights)
        }

        // Rows as the library wants them: index from 1, closed by −1, the constant as the last feature.
        let size = selected.reduce(0) { $0 + rows[$1].dense.count + rows[$1].sparse.count + 2 }
        let nodes = UnsafeMutablePointer<feature_node>.allocate(capacity: size)
        let starts = UnsafeMutablePointer<UnsafeMutablePointer<feature_node>?>.allocate(capacity: selected.count)
        let targets = UnsafeMutablePointer<Double>.allocate(capacity: selected.count)
        defer {
            nodes.deallocate()
            starts.deallocate()
            targets.deallocate()
        }
        var position = 0
        for (number, row) in selected.enumerated() {
            starts[number] = nodes + position
            targets[number] = Double(labels[row])
            for (index, value) in rows[row].dense.enumerated() where value != 0 {
                nodes[position] = feature_node(index: Int32(index + 1), value: Double(value))
                position += 1
            }
            for entry in rows[row].sparse {
                nodes[position] = feature_node(index: Int32(dense) + entry.index + 1, value: Double(entry.value))
                position += 1
            }
            nodes[position] = feature_node(index: Int32(features + 1), value: 1)
            nodes[position + 1] = feature_node(index: -1, value: 0)
            position += 2
        }
        Self.solve(starts, targets, selected.map { labels[$0] }, features, classes, options, into: &weights)
        return LinearClassifier(classCount: classes, denseCount: dense, sparseCount: sparse, weights: weights)
    }

    private static func solve(
        _ starts: UnsafeMutablePointer<UnsafeMutablePointer<feature_node>?>, _ targets: UnsafeMutablePointer<Double>,
        _ labels: [Int], _ features: Int, _ classes: Int, _ options: TrainingOptions, into weights: inout [Float]
    ) {
        var counts: [Int: Int] = [:]
        for label in labels { counts[label, default: 0] += 1 }
        let present = counts.keys.sorted()
        let mean = Double(labels.count) / Double(present.count)
        var classNumbers = present.map { Int32($0) }
        var classWeights = present.map { options.isBalanced ? (mean / Double(counts[$0]!)).squareRoot() : 1 }
        classNumbers.withUnsafeMutableBufferPointer { numbers in
            classWeights.withUnsafeMutableBufferPointer { factors in
                var data = problem(
                    l: Int32(labels.count), n: Int32(features + 1), y: targets, x: starts, bias: 1)
                // This solver works on the primal problem and draws no random numbers: training is repeatable.
                var settings = parameter(
                    solver_type: Int32(L2R_LR), eps: options.tolerance, C: options.cost,
                    nr_weight: Int32(numbers.count), weight_label: numbers.baseAddress, weight: factors.baseAddress,
                    p: 0.1, init_sol: nil)
                guard let trained = CLinear.train(&data, &settings) else { return }
                defer {
                    var trained: UnsafeMutablePointer<model>? = trained
                    free_and_destroy_model(&trained)
                }
                let found = Int(trained.pointee.nr_class)
                let columns = found == 2 ? 1 : found
                for column in 0..<columns {
                    let label = Int(trained.pointee.label[column])
                    for feature in 0...features {
                        let value = Float(trained.pointee.w[feature * columns + column])
                        weights[feature * classes + label] = value
                        // With two classes there is one scorer; the second class gets its mirror image.
                        if found == 2 { weights[feature * classes + Int(trained.pointee.label[1])] = -value }
                    }
                }
            }
        }
    }
}
