internal import Encoder
internal import LinearModel

/// Multinomial logistic regression on dense vectors.
///
/// With many classes it is both more accurate and far quicker than one scorer against the rest for each class: all
/// classes share two matrix products an iteration. Fitted by L-BFGS, so the result is repeatable.
struct SoftmaxRegression: Sendable, Hashable {
    /// `[dimension + 1, class]`; the last row is the constant.
    private let weights: DenseMatrix

    var classCount: Int { self.weights.columns }

    /// Logarithms of the classes' probabilities for each row.
    func logProbabilities(_ rows: DenseMatrix) throws(EncoderError) -> DenseMatrix {
        var scores = try Self.extended(rows).times(self.weights)
        Self.normalise(&scores)
        return scores
    }

    /// Fits `labels` (0 ..< `classes`) to `rows`.
    ///
    /// - Parameter decay: weight of the squared weights in the mean loss.
    static func train(
        rows: DenseMatrix, labels: [Int], classes: Int, decay: Float, iterations: Int = 100
    ) throws(EncoderError) -> SoftmaxRegression {
        let data = Self.extended(rows)
        var search = LBFGS(point: Array(repeating: 0, count: data.columns * classes))
        func evaluate(_ point: [Float]) throws(EncoderError) -> (loss: Double, gradient: [Float]) {
            let weights = DenseMatrix(rows: data.columns, columns: classes, values: point)
            var scores = try data.times(weights)
            Self.normalise(&scores)
            var loss: Double = 0
            let scale = 1 / Float(max(1, data.rows))
            for (row, label) in labels.enumerated() { loss -= Double(scores.values[row * classes + label]) }
            loss *= Double(scale)
            // From here on the residuals: probability less truth.
            for index in scores.values.indices { scores.values[index] = Probability.exp(scores.values[index]) * scale }
            for (row, label) in labels.enumerated() { scores.values[row * classes + label] -= scale }
            var gradient = try data.transposedTimes(scores).values
            let free = rows.columns * classes
            for index in 0..<free {
                loss += 0.5 * Double(decay) * Double(point[index] * point[index])
                gradient[index] += decay * point[index]
            }
            return (loss, gradient)
        }
        for _ in 0..<iterations where try search.step(evaluate) == false { break }
        return SoftmaxRegression(
            weights: DenseMatrix(rows: data.columns, columns: classes, values: search.point))
    }

    private init(weights: DenseMatrix) { self.weights = weights }

    /// Rows with a 1 behind them.
    private static func extended(_ rows: DenseMatrix) -> DenseMatrix {
        var values: [Float] = []
        values.reserveCapacity(rows.rows * (rows.columns + 1))
        for row in 0..<rows.rows {
            values.append(contentsOf: rows[row: row])
            values.append(1)
        }
        return DenseMatrix(rows: rows.rows, columns: rows.columns + 1, values: values)
    }

    /// Scores to logarithms of probabilities, row by row.
    private static func normalise(_ scores: inout DenseMatrix) {
        let columns = scores.columns
        for start in stride(from: 0, to: scores.values.count, by: columns) {
            var top = -Float.infinity
            for index in start..<start + columns { top = max(top, scores.values[index]) }
            var sum: Float = 0
            for index in start..<start + columns { sum += Probability.exp(scores.values[index] - top) }
            let shift = top + Float(Probability.log(Double(sum)))
            for index in start..<start + columns { scores.values[index] -= shift }
        }
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.weights.rows)
        writer.write(self.weights.columns)
        for value in self.weights.values { writer.writeHalf(value) }
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        let rows = try reader.readInt()
        let columns = try reader.readInt()
        let count = rows.multipliedReportingOverflow(by: columns)
        self.weights = DenseMatrix(
            rows: rows, columns: columns, values: try reader.readHalves(count.overflow ? Int.max : count.partialValue))
    }
}

/// Limited-memory quasi-Newton descent with a backtracking line search.
private struct LBFGS {
    private static let memory = 8

    private(set) var point: [Float]
    private var loss = Double.infinity
    private var gradient: [Float] = []
    private var steps: [(step: [Float], change: [Float], product: Float)] = []

    init(point: [Float]) { self.point = point }

    /// One step downhill; false when there is nothing left to gain.
    mutating func step<E: Error>(
        _ evaluate: ([Float]) throws(E) -> (loss: Double, gradient: [Float])
    ) throws(E) -> Bool {
        if self.gradient.isEmpty { (self.loss, self.gradient) = try evaluate(self.point) }
        let direction = self.direction()
        let slope = Self.dot(direction, self.gradient)
        guard slope < 0 else { return false }
        var length: Float = self.steps.isEmpty ? 1 / max(1e-6, Self.dot(self.gradient, self.gradient).squareRoot()) : 1
        for _ in 0..<20 {
            let candidate = zip(self.point, direction).map { $0 + length * $1 }
            let (loss, gradient) = try evaluate(candidate)
            if loss <= self.loss + 1e-4 * Double(length * slope) {
                let step = direction.map { $0 * length }
                let change = zip(gradient, self.gradient).map { $0 - $1 }
                let product = Self.dot(step, change)
                if product > 1e-12 { self.steps.append((step, change, product)) }
                if self.steps.count > Self.memory { self.steps.removeFirst() }
                let gain = self.loss - loss
                (self.point, self.loss, self.gradient) = (candidate, loss, gradient)
                return gain > 1e-5 * max(0.01, abs(loss))
            }
            length *= 0.4
        }
        return false
    }

    /// The two-loop recursion.
    private func direction() -> [Float] {
        var direction = self.gradient.map { -$0 }
        guard let last = self.steps.last else { return direction }
        var factors: [Float] = []
        for (step, change, product) in self.steps.reversed() {
            let factor = Self.dot(step, direction) / product
            factors.append(factor)
            Self.add(-factor, change, to: &direction)
        }
        let scale = last.product / Self.dot(last.change, last.change)
        for index in direction.indices { direction[index] *= scale }
        for ((step, change, product), factor) in zip(self.steps, factors.reversed()) {
            Self.add(factor - Self.dot(change, direction) / product, step, to: &direction)
        }
        return direction
    }

    private static func dot(_ left: [Float], _ right: [Float]) -> Float {
        var sum: Double = 0
        for index in left.indices { sum += Double(left[index]) * Double(right[index]) }
        return Float(sum)
    }

    private static func add(_ factor: Float, _ vector: [Float], to target: inout [Float]) {
        for index in target.indices { target[index] += factor * vector[index] }
    }
}
