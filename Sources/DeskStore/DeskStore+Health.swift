internal import DeskModel
package import Postgres

package import struct Foundation.Date

/// What a database must have before the desk can run on it: `martlet doctor`.
package struct DatabaseHealth: Sendable {
    /// As `server_version_num`: 150004 for 15.4.
    package var version: Int
    /// Of the extension `vector`, such as `0.8.0`; nil when it is not installed in this database.
    package var vectorVersion: String?
    /// Whether the server has the extension on its disk.
    package var isVectorAvailable: Bool
    package var role: String
    package var isSuperuser: Bool
    package var bypassesRowSecurity: Bool
    package var ownsTables: Bool
    /// By the database clock.
    package var now: Date
}

extension DeskStore {
    package static func health(of session: some PostgresSession) async throws -> DatabaseHealth {
        let rows = try await session.query(
            """
            select current_setting('server_version_num')::int,
                (select extversion from pg_extension where extname = 'vector'),
                exists (select from pg_available_extensions where name = 'vector'),
                current_user::text, r.rolsuper, r.rolbypassrls,
                exists (select from pg_tables where tablename = 'ticket' and tableowner = current_user),
                clock_timestamp()
            from pg_roles r where r.rolname = current_user
            """)
        guard let row = rows.first else { throw StoreError(.notFound, "the role has no entry in pg_roles") }
        let (version, vector, available, role, isSuperuser, bypasses, owns, now) = try row.decode(
            Int32.self, String?.self, Bool.self, String.self, Bool.self, Bool.self, Bool.self, Date.self)
        return DatabaseHealth(
            version: Int(version), vectorVersion: vector, isVectorAvailable: available, role: role,
            isSuperuser: isSuperuser, bypassesRowSecurity: bypasses, ownsTables: owns, now: now)
    }

    /// Whether `migrate` was ever run on the database.
    package static func hasSchema(_ session: some PostgresSession) async throws -> Bool {
        let rows = try await session.query("select to_regclass('ticket') is not null")
        guard let row = rows.first else { return false }
        return try row.decode(Bool.self)
    }

    /// The cursor of a mailbox's folder; nil before the first import.
    package func knownFolder(named folder: String, ofMailbox mailbox: String) async throws -> FolderRecord? {
        let rows = try await self.pool.query("select id from mailbox where name = \(mailbox)")
        guard let row = rows.first else { return nil }
        let id = try row.decode(Int64.self)
        return try await self.folder(named: folder, in: .init(id))
    }
}
