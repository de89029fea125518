/// One linear scorer a class, trained one against the rest.
///
/// Scores are decision values: comparable within a row, not yet probabilities of one class among many. Two models of
/// the same rows and options are equal: training draws no random numbers.
package struct LinearClassifier: Sendable, Hashable {
    package let classCount: Int
    /// Length of the dense part of each row.
    package let denseCount: Int
    /// Size of the sparse part; entries with a larger index are ignored.
    package let sparseCount: Int
    /// `[feature][class]`, dense features first, then sparse ones, the constant last.
    let weights: [Float]

    init(classCount: Int, denseCount: Int, sparseCount: Int, weights: [Float]) {
        self.classCount = classCount
        self.denseCount = denseCount
        self.sparseCount = sparseCount
        self.weights = weights
    }

    /// One decision value for each class, above 0 where the class fits.
    package func scores(_ row: FeatureRow) -> [Float] {
        let classes = self.classCount
        var scores = Array(self.weights[self.weights.count - classes..<self.weights.count])
        self.weights.withUnsafeBufferPointer { weights in
            scores.withUnsafeMutableBufferPointer { scores in
                func add(_ feature: Int, _ value: Float) {
                    let base = feature * classes
                    for index in 0..<classes { scores[index] += weights[base + index] * value }
                }
                for (feature, value) in row.dense.prefix(self.denseCount).enumerated() { add(feature, value) }
                for entry in row.sparse where entry.index >= 0 && entry.index < self.sparseCount {
                    add(self.denseCount + Int(entry.index), entry.value)
                }
            }
        }
        return scores
    }

    /// The sparse features that speak most for class `index` in `row`, heaviest first, with their contribution.
    package func contributions(_ row: FeatureRow, to index: Int, limit: Int) -> [FeatureRow.Entry] {
        let entries = row.sparse.filter { $0.index >= 0 && $0.index < self.sparseCount }.map { entry in
            let weight = self.weights[(self.denseCount + Int(entry.index)) * self.classCount + index]
            return FeatureRow.Entry(index: entry.index, value: weight * entry.value)
        }
        return Array(
            entries.filter { $0.value > 0 }.sorted { ($1.value, $0.index) < ($0.value, $1.index) }.prefix(limit))
    }
}

/// Temperature and softmax: decision values to probabilities.
package enum Probability {
    /// Probabilities that sum to 1; `temperature` above 0, larger is less sure.
    package static func softmax(_ scores: [Float], temperature: Float = 1) -> [Float] {
        guard let top = scores.max() else { return [] }
        let powers = scores.map { Self.exp(($0 - top) / temperature) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// 1 / (1 + e^−x).
    package static func sigmoid(_ value: Float) -> Float { 1 / (1 + Self.exp(-value)) }

    /// The temperature under which the right classes of `rows` are most probable.
    ///
    /// - Parameter scores: decision values of rows that the model was not trained on.
    package static func fitTemperature(scores: [[Float]], labels: [Int]) -> Float {
        func loss(_ temperature: Float) -> Double {
            zip(scores, labels).reduce(0) { sum, pair in
                let top = pair.0.max() ?? 0
                let total = pair.0.reduce(Double(0)) { $0 + Double(Self.exp(($1 - top) / temperature)) }
                return sum + Self.log(total) - Double((pair.0[pair.1] - top) / temperature)
            }
        }
        // The loss has one minimum over the logarithm of the temperature: golden section search.
        guard !scores.isEmpty else { return 1 }
        let ratio: Float = 0.618_034
        var low: Float = -5
        var high: Float = 3
        var left = high - ratio * (high - low)
        var right = low + ratio * (high - low)
        var lossLeft = loss(Self.exp(left))
        var lossRight = loss(Self.exp(right))
        while high - low > 0.01 {
            if lossLeft < lossRight {
                high = right
                (right, lossRight) = (left, lossLeft)
                left = high - ratio * (high - low)
                lossLeft = loss(Self.exp(left))
            } else {
                low = left
                (left, lossLeft) = (right, lossRight)
                right = low + ratio * (high - low)
                lossRight = loss(Self.exp(right))
            }
        }
        return Self.exp((low + high) / 2)
    }
}
