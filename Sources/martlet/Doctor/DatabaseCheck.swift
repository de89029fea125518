import Desk
import DeskStore
import Foundation
import Postgres

/// Checks of the database: reachable, new enough, pgvector, rights, tables, clock.
enum DatabaseCheck {
    private static let names = ["database version", "pgvector", "role", "tables", "clock"]

    static func findings(_ settings: DeskSettings) async -> [Finding] {
        do {
            let connection = try await PostgresConnection.connect(
                DatabaseAccess.configuration(settings.database, application: "martlet doctor"))
            let started = Date()
            let health = try await DeskStore.health(of: connection)
            // The database's clock was read somewhere between these two; a slow answer is no skew.
            let asked = started...max(started, Date())
            let tables = await Self.tables(settings)
            let standing = await Self.standing(settings)
            await connection.close()
            return [
                .ok("database", "reachable as \(health.role)"), Self.version(health), Self.vector(health),
                Self.role(health), tables, Self.clock(health, asked: asked),
            ] + standing
        } catch {
            let explained = DeskRuntime.explained(error) as? CommandError
            let failure = explained ?? CommandError(.failed, "the database cannot be asked: \(error)")
            return [.failure("database", failure)] + Self.names.map { .skip($0, "the database was not reached") }
        }
    }

    static func version(_ health: DatabaseHealth) -> Finding {
        let text = "PostgreSQL \(health.version / 10_000).\(health.version % 10_000)"
        guard health.version >= 150_000 else {
            return .fail("database version", "\(text) is too old", "Martlet needs PostgreSQL 15 or newer")
        }
        return .ok("database version", text)
    }

    static func vector(_ health: DatabaseHealth) -> Finding {
        guard let version = health.vectorVersion else {
            return .fail(
                "pgvector", "the extension is missing in this database",
                health.isVectorAvailable
                    ? "as a superuser, in this database: create extension vector"
                    : "install the package postgresql-\(health.version / 10_000)-pgvector on the database server, then: create extension vector"
            )
        }
        let parts = version.split(separator: ".").compactMap { Int($0) }
        let isNewEnough = parts.count >= 2 && (parts[0], parts[1]) >= (0, 7)
        return isNewEnough
            ? .ok("pgvector", version)
            : .fail(
                "pgvector", "\(version) is too old", "update it to 0.7 or newer, then: alter extension vector update")
    }

    static func role(_ health: DatabaseHealth) -> Finding {
        let powers = [
            health.isSuperuser ? "is a superuser" : nil,
            health.bypassesRowSecurity && !health.isSuperuser ? "bypasses row-level security" : nil,
            health.ownsTables ? "owns the tables" : nil,
        ].compactMap { $0 }
        guard powers.isEmpty else {
            return .warn(
                "role", "\(health.role) \(powers.joined(separator: " and ")): row-level security does not hold for it",
                "make the roles of Scripts/roles.sql; martlet_runtime in database.url, martlet_owner in database.direct"
            )
        }
        return .ok("role", "\(health.role) has no more rights than it needs")
    }

    static func clock(_ health: DatabaseHealth, asked: ClosedRange<Date>) -> Finding {
        let skew = max(
            asked.lowerBound.timeIntervalSince(health.now), health.now.timeIntervalSince(asked.upperBound), 0)
        guard skew > 5 else { return .ok("clock", "agrees with the database's") }
        return .warn(
            "clock", "differs from the database's by \(Int(skew)) s",
            "run a time service (systemd-timesyncd, chrony) on both machines")
    }

    private static func tables(_ settings: DeskSettings) async -> Finding {
        do {
            let connection = try await PostgresConnection.connect(
                DatabaseAccess.directConfiguration(settings.database, application: "martlet doctor"))
            let status = try await Migrator(DatabaseAccess.migrations).status(on: connection)
            await connection.close()
            guard status.pending.isEmpty else {
                let names = status.pending.map { "\($0.version) \($0.name)" }.joined(separator: ", ")
                return .fail("tables", "not made yet: \(names)", "run martlet migrate")
            }
            return .ok("tables", "up to date")
        } catch let error as PostgresError where error.code == .migration {
            return .fail("tables", "\(error)", "run the martlet that made them, or a newer one")
        } catch {
            let explained = DeskRuntime.explained(error) as? CommandError
            return .fail(
                "tables", explained?.context ?? "cannot be asked for: \(error)",
                explained?.remedy ?? "check database.direct")
        }
    }

    /// What keeps mail from going out.
    private static func standing(_ settings: DeskSettings) async -> [Finding] {
        let pool = PostgresPool(DatabaseAccess.configuration(settings.database, application: "martlet doctor"), size: 1)
        let store = DeskStore(pool: pool)
        let pauses = try? await store.pauses()
        let stranded = try? await store.strandedMails(besides: settings.mailboxes.map(\.name))
        await pool.close()
        return (pauses ?? []).map { pause in
            .warn("pause", "\(pause.scope.rawValue) is paused by \(pause.by)", "martlet resume \(pause.scope.rawValue)")
        } + (stranded ?? []).map { Self.stranded($0.mailbox, $0.count) }
    }

    static func stranded(_ mailbox: String, _ count: Int) -> Finding {
        .warn("outbox \(mailbox)", StrandedMail.text(mailbox, count), StrandedMail.remedy(mailbox))
    }
}
