package import struct Foundation.Date
package import struct Foundation.UUID
package import typealias Foundation.uuid_t

/// A value that can be read from a column.
///
/// For an enumeration over a string or an integer it is enough to declare the conformance.
package protocol PostgresDecodable {
    /// - Throws: `.typeMismatch`, also for NULL unless the type is an `Optional`.
    static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self {
        guard let value = Self(rawValue: try RawValue.decode(cell)) else {
            throw cell.mismatch("a value of \(Self.self)")
        }
        return value
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self {
        cell.isNull ? nil : try Wrapped.decode(cell)
    }
}

extension PostgresCell {
    /// A big-endian integer when the cell is of one of the `types` and as long as `T`; else nil.
    fileprivate func integer<T: FixedWidthInteger>(_: T.Type) -> T? {
        self.withBytes { bytes in
            bytes.count == MemoryLayout<T>.size ? T(bigEndian: bytes.loadUnaligned(as: T.self)) : nil
        }
    }

    /// Any integer column, widened.
    fileprivate var wideInteger: Int64? {
        switch self.type {
        case .int8: self.integer(Int64.self)
        case .int4: self.integer(Int32.self).map(Int64.init)
        case .int2: self.integer(Int16.self).map(Int64.init)
        case .oid: self.integer(UInt32.self).map(Int64.init)
        default: nil
        }
    }

    fileprivate func decodeInteger<T: FixedWidthInteger>(_ name: String) throws(PostgresError) -> T {
        guard let wide = self.wideInteger, let value = T(exactly: wide) else { throw self.mismatch(name) }
        return value
    }
}

extension Int16: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self {
        try cell.decodeInteger("smallint")
    }
}

extension Int32: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self { try cell.decodeInteger("integer") }
}

extension Int64: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self { try cell.decodeInteger("bigint") }
}

extension Int: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self { try cell.decodeInteger("bigint") }
}

extension Bool: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Bool {
        guard cell.type == .bool, let byte = cell.integer(UInt8.self) else { throw cell.mismatch("boolean") }
        return byte != 0
    }
}

extension Double: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Double {
        switch cell.type {
        case .float8: if let bits = cell.integer(UInt64.self) { return Double(bitPattern: bits) }
        case .float4: if let bits = cell.integer(UInt32.self) { return Double(Float(bitPattern: bits)) }
        default: break
        }
        throw cell.mismatch("double precision (cast numeric in the statement)")
    }
}

extension Float: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Float { Float(try Double.decode(cell)) }
}

extension String: PostgresDecodable {
    /// Text, names, enumerations, `citext`, `json` and `jsonb`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> String {
        guard !cell.isNull, !PostgresType.notText.contains(cell.type) else { throw cell.mismatch("text") }
        let prefix = cell.type == .jsonb ? 1 : 0
        return cell.withBytes { String(decoding: $0.dropFirst(prefix), as: UTF8.self) }
    }
}

extension Date: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Date {
        switch cell.type {
        case .timestamptz:
            guard let microseconds = cell.integer(Int64.self) else { break }
            return Self.fromPostgres(microseconds: microseconds)
        case .date:
            guard let days = cell.integer(Int32.self) else { break }
            if days == .max { return .distantFuture }
            if days == .min { return .distantPast }
            return Date(timeIntervalSince1970: Double(days) * 86_400 + Self.postgresEpoch)
        default: break
        }
        throw cell.mismatch("timestamptz")
    }

    fileprivate static func fromPostgres(microseconds: Int64) -> Date {
        switch microseconds {
        case .max: .distantFuture
        case .min: .distantPast
        default: Date(timeIntervalSince1970: Double(microseconds) / 1_000_000 + Self.postgresEpoch)
        }
    }
}

extension Duration: PostgresDecodable {
    /// An interval without months; a day counts 24 hours.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Duration {
        let parts: (Int64, Int32, Int32)? = cell.withBytes { bytes in
            guard bytes.count == 16 else { return nil }
            return (
                Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)),
                Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self)),
                Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: Int32.self))
            )
        }
        guard cell.type == .interval, let (microseconds, days, months) = parts, months == 0 else {
            throw cell.mismatch("interval without months")
        }
        return .microseconds(microseconds) + .seconds(86_400 * Int64(days))
    }
}

extension UUID: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> UUID {
        let value: UUID? = cell.withBytes { bytes in
            bytes.count == 16 ? UUID(uuid: bytes.loadUnaligned(as: uuid_t.self)) : nil
        }
        guard cell.type == .uuid, let value else { throw cell.mismatch("uuid") }
        return value
    }
}

/// A type that arrays can be read as; `UInt8` reads `bytea`.
package protocol PostgresDecodableElement {
    static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [Self]
}

extension Array: PostgresDecodable where Element: PostgresDecodableElement {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> [Element] {
        guard !cell.isNull else { throw cell.mismatch("an array") }
        return try Element.decodeArray(cell)
    }
}

