internal import DeskModel
internal import Postgres

package import struct Foundation.Date

/// What a pause stops. `all` stops everything; intake goes on under the others.
package enum PauseScope: String, Sendable, CaseIterable {
    /// Everything that goes out by SMTP.
    case outgoing
    /// What goes to customers without a person: acknowledgements and automatic answers.
    case automatic
    /// Drafts, notes and marks.
    case drafts
    /// Reading of mail.
    case intake
    case all

    var key: String { "pause.\(self.rawValue)" }
}

package struct Pause: Sendable {
    package var scope: PauseScope
    package var since: Date
    package var by: String
    package var reason: String
}

extension DeskStore {
    package func pause(_ scope: PauseScope, by actor: String, reason: String) async throws {
        _ = try await self.pool.execute(
            """
            insert into control (key, value, changed_by) values (\(scope.key), \(reason), \(actor))
            on conflict (key) do nothing
            """)
    }

    /// Lifts one pause, or every one with `all`; with `automatic` and `all` also what looked like loops.
    package func resume(_ scope: PauseScope) async throws {
        _ = try await self.pool.withTransaction { transaction in
            _ = try await transaction.pipeline([
                "delete from control where key = \(scope.key) or (\(scope == .all) and key like 'pause.%')",
                "delete from breaker where \(scope == .all || scope == .automatic)",
                "select pg_notify(\(Self.outboxChannel), '')",
                "select pg_notify(\(Self.writesChannel), '')",
            ])
        }
    }

    package func pauses() async throws -> [Pause] {
        let rows = try await self.pool.query(
            "select key, changed_at, changed_by, value from control where key like 'pause.%' order by key")
        return try rows.compactMap { row in
            let (key, at, by, reason) = try row.decode(String.self, Date.self, String.self, String.self)
            return PauseScope(rawValue: String(key.dropFirst("pause.".count))).map {
                Pause(scope: $0, since: at, by: by, reason: reason)
            }
        }
    }
}
