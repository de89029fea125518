internal import LinearModel

/// Weights under which several scores of the same classes, added up, make the best probabilities.
///
/// They are fitted on held-out scores, where the loss has one minimum; so they mix the scores and set the temperature
/// in one.
struct Mixture: Sendable, Hashable {
    /// By part; not below 0.
    let weights: [Float]

    init(weights: [Float]) { self.weights = weights }

    /// Logarithms of the probabilities of one row, given each part's scores.
    func logProbabilities(_ parts: [[Float]]) -> [Float] {
        var scores = parts[0].map { $0 * self.weights[0] }
        for part in 1..<parts.count {
            for index in scores.indices { scores[index] += parts[part][index] * self.weights[part] }
        }
        let top = scores.max() ?? 0
        let shift = top + Float(Probability.log(Double(scores.reduce(0) { $0 + Probability.exp($1 - top) })))
        for index in scores.indices { scores[index] -= shift }
        return scores
    }

    /// What is assumed before any row is seen: the parts as they are, the examples most.
    private static let prior: [Double] = [0.5, 1, 1]
    /// As many rows as the assumption weighs.
    private static let priorRows = 4.0

    /// Newton's method on the logarithmic loss, a few steps of it.
    ///
    /// - Parameter rows: by row and part the scores of the classes; at most three parts.
    static func fit(_ rows: [[[Float]]], labels: [Int]) -> Mixture {
        guard let parts = rows.first?.count else { return Mixture(weights: [1]) }
        var weights = Array(Self.prior.prefix(parts))
        for _ in 0..<12 {
            let (gradient, curvature) = Self.derivatives(rows, labels, weights)
            var step = Self.solve(curvature, gradient)
            let size = step.reduce(0) { max($0, abs($1)) }
            // Far from the minimum the curvature promises too much.
            if size > 2 { step = step.map { $0 * 2 / size } }
            for part in 0..<parts { weights[part] = min(50, max(0, weights[part] - step[part])) }
            if size < 1e-3 { break }
        }
        return Mixture(weights: weights.map { Float($0) })
    }

    private static func derivatives(
        _ rows: [[[Float]]], _ labels: [Int], _ weights: [Double]
    ) -> (gradient: [Double], curvature: [[Double]]) {
        let parts = weights.count
        let mixture = Mixture(weights: weights.map { Float($0) })
        var gradient = [Double](repeating: 0, count: parts)
        var curvature = [[Double]](repeating: gradient, count: parts)
        let scale = 1 / Double(max(1, rows.count))
        var means = [Double](repeating: 0, count: parts)
        for (row, label) in zip(rows, labels) {
            let probabilities = mixture.logProbabilities(row).map { Probability.exp($0) }
            for part in 0..<parts {
                means[part] = zip(row[part], probabilities).reduce(0.0) { $0 + Double($1.0 * $1.1) }
                gradient[part] += scale * (means[part] - Double(row[part][label]))
            }
            for left in 0..<parts {
                for right in 0...left {
                    var sum = 0.0
                    for index in probabilities.indices {
                        sum += Double(probabilities[index] * row[left][index] * row[right][index])
                    }
                    curvature[left][right] += scale * (sum - means[left] * means[right])
                }
            }
        }
        for left in 0..<parts {
            // A few rows that happen to be right must not make the model certain.
            gradient[left] += scale * Self.priorRows * (weights[left] - Self.prior[left])
            curvature[left][left] += scale * Self.priorRows
            for right in 0..<left { curvature[right][left] = curvature[left][right] }
        }
        return (gradient, curvature)
    }

    /// Solves a small symmetric, positive system by elimination.
    private static func solve(_ matrix: [[Double]], _ vector: [Double]) -> [Double] {
        var matrix = matrix
        var vector = vector
        for column in vector.indices {
            for row in (column + 1)..<max(column + 1, vector.count) {
                let factor = matrix[row][column] / matrix[column][column]
                for index in column..<vector.count { matrix[row][index] -= factor * matrix[column][index] }
                vector[row] -= factor * vector[column]
            }
        }
        for row in vector.indices.reversed() {
            for index in (row + 1)..<max(row + 1, vector.count) { vector[row] -= matrix[row][index] * vector[index] }
            vector[row] /= matrix[row][row]
        }
        return vector
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.weights.count)
        for weight in self.weights { writer.write(weight) }
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        var weights: [Float] = []
        for _ in 0..<(try reader.readInt()) { weights.append(try reader.readFloat()) }
        self.weights = weights
    }
}
