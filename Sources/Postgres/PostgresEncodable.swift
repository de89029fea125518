package import struct Foundation.Date
package import struct Foundation.UUID

/// A value that can be bound to a parameter, in PostgreSQL's binary form.
package protocol PostgresEncodable: Sendable {
    static var postgresType: PostgresType { get }
    var isNull: Bool { get }
    /// Appends the value without its length; not called when `isNull`.
    func encode(into buffer: inout PostgresBuffer)
}

extension PostgresEncodable {
    package var isNull: Bool { false }
}

/// A value that an array can hold.
///
/// `UInt8` is one although PostgreSQL has no such type: an array of it is a `bytea`.
package protocol PostgresArrayElement: Sendable {
    static var postgresArrayType: PostgresType { get }
    static func encode(array: [Self], into buffer: inout PostgresBuffer)
}

/// A single value, alone or in an array.
///
/// For a type of one's own over a `RawRepresentable` it is enough to declare the conformance.
package protocol PostgresScalar: PostgresEncodable, PostgresArrayElement {}

/// Where values are written before they are sent.
package struct PostgresBuffer: Sendable {
    var bytes: [UInt8] = []
    /// Why what was written must not be sent.
    var problem: String?

    package mutating func append<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { self.bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ value: [UInt8]) { self.bytes.append(contentsOf: value) }

    /// A NUL is remembered as a problem: PostgreSQL's text cannot hold it, and would answer with an error late.
    package mutating func append(_ text: String) {
        let start = self.bytes.count
        self.bytes.append(contentsOf: text.utf8)
        if self.bytes[start...].contains(0) { self.problem = "text holds a NUL" }
    }

    /// Appends a 32-bit length and what `body` writes, or −1 for NULL.
    mutating func appendField<T: PostgresEncodable>(_ value: T) {
        guard !value.isNull else { return self.append(Int32(-1)) }
        let start = self.bytes.count
        self.append(Int32(0))
        value.encode(into: &self)
        self.overwrite(at: start, with: Int32(self.bytes.count - start - 4))
    }

    /// The header of a one-dimensional array: dimensions, NULL flag, element type, length, lower bound.
    mutating func appendArrayHeader(element: PostgresType, count: Int, hasNull: Bool) {
        self.append(Int32(count == 0 ? 0 : 1))
        self.append(Int32(hasNull ? 1 : 0))
        self.append(element.oid)
        guard count > 0 else { return }
        self.append(Int32(count))
        self.append(Int32(1))
    }

    mutating func overwrite<T: FixedWidthInteger>(at index: Int, with value: T) {
        withUnsafeBytes(of: value.bigEndian) { source in
            self.bytes.replaceSubrange(index..<index + source.count, with: source)
        }
    }
}

extension PostgresArrayElement where Self: PostgresScalar {
    package static func encode(array: [Self], into buffer: inout PostgresBuffer) {
        buffer.appendArrayHeader(element: Self.postgresType, count: array.count, hasNull: false)
        for value in array { buffer.appendField(value) }
    }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresScalar {
    package static var postgresType: PostgresType { RawValue.postgresType }
    package static var postgresArrayType: PostgresType { RawValue.postgresArrayType }
    package func encode(into buffer: inout PostgresBuffer) { self.rawValue.encode(into: &buffer) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package static var postgresType: PostgresType { Wrapped.postgresType }
    package var isNull: Bool { self == nil }
    package func encode(into buffer: inout PostgresBuffer) { self?.encode(into: &buffer) }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresScalar {
    package static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
    package static func encode(array: [Self], into buffer: inout PostgresBuffer) {
        buffer.appendArrayHeader(
            element: Wrapped.postgresType, count: array.count, hasNull: array.contains { $0.isNull })
        for value in array { buffer.appendField(value) }
    }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    package static var postgresType: PostgresType { Element.postgresArrayType }
    package func encode(into buffer: inout PostgresBuffer) { Element.encode(array: self, into: &buffer) }
}

extension UInt8: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .bytea }
    package static func encode(array: [UInt8], into buffer: inout PostgresBuffer) { buffer.append(array) }
}

extension Array: PostgresScalar, PostgresArrayElement where Element == UInt8 {
    package static var postgresArrayType: PostgresType { .byteaArray }
}

extension Bool: PostgresScalar {
    package static var postgresType: PostgresType { .bool }
    package static var postgresArrayType: PostgresType { .boolArray }
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(UInt8(self ? 1 : 0)) }
}

extension Int16: PostgresScalar {
    package static var postgresType: PostgresType { .int2 }
    package static var postgresArrayType: PostgresType { .int2Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }
}

extension Int32: PostgresScalar {
    package static var postgresType: PostgresType { .int4 }
    package static var postgresArrayType: PostgresType { .int4Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }
}

extension Int64: PostgresScalar {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }
}

extension Int: PostgresScalar {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(Int64(self)) }
}

extension Float: PostgresScalar {
    package static var postgresType: PostgresType { .float4 }
    package static var postgresArrayType: PostgresType { .float4Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self.bitPattern) }
}

extension Double: PostgresScalar {
    package static var postgresType: PostgresType { .float8 }
    package static var postgresArrayType: PostgresType { .float8Array }
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self.bitPattern) }
}

extension String: PostgresScalar {
    package static var postgresType: PostgresType { .text }
    package static var postgresArrayType: PostgresType { .textArray }
    package func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }
}

/// Microseconds; `distantPast` and `distantFuture` are the server's infinities.
extension Date: PostgresScalar {
    package static var postgresType: PostgresType { .timestamptz }
    package static var postgresArrayType: PostgresType { .timestamptzArray }
    package func encode(into buffer: inout PostgresBuffer) {
        switch self {
        case .distantPast: buffer.append(Int64.min)
        case .distantFuture: buffer.append(Int64.max)
        default:
            let microseconds = ((self.timeIntervalSince1970 - Self.postgresEpoch) * 1_000_000).rounded()
            guard let value = Int64(exactly: microseconds) else { return buffer.problem = "date out of range" }
            buffer.append(value)
        }
    }

    /// 2000-01-01 in seconds since 1970.
    static let postgresEpoch: Double = 946_684_800
}

extension UUID: PostgresScalar {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }
    package func encode(into buffer: inout PostgresBuffer) {
        withUnsafeBytes(of: self.uuid) { buffer.bytes.append(contentsOf: $0) }
    }
}

/// An `interval` of microseconds, without days or months.
extension Duration: PostgresScalar {
    package static var postgresType: PostgresType { .interval }
    package static var postgresArrayType: PostgresType { .intervalArray }
    package func encode(into buffer: inout PostgresBuffer) {
        let (seconds, attoseconds) = self.components
        let (microseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        if overflow { buffer.problem = "interval out of range" }
        buffer.append(microseconds &+ attoseconds / 1_000_000_000_000)
        buffer.append(Int64(0))
    }
}
