/// Little-endian numbers in sequence.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write(_ value: UInt32) {
        for shift in [0, 8, 16, 24] as [UInt32] { self.bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    package mutating func write(_ value: Int) { self.write(UInt32(clamping: value)) }
    package mutating func write(_ value: Float) { self.write(value.bitPattern) }

    /// A half-precision number: two bytes, relative error below 0.0005.
    package mutating func writeHalf(_ value: Float) {
        let bits = Float16(value).bitPattern
        self.bytes.append(UInt8(truncatingIfNeeded: bits))
        self.bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
    }

    package mutating func write(_ text: String) { self.write(blob: Array(text.utf8)) }

    package mutating func write(blob: [UInt8]) {
        self.write(blob.count)
        self.bytes.append(contentsOf: blob)
    }
}

/// Reads what `ByteWriter` wrote; never reads past the end.
package struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { self.position == self.bytes.count }

    package mutating func readUInt32() throws(LinearModelError) -> UInt32 {
        let raw = try self.take(4)
        return raw.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    package mutating func readInt() throws(LinearModelError) -> Int { Int(try self.readUInt32()) }
    package mutating func readFloat() throws(LinearModelError) -> Float { Float(bitPattern: try self.readUInt32()) }

    /// `count` half-precision numbers.
    package mutating func readHalves(_ count: Int) throws(LinearModelError) -> [Float] {
        guard count >= 0, count <= self.bytes.count else { throw Self.truncated }
        let raw = try self.take(count * 2)
        return (0..<count).map { index in
            let at = raw.startIndex + index * 2
            return Float(Float16(bitPattern: UInt16(raw[at]) | UInt16(raw[at + 1]) << 8))
        }
    }

    package mutating func readBlob() throws(LinearModelError) -> [UInt8] { Array(try self.take(try self.readInt())) }
    package mutating func readString() throws(LinearModelError) -> String {
        String(decoding: try self.readBlob(), as: UTF8.self)
    }

    private static var truncated: LinearModelError { LinearModelError(.malformedModel, "the file ends too early") }

    private mutating func take(_ count: Int) throws(LinearModelError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= self.bytes.count - self.position else { throw Self.truncated }
        defer { self.position += count }
        return self.bytes[self.position..<self.position + count]
    }
}

extension LinearClassifier {
    /// Appends the model; weights as half-precision numbers.
    package func write(to writer: inout ByteWriter) {
        writer.write(self.classCount)
        writer.write(self.denseCount)
        writer.write(self.sparseCount)
        for weight in self.weights { writer.writeHalf(weight) }
    }

    /// - Throws: `.malformedModel` when the bytes end early or the sizes make no sense.
    package init(from reader: inout ByteReader) throws(LinearModelError) {
        let classes = try reader.readInt()
        let dense = try reader.readInt()
        let sparse = try reader.readInt()
        guard (1...100_000).contains(classes), (0...1_000_000).contains(dense), (0...100_000_000).contains(sparse)
        else {
            throw LinearModelError(.malformedModel, "\(classes) classes, \(dense) + \(sparse) features")
        }
        let (count, overflow) = (dense + sparse + 1).multipliedReportingOverflow(by: classes)
        guard !overflow else { throw LinearModelError(.malformedModel, "too many weights") }
        self.init(
            classCount: classes, denseCount: dense, sparseCount: sparse, weights: try reader.readHalves(count))
    }
}