extension UInt8: PostgresDecodableElement {
    /// The bytes of a `bytea`, or the text of a `json` or `jsonb`.
    package static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [UInt8] {
        switch cell.type {
        case .bytea, .json: cell.withBytes { [UInt8]($0) }
        case .jsonb: cell.withBytes { [UInt8]($0.dropFirst()) }
        default: throw cell.mismatch("bytea")
        }
    }
}

extension PostgresCell {
    /// The elements of a one-dimensional array of `type`; nil is NULL.
    /// - Throws: `.typeMismatch` for other types, more dimensions or a malformed value.
    fileprivate func elements<T>(
        of types: Set<PostgresType>, _ decode: (UnsafeRawBufferPointer) -> T?
    ) throws(PostgresError) -> [T?] {
        let values: [T?]? = self.withBytes { bytes in
            func int32(_ offset: Int) -> Int? {
                guard offset + 4 <= bytes.count else { return nil }
                return Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
            }
            guard let dimensions = int32(0), let element = int32(8) else { return nil }
            guard types.contains(PostgresType(oid: UInt32(truncatingIfNeeded: element))) else { return nil }
            if dimensions == 0 { return [] }
            guard dimensions == 1, let count = int32(12), count >= 0 else { return nil }
            var result: [T?] = []
            result.reserveCapacity(count)
            var offset = 20
            for _ in 0..<count {
                guard let length = int32(offset) else { return nil }
                offset += 4
                if length < 0 {
                    result.append(nil)
                    continue
                }
                guard offset + length <= bytes.count else { return nil }
                guard let value = decode(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])) else {
                    return nil
                }
                result.append(value)
                offset += length
            }
            return result
        }
        guard let values else { throw self.mismatch("an array of \(T.self)") }
        return values
    }
}

/// An element of an array in binary form.
package protocol PostgresArrayDecodable: PostgresDecodableElement {
    static var postgresElementTypes: Set<PostgresType> { get }
    init?(postgresBytes: UnsafeRawBufferPointer)
}

extension PostgresArrayDecodable {
    package static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [Self] {
        let values = try cell.elements(of: Self.postgresElementTypes) { Self(postgresBytes: $0) }
        let present = values.compactMap(\.self)
        guard present.count == values.count else { throw cell.mismatch("an array without NULL") }
        return present
    }
}

extension Optional: PostgresDecodableElement where Wrapped: PostgresArrayDecodable {
    package static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [Wrapped?] {
        try cell.elements(of: Wrapped.postgresElementTypes) { Wrapped(postgresBytes: $0) }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func integer<T: FixedWidthInteger>(_: T.Type) -> T? {
        self.count == MemoryLayout<T>.size ? T(bigEndian: self.loadUnaligned(as: T.self)) : nil
    }
}

extension Int64: PostgresArrayDecodable {
    package static var postgresElementTypes: Set<PostgresType> { [.int8] }
    package init?(postgresBytes bytes: UnsafeRawBufferPointer) {
        guard let value = bytes.integer(Int64.self) else { return nil }
        self = value
    }
}

extension Int32: PostgresArrayDecodable {
    package static var postgresElementTypes: Set<PostgresType> { [.int4] }
    package init?(postgresBytes bytes: UnsafeRawBufferPointer) {
        guard let value = bytes.integer(Int32.self) else { return nil }
        self = value
    }
}

extension Float: PostgresArrayDecodable {
    package static var postgresElementTypes: Set<PostgresType> { [.float4] }
    package init?(postgresBytes bytes: UnsafeRawBufferPointer) {
        guard let bits = bytes.integer(UInt32.self) else { return nil }
        self.init(bitPattern: bits)
    }
}

extension Double: PostgresArrayDecodable {
    package static var postgresElementTypes: Set<PostgresType> { [.float8] }
    package init?(postgresBytes bytes: UnsafeRawBufferPointer) {
        guard let bits = bytes.integer(UInt64.self) else { return nil }
        self.init(bitPattern: bits)
    }
}

extension Bool: PostgresArrayDecodable {
    package static var postgresElementTypes: Set<PostgresType> { [.bool] }
    package init?(postgresBytes bytes: UnsafeRawBufferPointer) {
        guard let value = bytes.integer(UInt8.self) else { return nil }
        self = value != 0
    }
}

extension String: PostgresArrayDecodable {
    package static var postgresElementTypes: Set<PostgresType> { [.text, .name, PostgresType(oid: 1043)] }
    package init?(postgresBytes bytes: UnsafeRawBufferPointer) { self.init(decoding: bytes, as: UTF8.self) }
}

extension Date: PostgresArrayDecodable {
    package static var postgresElementTypes: Set<PostgresType> { [.timestamptz] }
    package init?(postgresBytes bytes: UnsafeRawBufferPointer) {
        guard let value = bytes.integer(Int64.self) else { return nil }
        self = Self.fromPostgres(microseconds: value)
    }
}

extension Array: PostgresArrayDecodable, PostgresDecodableElement where Element == UInt8 {
    package static var postgresElementTypes: Set<PostgresType> { [.bytea] }
    package init?(postgresBytes bytes: UnsafeRawBufferPointer) { self.init(bytes) }
}
