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

    private let matrix: DenseMatrix
    /// Start of each text, for showing.
    private let texts: [String]

    var count: Int { self.texts.count }

    init(embeddings: [[Float]], texts: [String]) {
        self.matrix = DenseMatrix(embeddings)
        self.texts = texts.map { String($0.prefix(80)) }
    }

    func text(_ index: Int) -> String { self.texts[index] }

    /// The nearest examples of each row, nearest first.
    func neighbours(of rows: DenseMatrix) throws(EncoderError) -> [[Neighbour]] {
        guard self.count > 0, rows.rows > 0 else { return Array(repeating: [], count: rows.rows) }
        var found: [[Neighbour]] = []
        for start in stride(from: 0, to: rows.rows, by: 256) {
            let end = min(start + 256, rows.rows)
            let part = rows.rows <= 256 ? rows : DenseMatrix((start..<end).map { Array(rows[row: $0]) })
            let products = try part.timesTransposed(self.matrix)
            for row in 0..<products.rows { found.append(Self.top(products[row: row], below: .infinity)) }
        }
        return found
    }

    /// The nearest examples of each example beside itself and its equals.
    func neighboursOfEachOther() async throws -> [[Neighbour]] {
        let size = 256
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

/// What the nearest examples say: the share of each class among them, the nearer the more.
struct NeighbourVote: Sendable, Hashable {
    /// How fast a vote fades with distance.
    private static let sharpness: Float = 20
    /// Keeps a class without a vote possible.
    private static let floor: Float = 0.01

    /// Class of each example; −1 for one that has none here.
    let labels: [Int32]

    /// Logarithms of the shares.
    func scores(_ neighbours: [Examples.Neighbour], classes: Int) -> [Float] {
        var shares = [Float](repeating: 0, count: classes)
        var sum: Float = 0
        let best = neighbours.first?.similarity ?? 0
        for neighbour in neighbours where self.labels[neighbour.index] >= 0 {
            let vote = Probability.exp(Self.sharpness * (neighbour.similarity - best))
            shares[Int(self.labels[neighbour.index])] += vote
            sum += vote
        }
        let scale = sum > 0 ? 1 / sum : 0
        return shares.map { Float(Probability.log(Double($0 * scale + Self.floor))) }
    }
}
