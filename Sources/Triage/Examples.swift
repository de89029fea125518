internal import Encoder
internal import LinearModel

/// The texts that a model was taught, as vectors: whatever is judged is compared with them once.
struct Examples: Sendable, Hashable {
    struct Neighbour: Sendable, Hashable {
        var index: Int
        /// Cosine.
        var similarity: Float
    }

    /// Neighbours that are looked at.
    static let reach = 20
    /// From here on two texts are the same.
    private static let same: Float = 0.9995
    /// Rows that are compared at a time.
    static let block = 256

    private let matrix: DenseMatrix
    /// Start of each text, for showing.
    private let texts: [String]

    var count: Int { self.texts.count }

    init(embeddings: [[Float]], texts: [String]) {
        self.matrix = DenseMatrix(embeddings)
        self.texts = texts.map { String($0.prefix(80)) }
    }

    func rows(_ indices: [Int]) -> DenseMatrix {
        DenseMatrix(
            rows: indices.count, columns: self.matrix.columns, values: indices.flatMap { self.matrix[row: $0] })
    }

    func text(_ index: Int) -> String { self.texts[index] }

    /// The cosine of each row with each example, `[row, example]`.
    func similarities(of rows: DenseMatrix) throws(EncoderError) -> DenseMatrix {
        guard rows.rows > 0 else { return DenseMatrix(rows: 0, columns: self.count, values: []) }
        return try rows.timesTransposed(self.matrix)
    }

    /// The nearest examples of each row of `similarities`, nearest first.
    static func nearest(_ similarities: DenseMatrix) -> [[Neighbour]] {
        (0..<similarities.rows).map { Self.top(similarities[row: $0], below: .infinity) }
    }

    /// How near each of `embeddings` is to the examples (see `Familiarity.nearness`).
    func nearness(of embeddings: [[Float]]) throws(EncoderError) -> [Float] {
        var found: [Float] = []
        for start in stride(from: 0, to: embeddings.count, by: Self.block) {
            let part = DenseMatrix(Array(embeddings[start..<min(start + Self.block, embeddings.count)]))
            found += Self.nearest(try self.similarities(of: part)).map(Familiarity.nearness)
        }
        return found
    }

    /// The nearest examples of each example beside itself and its equals.
    func neighboursOfEachOther() async throws -> [[Neighbour]] {
        let size = Self.block
        return try await withThrowingTaskGroup(of: (Int, [[Neighbour]]).self) { group in
            for start in stride(from: 0, to: self.count, by: size) {
                group.addTask {
                    let rows = (start..<min(start + size, self.count)).map { Array(self.matrix[row: $0]) }
                    let products = try DenseMatrix(rows).timesTransposed(self.matrix)
                    return (start, (0..<products.rows).map { Self.top(products[row: $0], below: Self.same) })
                }
            }
            var found = [[Neighbour]](repeating: [], count: self.count)
            for try await (start, lists) in group {
                for (offset, list) in lists.enumerated() { found[start + offset] = list }
            }
            return found
        }
    }

    private static func top(_ similarities: ArraySlice<Float>, below limit: Float) -> [Neighbour] {
        var top: [Neighbour] = []
        top.reserveCapacity(Self.reach + 1)
        var least = -Float.infinity
        for index in similarities.indices {
            let similarity = similarities[index]
            guard similarity > least, similarity < limit else { continue }
            let place = top.firstIndex { $0.similarity < similarity } ?? top.count
            top.insert(Neighbour(index: index - similarities.startIndex, similarity: similarity), at: place)
            if top.count > Self.reach { top.removeLast() }
            if top.count == Self.reach { least = top[top.count - 1].similarity }
        }
        return top
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.matrix.rows)
        writer.write(self.matrix.columns)
        for value in self.matrix.values { writer.writeHalf(value) }
        for text in self.texts { writer.write(text) }
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        let rows = try reader.readInt()
        let columns = try reader.readInt()
        let count = rows.multipliedReportingOverflow(by: columns)
        self.matrix = DenseMatrix(
            rows: rows, columns: columns, values: try reader.readHalves(count.overflow ? Int.max : count.partialValue))
        var texts: [String] = []
        for _ in 0..<rows { texts.append(try reader.readString()) }
        self.texts = texts
    }
}
