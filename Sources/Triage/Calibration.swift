/// How far confidence and truth lie apart: rows by their confidence in fifteen bins.
package struct Calibration: Sendable, Hashable {
    package struct Bin: Sendable, Hashable {
        package var count = 0
        /// Sums over the rows.
        package var confidence = 0.0
        package var right = 0.0
    }

    package private(set) var bins = [Bin](repeating: Bin(), count: 15)

    /// - Parameter rows: confidence 0…1, and whether it was right.
    package init(_ rows: some Sequence<(confidence: Double, isRight: Bool)>) {
        for (confidence, isRight) in rows {
            let bin = min(14, max(0, Int(confidence * 15)))
            self.bins[bin].count += 1
            self.bins[bin].confidence += confidence
            self.bins[bin].right += isRight ? 1 : 0
        }
    }

    package var count: Int { self.bins.reduce(0) { $0 + $1.count } }

    /// Mean distance of confidence and accuracy, weighted by rows; 0 without rows.
    package var error: Double {
        self.bins.reduce(0) { $0 + abs($1.right - $1.confidence) } / Double(max(1, self.count))
    }
}
