/// One step of the schema, applied once and never edited afterwards.
package struct Migration: Sendable, Hashable {
    /// 1 or more; ascending over all modules.
    package let version: Int
    package let name: String
    /// Any number of statements. When its first line is `-- martlet: no-transaction` they run one by one outside a
    /// transaction (`create index concurrently`) and must bear being run again after an interruption.
    package let sql: String

    package init(version: Int, name: String, sql: String) {
        self.version = version
        self.name = name
        self.sql = sql
    }

    var isTransactional: Bool { !self.sql.hasPrefix("-- martlet: no-transaction") }
}

/// Brings a database to the newest schema, whoever else tries at the same time.
///
/// The table `schema_migration` remembers what was applied, with a SHA-256 that the server computes. Each migration and
/// its entry commit together, so that an interrupted run is simply repeated.
package struct Migrator: Sendable {
    private let migrations: [Migration]
    private let schema: String?

    /// - Parameter schema: where unqualified names are made, and created when missing; nil leaves `search_path` alone.
    package init(_ migrations: [Migration], schema: String? = nil) {
        self.migrations = migrations.sorted { $0.version < $1.version }
        self.schema = schema
    }

    /// What is in the database.
    package struct Status: Sendable {
        /// In order of their versions.
        package var applied: [Int]
        package var pending: [Migration]
    }

    /// Applies what is missing, on a session that does not go through a pooler.
    /// - Parameter dryRun: only says what would be applied.
    /// - Returns: the migrations that were (or would be) applied.
    /// - Throws: `.migration` when an applied migration was changed, is unknown here, or a missing one is older than an
    ///   applied one; a server error with the migration's name in its context.
    package func run(on connection: PostgresConnection, dryRun: Bool = false) async throws -> [Migration] {
        if let duplicate = zip(self.migrations, self.migrations.dropFirst()).first(where: { $0.version == $1.version })
        {
            throw Self.failure("version \(duplicate.0.version) is used twice")
        }
        if dryRun { return try await self.status(on: connection).pending }
        try await self.lock(connection)
        do {
            let applied = try await self.apply(on: connection)
            try await connection.query("select pg_advisory_unlock(\(Self.lockKey))")
            return applied
        } catch {
            // The lock belongs to the session; a task that was cancelled cannot ask for its release.
            await connection.close()
            throw error
        }
    }

    /// What is applied and what is missing; changes nothing.
    package func status(on connection: PostgresConnection) async throws -> Status {
        try await self.usePath(connection)
        let exists = try await connection.query("select to_regclass('schema_migration') is not null")
        guard try exists[0].decode(Bool.self) else { return Status(applied: [], pending: self.migrations) }
        let rows = try await connection.query("select version, name, checksum from schema_migration order by version")
        let applied = try rows.decode(Int.self, String.self, [UInt8].self)
        let newest = applied.last?.0 ?? 0
        let known = Dictionary(uniqueKeysWithValues: self.migrations.map { ($0.version, $0) })
        let sums = try await self.checksums(on: connection)
        for (version, name, checksum) in applied {
            guard known[version] != nil else {
                throw Self.failure("the database has \(version) \(name), which this program does not know: it is older")
            }
            guard sums[version] == checksum else {
                throw Self.failure("\(version) \(name) was changed after it had been applied")
            }
        }
        let done = Set(applied.map(\.0))
        let pending = self.migrations.filter { !done.contains($0.version) }
        if let late = pending.first, late.version < newest {
            throw Self.failure("\(late.version) \(late.name) is missing although \(newest) was applied")
        }
        return Status(applied: applied.map(\.0), pending: pending)
    }

    // Any number that nobody else uses: the bytes of "martlet".
    private static let lockKey: Int64 = 0x6D61_7274_6C65_74

    /// Waits by asking again, not inside the server: `create index concurrently` waits for every running statement, and
    /// a statement that waits for our lock would be one of them.
    private func lock(_ connection: PostgresConnection) async throws {
        while true {
            let rows = try await connection.query("select pg_try_advisory_lock(\(Self.lockKey))")
            if try rows[0].decode(Bool.self) { return }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func apply(on connection: PostgresConnection) async throws -> [Migration] {
        if let schema = self.schema {
            try await connection.query("create schema if not exists \(identifier: schema)")
        }
        try await self.usePath(connection)
        try await connection.query(
            """
            create table if not exists schema_migration (
                version integer primary key check (version > 0),
                name text not null,
                checksum bytea not null,
                applied_at timestamptz not null default now()
            )
            """)
        let pending = try await self.status(on: connection).pending
        for migration in pending {
            do throws(PostgresError) {
                try await self.apply(migration, on: connection)
            } catch {
                throw PostgresError(
                    error.code, error.message, context: "migration \(migration.version) \(migration.name)",
                    detail: error.detail, constraint: error.constraint, table: error.table, statement: error.statement)
            }
        }
        return pending
    }

    private func apply(_ migration: Migration, on connection: PostgresConnection) async throws(PostgresError) {
        let entry: SQL = """
            insert into schema_migration (version, name, checksum)
            values (\(migration.version), \(migration.name), sha256(convert_to(\(migration.sql), 'UTF8')))
            """
        // Building an index over a large table takes its time.
        let limit = Duration.seconds(24 * 3600)
        guard migration.isTransactional else {
            for statement in Self.statements(of: migration.sql) {
                try await connection.execute(script: statement, timeout: limit)
            }
            try await connection.query(entry)
            return
        }
        try await connection.execute(script: "begin")
        do throws(PostgresError) {
            try await connection.execute(script: migration.sql, timeout: limit)
            try await connection.query(entry)
            try await connection.execute(script: "commit")
        } catch {
            await connection.close()
            throw error
        }
    }

    private func usePath(_ connection: PostgresConnection) async throws {
        guard let schema = self.schema else { return }
        try await connection.query("set search_path = \(identifier: schema), public")
    }

    private func checksums(on connection: PostgresConnection) async throws -> [Int: [UInt8]] {
        let rows = try await connection.query(
            """
            select version, sha256(convert_to(sql, 'UTF8'))
            from unnest(\(self.migrations.map(\.version)), \(self.migrations.map(\.sql))) as known (version, sql)
            """)
        return Dictionary(uniqueKeysWithValues: try rows.decode(Int.self, [UInt8].self))
    }

    /// Splits at semicolons that end a line; enough for migrations without a transaction, which hold no functions.
    static func statements(of sql: String) -> [String] {
        var statements: [String] = []
        var current = ""
        for line in sql.split(separator: "\n", omittingEmptySubsequences: false) {
            current += line + "\n"
            if line.last(where: { !$0.isWhitespace }) == ";" {
                statements.append(current)
                current = ""
            }
        }
        let rest = current.split(separator: "\n").filter { !$0.hasPrefix("--") && !$0.allSatisfy(\.isWhitespace) }
        if !rest.isEmpty { statements.append(current) }
        return statements
    }

    private static func failure(_ message: String) -> PostgresError {
        PostgresError(.migration, message, context: "check the migrations")
    }
}
