internal import Glibc
package import Postgres
package import Testing

/// A schema of one test: made and migrated before it, dropped after it, also when it fails.
///
/// The tests reach it as the runtime role, which owns nothing; `admin` is a superuser for what the daemon may not do.
package struct TestDatabase: Sendable {
    @TaskLocal package static var current: TestDatabase?

    /// Connections of the runtime role, with the schema first in their `search_path`.
    package let pool: PostgresPool
    /// For connections of one's own in the same schema.
    package let configuration: PostgresConfiguration
    /// The same schema as superuser.
    package let adminConfiguration: PostgresConfiguration
    package let schema: String

    /// The database of the running test; the test must carry the trait `.database`.
    package static func required(sourceLocation: SourceLocation = #_sourceLocation) throws -> TestDatabase {
        try #require(Self.current, "this test lacks the trait .database(…)", sourceLocation: sourceLocation)
    }

    /// Runs `body` on one connection as superuser.
    @discardableResult
    package func asAdmin<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        let connection = try await PostgresConnection.connect(self.adminConfiguration)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }
}

/// Gives each test case a fresh schema and fails, never skips, without a server.
package struct DatabaseTrait: SuiteTrait, TestTrait, TestScoping {
    package let migrations: [Migration]
    package let connections: Int
    package let isRecursive = true

    /// Per test case only: a suite needs no schema of its own.
    package func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { testCase == nil ? nil : self }

    @concurrent package func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable @concurrent () async throws -> Void
    ) async throws {
        guard let runtime = Self.variable("MARTLET_DATABASE_URL"), let admin = Self.variable("MARTLET_TEST_ADMIN_URL")
        else {
            Issue.record(
                """
                No test servers: run `Scripts/stack up --dir .martlet/stack` and source .martlet/stack/env, \
                or run Scripts/test.
                """)
            return
        }
        await Turnstile.databases.enter()
        do {
            try await self.withSchema(runtime, admin, body)
            await Turnstile.databases.leave()
        } catch {
            await Turnstile.databases.leave()
            throw error
        }
    }

    private func withSchema(_ runtime: String, _ admin: String, _ body: () async throws -> Void) async throws {
        let schema = "t_\(UInt64.random(in: .min ... .max))"
        let path = "\(schema),public"
        let configuration = PostgresConfiguration(conninfo: runtime, applicationName: schema, searchPath: path)
        let adminConfiguration = PostgresConfiguration(
            conninfo: admin, applicationName: "\(schema)_admin", searchPath: path)
        let connection = try await PostgresConnection.connect(adminConfiguration)
        let pool = PostgresPool(configuration, size: self.connections)
        let database = TestDatabase(
            pool: pool, configuration: configuration, adminConfiguration: adminConfiguration, schema: schema)
        do {
            try await connection.query("create schema \(identifier: schema)")
            _ = try await Migrator(self.migrations, schema: schema).run(on: connection)
            try await self.grant(schema, on: connection)
            try await TestDatabase.$current.withValue(database) { try await body() }
        } catch {
            await self.drop(schema, pool, adminConfiguration)
            throw error
        }
        await connection.close()
        await self.drop(schema, pool, adminConfiguration)
    }

    /// The rights that the runtime role has in production: rows, not tables.
    private func grant(_ schema: String, on connection: PostgresConnection) async throws {
        try await connection.execute(
            script: """
                grant usage on schema \(SQL.quoted(schema)) to martlet_runtime;
                grant select, insert, update, delete on all tables in schema \(SQL.quoted(schema)) to martlet_runtime;
                grant usage, select on all sequences in schema \(SQL.quoted(schema)) to martlet_runtime;
                """)
    }

    private func drop(_ schema: String, _ pool: PostgresPool, _ configuration: PostgresConfiguration) async {
        await pool.close()
        // A cancelled test still cleans up; what a killed one leaves goes with the throw-away server.
        await Task {
            guard let connection = try? await PostgresConnection.connect(configuration) else { return }
            _ = try? await connection.query("set lock_timeout = '5s'")
            _ = try? await connection.query("drop schema if exists \(identifier: schema) cascade")
            await connection.close()
        }.value
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Lets a bounded number of tests in, so that all of them together stay below the server's `max_connections`.
private actor Turnstile {
    static let databases = Turnstile(free: 8)

    private var free: Int
    private var line: [CheckedContinuation<Void, Never>] = []

    init(free: Int) { self.free = free }

    func enter() async {
        if self.free > 0 {
            self.free -= 1
        } else {
            await withCheckedContinuation { self.line.append($0) }
        }
    }

    func leave() {
        if self.line.isEmpty { self.free += 1 } else { self.line.removeFirst().resume() }
    }
}

extension Trait where Self == DatabaseTrait {
    /// - Parameters:
    ///   - migrations: applied to the fresh schema.
    ///   - connections: size of the pool.
    package static func database(_ migrations: [Migration] = [], connections: Int = 4) -> Self {
        DatabaseTrait(migrations: migrations, connections: connections)
    }
}
