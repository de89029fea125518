internal import CPQ

/// One `PGresult`, freed with the last row that refers to it.
///
/// libpq documents that a result is read-only once received and may be read from any thread.
final class ResultStorage: @unchecked Sendable {  // `raw` is read-only after init, see above
    let raw: OpaquePointer

    init(owning raw: OpaquePointer) { self.raw = raw }
    deinit { PQclear(self.raw) }
}

/// The rows that a statement answered, in the server's order; cells stay where libpq put them until they are decoded.
package struct PostgresRows: RandomAccessCollection, Sendable {
    private let storage: ResultStorage

    init(_ storage: ResultStorage) { self.storage = storage }

    package var startIndex: Int { 0 }
    package var endIndex: Int { Int(PQntuples(self.storage.raw)) }
    package subscript(index: Int) -> PostgresRow { PostgresRow(storage: self.storage, row: Int32(index)) }

    /// Rows that an INSERT, UPDATE, DELETE, MERGE, COPY or SELECT touched; 0 for other commands.
    package var affectedCount: Int { Int(String(cString: PQcmdTuples(self.storage.raw))) ?? 0 }

    /// `INSERT 0 1`, `COMMIT`…
    var commandTag: String { String(cString: PQcmdStatus(self.storage.raw)) }

    /// All rows decoded; see `PostgresRow.decode`.
    package func decode<each T: PostgresDecodable>(
        _ types: repeat (each T).Type
    ) throws(PostgresError) -> [(repeat each T)] {
        var result: [(repeat each T)] = []
        result.reserveCapacity(self.count)
        for row in self { result.append(try row.decode(repeat each types)) }
        return result
    }
}

extension PostgresRows {
    /// The only column of all rows.
    package func decode<T: PostgresDecodable>(_ type: T.Type) throws(PostgresError) -> [T] {
        var result: [T] = []
        result.reserveCapacity(self.count)
        for row in self { result.append(try row.decode(type)) }
        return result
    }
}

/// One row of an answer.
package struct PostgresRow: Sendable {
    let storage: ResultStorage
    let row: Int32

    package var columnCount: Int { Int(PQnfields(self.storage.raw)) }

    /// The cell at `index`, from 0.
    package subscript(index: Int) -> PostgresCell {
        PostgresCell(storage: self.storage, row: self.row, column: Int32(index))
    }

    /// The cells as a tuple, in the order of the columns; an `Optional` takes NULL.
    /// - Throws: `.typeMismatch` when the number of columns differs, or a cell holds another type or a NULL.
    package func decode<each T: PostgresDecodable>(
        _ types: repeat (each T).Type
    ) throws(PostgresError) -> (repeat each T) {
        var expected = 0
        repeat Self.increment(&expected, (each types).self)
        guard expected == self.columnCount else {
            throw PostgresError(
                .typeMismatch, "\(expected) columns expected, \(self.columnCount) received", context: "decode a row")
        }
        var column = 0
        return (repeat try self.next((each types).self, &column))
    }

    /// The only cell of a row with one column.
    package func decode<T: PostgresDecodable>(_ type: T.Type) throws(PostgresError) -> T {
        guard self.columnCount == 1 else {
            throw PostgresError(
                .typeMismatch, "1 column expected, \(self.columnCount) received", context: "decode a row")
        }
        return try T.decode(self[0])
    }

    private static func increment<T>(_ count: inout Int, _: T.Type) { count += 1 }

    private func next<T: PostgresDecodable>(_: T.Type, _ column: inout Int) throws(PostgresError) -> T {
        defer { column += 1 }
        return try T.decode(self[column])
    }
}

/// One value of a row, still in the server's binary form.
package struct PostgresCell: Sendable {
    let storage: ResultStorage
    let row: Int32
    let column: Int32

    package var isNull: Bool { PQgetisnull(self.storage.raw, self.row, self.column) != 0 }
    package var type: PostgresType { PostgresType(oid: PQftype(self.storage.raw, self.column)) }
    package var columnName: String { String(cString: PQfname(self.storage.raw, self.column)) }

    /// The cell alone, for answers whose columns are not known beforehand.
    package func value<T: PostgresDecodable>(_: T.Type) throws(PostgresError) -> T { try T.decode(self) }

    /// The bytes live as long as the call; empty for NULL.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        let start = PQgetvalue(self.storage.raw, self.row, self.column)
        let count = PQgetlength(self.storage.raw, self.row, self.column)
        return withExtendedLifetime(self.storage) {
            body(UnsafeRawBufferPointer(start: start, count: Int(count)))
        }
    }

    /// The error for a cell that does not hold what was asked for.
    package func mismatch(_ wanted: String) -> PostgresError {
        let found = self.isNull ? "NULL" : "type \(self.type.oid)"
        return PostgresError(
            .typeMismatch, "column \(self.columnName) holds \(found), not \(wanted)", context: "decode a row")
    }
}
