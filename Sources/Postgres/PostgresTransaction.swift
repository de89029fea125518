/// How a transaction begins.
package struct TransactionOptions: Sendable {
    package enum Isolation: String, Sendable {
        case readCommitted = "read committed"
        case repeatableRead = "repeatable read"
        case serializable
    }

    package var isolation: Isolation
    package var isReadOnly: Bool
    /// False lets COMMIT return before the data is on disk: only for work that may be lost in a crash and repeated.
    package var isDurable: Bool

    package init(isolation: Isolation = .readCommitted, isReadOnly: Bool = false, isDurable: Bool = true) {
        self.isolation = isolation
        self.isReadOnly = isReadOnly
        self.isDurable = isDurable
    }

    var beginStatement: String {
        var text = "begin"
        if self.isolation != .readCommitted { text += " isolation level \(self.isolation.rawValue)" }
        if self.isReadOnly { text += " read only" }
        if !self.isDurable { text += "; set local synchronous_commit = off" }
        return text
    }
}

/// An open transaction; of no use once the closure that got it has returned (`.misuse`).
package struct PostgresTransaction: PostgresSession {
    let connection: PostgresConnection
    let id: UInt64

    package func query(_ sql: SQL, timeout: Duration?) async throws(PostgresError) -> PostgresRows {
        try await self.connection.query(sql, in: self.id, timeout: timeout)
    }

    package func pipeline(_ statements: [SQL], timeout: Duration?) async throws(PostgresError) -> [PostgresRows] {
        try await self.connection.pipeline(statements, in: self.id, timeout: timeout)
    }

    package func copy(_ rows: PostgresCopy, timeout: Duration?) async throws(PostgresError) -> Int {
        try await self.connection.copy(rows, in: self.id, timeout: timeout)
    }

    /// Runs `body`; when it throws, only what it did is undone and the transaction goes on.
    @discardableResult
    package func savepoint<R>(_ body: () async throws -> R) async throws -> R {
        try await self.query("savepoint nested")
        do {
            let result = try await body()
            try await self.query("release savepoint nested")
            return result
        } catch {
            if self.connection.isUsable {
                try await self.pipeline(["rollback to savepoint nested", "release savepoint nested"])
            }
            throw error
        }
    }
}

extension PostgresConnection {
    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// Does not try again by itself: see `PostgresError.isRetryable` and `isOutcomeUnknown`.
    @discardableResult
    package nonisolated func transaction<R>(
        _ options: TransactionOptions = .init(), _ body: (PostgresTransaction) async throws -> R
    ) async throws -> R {
        let id = try await self.begin(options)
        let result: R
        do {
            result = try await body(PostgresTransaction(connection: self, id: id))
        } catch {
            await self.rollback(id)
            throw error
        }
        do throws(PostgresError) {
            try await self.commit(id)
        } catch {
            await self.rollback(id)
            throw error
        }
        return result
    }
}
