import TestSupport
import Testing

@testable import Postgres

@Suite("Migrator", .database()) struct MigratorTests {
    private let database: TestDatabase

    private static let first = Migration(version: 1, name: "first", sql: "create table first (id bigint);")
    private static let second = Migration(
        version: 2, name: "second", sql: "create table second (id bigint); insert into second values (1);")

    init() throws { self.database = try TestDatabase.required() }

    private func run(_ migrations: [Migration], dryRun: Bool = false) async throws -> [Int] {
        try await self.database.asAdmin { admin in
            try await Migrator(migrations, schema: self.database.schema).run(on: admin, dryRun: dryRun).map(\.version)
        }
    }

    private func exists(_ table: String) async throws -> Bool {
        try await self.database.asAdmin { admin in
            try await admin.query("select to_regclass(\(table)) is not null")[0].decode(Bool.self)
        }
    }

    @Test func `applies what is missing, in order, once`() async throws {
        #expect(try await self.run([Self.first]) == [1])
        #expect(try await self.run([Self.second, Self.first]) == [2])
        #expect(try await self.run([Self.first, Self.second]) == [])
    }

    @Test func `a dry run changes nothing`() async throws {
        #expect(try await self.run([Self.first, Self.second], dryRun: true) == [1, 2])
        #expect(try await self.exists("first") == false)
    }

    @Test func `a migration that fails leaves nothing behind, and a repetition succeeds`() async throws {
        let broken = Migration(version: 2, name: "second", sql: "create table second (id bigint); select 1/0;")
        let error = await #expect(throws: PostgresError.self) { try await self.run([Self.first, broken]) }
        #expect(error?.sqlState == "22012")
        #expect(error?.context == "migration 2 second")
        #expect(try await self.exists("first"))
        #expect(try await self.exists("second") == false)
        #expect(try await self.run([Self.first, Self.second]) == [2])
    }

    @Test func `refuses a migration that was changed after it had been applied`() async throws {
        _ = try await self.run([Self.first])
        let changed = Migration(version: 1, name: "first", sql: Self.first.sql + "\n-- harmless?")
        let error = await #expect(throws: PostgresError.self) { try await self.run([changed]) }
        #expect(error?.code == .migration)
    }

    @Test func `refuses a database that is newer than the program`() async throws {
        _ = try await self.run([Self.first, Self.second])
        let error = await #expect(throws: PostgresError.self) { try await self.run([Self.first]) }
        #expect(error?.code == .migration)
    }

    @Test func `refuses a migration that comes late`() async throws {
        _ = try await self.run([Self.second])
        let error = await #expect(throws: PostgresError.self) { try await self.run([Self.first, Self.second]) }
        #expect(error?.code == .migration)
        #expect(try await self.exists("first") == false)
    }

    @Test func `two programs at once apply each migration once`() async throws {
        let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<4 { group.addTask { try await self.run([Self.first, Self.second]) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(applied == [1, 2])
    }

    @Test func `builds an index concurrently outside a transaction`() async throws {
        let index = Migration(
            version: 3, name: "index",
            sql: """
                -- martlet: no-transaction
                drop index concurrently if exists first_id;
                create index concurrently first_id
                    on first (id);
                """)
        #expect(try await self.run([Self.first, Self.second, index]) == [1, 2, 3])
        #expect(try await self.exists("first_id"))
    }

    @Test func `splits statements at the ends of lines`() {
        let sql = "-- martlet: no-transaction\nselect 1;\nselect\n  ';x' ;\n-- the end\n"
        #expect(Migrator.statements(of: sql).count == 2)
    }
}
