/// Vectors of one length, kept so that one query is compared with all of them by vector instructions.
struct VectorTable: Sendable {
    private static let width = 16

    let dimensions: Int
    private(set) var count = 0
    /// `stride` blocks for each vector, the last one filled up with zeros.
    private var blocks: [SIMD16<Float>] = []
    private var stride: Int { (self.dimensions + Self.width - 1) / Self.width }

    init(dimensions: Int) { self.dimensions = dimensions }

    /// - Throws: `.dimensionMismatch`.
    mutating func append(_ vector: [Float]) throws(AnsweringError) {
        self.blocks += try Self.blocks(of: vector, dimensions: self.dimensions)
        self.count += 1
    }

    func vector(at row: Int) -> [Float] {
        let blocks = self.blocks[(row * self.stride)..<((row + 1) * self.stride)]
        return Array(blocks.flatMap { block in (0..<Self.width).map { block[$0] } }.prefix(self.dimensions))
    }

    /// The dot product of each vector with `query`: the cosine when all are of length 1.
    /// - Parameter rows: which of them; nil means all.
    func products(with query: [Float], rows: Range<Int>? = nil) throws(AnsweringError) -> [Float] {
        let query = try Self.blocks(of: query, dimensions: self.dimensions)
        let stride = self.stride
        let rows = rows ?? 0..<self.count
        var result = [Float](repeating: 0, count: rows.count)
        var base = rows.lowerBound * stride
        for row in result.indices {
            var sum = SIMD16<Float>.zero
            for block in 0..<stride { sum += self.blocks[base + block] * query[block] }
            result[row] = sum.sum()
            base += stride
        }
        return result
    }

    static func product(_ left: [Float], _ right: [Float]) -> Float {
        zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private static func blocks(of vector: [Float], dimensions: Int) throws(AnsweringError) -> [SIMD16<Float>] {
        guard vector.count == dimensions else {
            throw AnsweringError(.dimensionMismatch, "\(vector.count) instead of \(dimensions)")
        }
        return Swift.stride(from: 0, to: dimensions, by: Self.width).map { start in
            var block = SIMD16<Float>.zero
            for lane in 0..<min(Self.width, dimensions - start) { block[lane] = vector[start + lane] }
            return block
        }
    }
}
