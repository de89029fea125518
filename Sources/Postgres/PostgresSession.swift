/// What runs statements: a connection, an open transaction, or a pool (each call on a connection of its own).
package protocol PostgresSession: Sendable {
    /// Runs one statement and gives its rows.
    /// - Parameter timeout: nil means the configuration's `statementTimeout`.
    func query(_ sql: SQL, timeout: Duration?) async throws(PostgresError) -> PostgresRows

    /// Runs the statements in one round trip and gives each one's rows, in order.
    ///
    /// All or nothing outside a transaction; inside one, a failure aborts the transaction as usual.
    /// - Throws: the first statement's error; the ones after it did not run.
    func pipeline(_ statements: [SQL], timeout: Duration?) async throws(PostgresError) -> [PostgresRows]

    /// Sends rows by COPY; gives their number.
    func copy(_ rows: PostgresCopy, timeout: Duration?) async throws(PostgresError) -> Int
}

extension PostgresSession {
    @discardableResult
    package func query(_ sql: SQL) async throws(PostgresError) -> PostgresRows {
        try await self.query(sql, timeout: nil)
    }

    /// Runs one statement and gives the number of rows it touched.
    @discardableResult
    package func execute(_ sql: SQL, timeout: Duration? = nil) async throws(PostgresError) -> Int {
        try await self.query(sql, timeout: timeout).affectedCount
    }

    @discardableResult
    package func pipeline(_ statements: [SQL]) async throws(PostgresError) -> [PostgresRows] {
        try await self.pipeline(statements, timeout: nil)
    }

    @discardableResult
    package func copy(_ rows: PostgresCopy) async throws(PostgresError) -> Int {
        try await self.copy(rows, timeout: nil)
    }
}
