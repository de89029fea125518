/// A statement and the values bound to it, written as one string literal.
///
/// ```swift
/// let query: SQL = "select id from ticket where status = \(status) and mailbox_id = \(mailbox)"
/// ```
/// Each value becomes `$1`, `$2`… and travels in binary beside the text, so that no value can ever be read as SQL.
/// Fragments nest (`\(condition)`) and add up (`+`); only `\(unescaped:)` puts a string into the text itself.
/// A parameter carries its type: cast in the statement where the column's type has no Swift type (`\(state)::state`).
package struct SQL: ExpressibleByStringInterpolation, Sendable {
    struct Bind: Sendable {
        var type: PostgresType
        /// Bytes of the value in `buffer`; nil is NULL.
        var range: Range<Int>?
    }

    /// Text between the values; always one more than there are values.
    private(set) var fragments: [String]
    private(set) var binds: [Bind] = []
    private(set) var buffer = PostgresBuffer()

    package init(stringLiteral value: String) { self.fragments = [value] }

    package init(stringInterpolation: StringInterpolation) { self = stringInterpolation.sql }

    /// Raw text, never from outside the program.
    package init(unescaped text: String) { self.fragments = [text] }

    package static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum.append(right)
        return sum
    }

    package static func += (left: inout SQL, right: SQL) { left.append(right) }

    /// Joins fragments, for example conditions by ` and `.
    package static func joined(_ parts: [SQL], by separator: SQL) -> SQL {
        guard var sum = parts.first else { return "" }
        for part in parts.dropFirst() {
            sum.append(separator)
            sum.append(part)
        }
        return sum
    }

    /// The statement with `$1`, `$2`… in place of the values.
    package var text: String {
        if self.fragments.count == 1 { return self.fragments[0] }
        var text = ""
        text.reserveCapacity(self.fragments.reduce(0) { $0 + $1.utf8.count + 4 })
        for (index, fragment) in self.fragments.enumerated() {
            if index > 0 { text += "$\(index)" }
            text += fragment
        }
        return text
    }

    mutating func append(_ text: String) { self.fragments[self.fragments.count - 1] += text }

    mutating func append(_ other: SQL) {
        let shift = self.buffer.bytes.count
        self.append(other.fragments[0])
        self.fragments.append(contentsOf: other.fragments.dropFirst())
        self.buffer.bytes.append(contentsOf: other.buffer.bytes)
        self.buffer.problem = self.buffer.problem ?? other.buffer.problem
        for bind in other.binds {
            let range = bind.range.map { $0.lowerBound + shift..<$0.upperBound + shift }
            self.binds.append(Bind(type: bind.type, range: range))
        }
    }

    mutating func bind<T: PostgresEncodable>(_ value: T, as type: PostgresType = T.postgresType) {
        let start = self.buffer.bytes.count
        if !value.isNull { value.encode(into: &self.buffer) }
        self.binds.append(Bind(type: type, range: value.isNull ? nil : start..<self.buffer.bytes.count))
        self.fragments.append("")
    }

    /// jsonb's binary form is a version number before the text.
    mutating func bind(json: String?) {
        let start = self.buffer.bytes.count
        if let json {
            self.buffer.append(UInt8(1))
            self.buffer.append(json)
        }
        self.binds.append(Bind(type: .jsonb, range: json == nil ? nil : start..<self.buffer.bytes.count))
        self.fragments.append("")
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        var sql = SQL(unescaped: "")

        package init(literalCapacity: Int, interpolationCount: Int) {
            self.sql.fragments.reserveCapacity(interpolationCount + 1)
            self.sql.binds.reserveCapacity(interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) { self.sql.append(literal) }

        /// Binds a value.
        package mutating func appendInterpolation<T: PostgresEncodable>(_ value: T) { self.sql.bind(value) }

        /// Binds a value or NULL; on its own, so that the compiler does not take it for text made of an optional.
        package mutating func appendInterpolation<T: PostgresEncodable>(_ value: T?) { self.sql.bind(value) }

        /// Binds the raw value of an enumeration that declares nothing about PostgreSQL.
        @_disfavoredOverload
        package mutating func appendInterpolation<T: RawRepresentable<String>>(_ value: T) {
            self.sql.bind(value.rawValue)
        }

        @_disfavoredOverload
        package mutating func appendInterpolation<T: RawRepresentable<String>>(_ value: T?) {
            self.sql.bind(value?.rawValue)
        }

        @_disfavoredOverload
        package mutating func appendInterpolation<T: RawRepresentable<String>>(_ values: [T]) {
            self.sql.bind(values.map(\.rawValue))
        }

        /// Binds JSON text as `jsonb`; the server refuses what is not JSON (SQLSTATE 22P02).
        package mutating func appendInterpolation(json: String?) { self.sql.bind(json: json) }

        /// Nests a fragment with its values.
        package mutating func appendInterpolation(_ fragment: SQL) { self.sql.append(fragment) }

        /// Puts text into the statement as it is; never text from outside the program.
        package mutating func appendInterpolation(unescaped text: String) { self.sql.append(text) }

        /// A name of a table, column, schema or channel, quoted.
        package mutating func appendInterpolation(identifier name: String) { self.sql.append(SQL.quoted(name)) }
    }

    /// `name` as a quoted identifier.
    package static func quoted(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }
}
