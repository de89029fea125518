internal import Encoder
internal import LinearModel

/// Least squares on how near a text lies to each known example: finds what no straight border between classes can.
///
/// The classes are 1 or 0, so a score is a rough probability by itself; its logarithm mixes well with other scores.
struct KernelRegression: Sendable, Hashable {
    /// How fast an example's influence fades with distance.
    private static let sharpness: Float = 3
    /// How little a single example is believed.
    private static let ridge: Float = 0.25
    /// Keeps a class possible that no near example has.
    private static let floor: Float = 0.01
    /// Examples that are used; time grows with the cube of them, memory with the square.
    static let limit = 10_000

    /// Indices of the examples.
    private let landmarks: [Int32]
    /// `[class, landmark]`
    private let coefficients: DenseMatrix

    /// - Parameter selected: the examples to learn from, with the class (0 ..< `classes`) of each; −1 for one of none.
    /// - Throws: `EncoderError` when OpenBLAS is missing.
    static func train(
        _ examples: Examples, selected: [(index: Int, label: Int)], classes: Int
    ) throws(EncoderError) -> KernelRegression {
        let chosen = Self.thinned(selected)
        let points = examples.rows(chosen.map(\.index))
        var kernel = try points.timesTransposed(points)
        Self.fade(&kernel)
        var targets = DenseMatrix(
            rows: classes, columns: chosen.count, values: Array(repeating: 0, count: classes * chosen.count))
        for (position, item) in chosen.enumerated() {
            kernel.values[position * chosen.count + position] += Self.ridge
            if item.label >= 0 { targets.values[item.label * chosen.count + position] = 1 }
        }
        return KernelRegression(
            landmarks: chosen.map { Int32($0.index) }, coefficients: try kernel.solve(targets))
    }

    private init(landmarks: [Int32], coefficients: DenseMatrix) {
        self.landmarks = landmarks
        self.coefficients = coefficients
    }

    /// At most `limit` of the rows, evenly out of each class.
    private static func thinned(_ rows: [(index: Int, label: Int)]) -> [(index: Int, label: Int)] {
        guard rows.count > Self.limit else { return rows }
        let ordered = rows.sorted { ($0.label, $0.index) < ($1.label, $1.index) }
        return (0..<Self.limit).map { ordered[$0 * rows.count / Self.limit] }
    }

    /// Rough probabilities, `[row, class]`; may lie a little outside 0…1.
    ///
    /// - Parameter similarities: of each row to all examples, see `Examples.similarities`.
    func shares(_ similarities: DenseMatrix) throws(EncoderError) -> DenseMatrix {
        var values: [Float] = []
        values.reserveCapacity(similarities.rows * self.landmarks.count)
        for row in 0..<similarities.rows {
            let start = row * similarities.columns
            for landmark in self.landmarks { values.append(similarities.values[start + Int(landmark)]) }
        }
        var kernel = DenseMatrix(rows: similarities.rows, columns: self.landmarks.count, values: values)
        Self.fade(&kernel)
        return try kernel.timesTransposed(self.coefficients)
    }

    /// Logarithms of the shares, as scores to be mixed with others.
    func scores(_ similarities: DenseMatrix) throws(EncoderError) -> DenseMatrix {
        var scores = try self.shares(similarities)
        for index in scores.values.indices {
            scores.values[index] = Float(Probability.log(Double(max(0, scores.values[index]) + Self.floor)))
        }
        return scores
    }

    private static func fade(_ similarities: inout DenseMatrix) {
        for index in similarities.values.indices {
            similarities.values[index] = Probability.exp(Self.sharpness * (similarities.values[index] - 1))
        }
    }

    /// Whether this can be asked about `examples` examples and `classes` classes.
    func fits(examples: Int, classes: Int) -> Bool {
        self.coefficients.rows == classes && self.landmarks.allSatisfy { (0..<examples).contains(Int($0)) }
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.landmarks.count)
        for landmark in self.landmarks { writer.write(UInt32(landmark)) }
        writer.write(self.coefficients.rows)
        for value in self.coefficients.values { writer.writeHalf(value) }
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        let count = try reader.readInt()
        var landmarks: [Int32] = []
        for _ in 0..<count { landmarks.append(Int32(truncatingIfNeeded: try reader.readUInt32())) }
        let classes = try reader.readInt()
        let size = classes.multipliedReportingOverflow(by: count)
        self.landmarks = landmarks
        self.coefficients = DenseMatrix(
            rows: classes, columns: count,
            values: try reader.readHalves(size.overflow ? Int.max : size.partialValue))
    }
}
