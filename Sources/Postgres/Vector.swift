/// An embedding for pgvector: bound as `halfvec`, read from `halfvec`, `vector` or `real[]`.
///
/// Components travel as 16-bit floats, which is what `halfvec` stores; |x| > 65,504 is refused by the server (22003).
/// Cast for a column of type `vector`: `\(embedding)::vector`.
package struct Vector: Sendable, Hashable {
    package var values: [Float]

    package init(_ values: [Float]) { self.values = values }
}

extension Vector: PostgresScalar {
    package static var postgresType: PostgresType { .halfvec }
    package static var postgresArrayType: PostgresType { .halfvecArray }

    /// Dimensions and an unused field of 16 bits each, then the components.
    package func encode(into buffer: inout PostgresBuffer) {
        guard let count = Int16(exactly: self.values.count), count > 0 else {
            return buffer.problem = "a vector has 1 to 32,767 dimensions"
        }
        buffer.append(count)
        buffer.append(Int16(0))
        let start = buffer.bytes.count
        buffer.bytes.append(contentsOf: repeatElement(0, count: 2 * self.values.count))
        buffer.bytes.withUnsafeMutableBytes { bytes in
            for (index, value) in self.values.enumerated() {
                bytes.storeBytes(
                    of: Float16(value).bitPattern.bigEndian, toByteOffset: start + 2 * index, as: UInt16.self)
            }
        }
    }
}

extension Vector: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Vector {
        if cell.type == .float4Array { return Vector(try [Float].decode(cell)) }
        let values: [Float]? = cell.withBytes { bytes in
            guard bytes.count >= 4 else { return nil }
            let count = Int(bytes.loadUnaligned(as: UInt16.self).bigEndian)
            switch bytes.count - 4 {
            case 2 * count:
                return (0..<count).map { index in
                    let bits = bytes.loadUnaligned(fromByteOffset: 4 + 2 * index, as: UInt16.self)
                    return Float(Float16(bitPattern: bits.bigEndian))
                }
            case 4 * count:
                return (0..<count).map { index in
                    let bits = bytes.loadUnaligned(fromByteOffset: 4 + 4 * index, as: UInt32.self)
                    return Float(bitPattern: bits.bigEndian)
                }
            default: return nil
            }
        }
        guard let values else { throw cell.mismatch("a vector") }
        return Vector(values)
    }
}
