/// Rows for COPY in binary form; by far the fastest way for thousands of rows.
///
/// Binary COPY converts nothing: an `Int64` only fits a `bigint` column, a `String` only text (and types whose binary
/// form is text). Holds all rows in memory: send in portions of some megabytes.
package struct PostgresCopy: Sendable {
    let statement: String
    private let columnCount: Int
    private(set) var buffer = PostgresBuffer()
    /// Rows so far.
    package private(set) var count = 0

    /// - Parameter table: may be `schema.table`.
    package init(into table: String, columns: [String]) {
        let name = table.split(separator: ".").map { SQL.quoted(String($0)) }.joined(separator: ".")
        let list = columns.map(SQL.quoted).joined(separator: ", ")
        self.statement = "copy \(name) (\(list)) from stdin (format binary)"
        self.columnCount = columns.count
        self.buffer.append(Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0])
        self.buffer.append(Int32(0))
        self.buffer.append(Int32(0))
    }

    /// Adds one row, a value for each column in order.
    package mutating func append<each T: PostgresEncodable>(_ values: repeat each T) {
        let start = self.buffer.bytes.count
        self.buffer.append(Int16(0))
        var number = 0
        for value in repeat each values {
            self.buffer.appendField(value)
            number += 1
        }
        if number != self.columnCount { self.buffer.problem = "a row does not have one value for each column" }
        self.buffer.overwrite(at: start, with: Int16(truncatingIfNeeded: number))
        self.count += 1
    }

    /// Octets so far.
    package var byteCount: Int { self.buffer.bytes.count }
}
