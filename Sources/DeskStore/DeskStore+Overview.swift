internal import DeskModel
internal import Postgres

package import struct Foundation.Date

/// The desk at a glance: `martlet status`.
package struct DeskOverview: Sendable, Codable {
    package struct Mailbox: Sendable, Codable {
        package var name: String
        package var lastGoodFetch: Date?
        package var heldBy: String?
        package var messages: Int
        package var history: Int
    }

    package var mailboxes: [Mailbox]
    package var ticketsByStatus: [String: Int]
    package var outboxByState: [String: Int]
    package var writesByState: [String: Int]
    package var jobsByState: [String: Int]
    package var quarantined: Int
    /// Automatic mail that is stopped for a while, and why.
    package var stopped: [String]
}

/// A mail that is held back.
package struct QuarantineEntry: Sendable {
    package var id: Int64
    package var ticketNumber: Int64?
    package var mailbox: String
    package var uid: UInt32
    package var reason: String
    package var size: Int
    package var state: String
    package var createdAt: Date
}

extension DeskStore {
    package func overview() async throws -> DeskOverview {
        let results = try await self.pool.pipeline([
            """
            select m.name, m.last_good_fetch, case when m.lease_until > now() then m.lease_owner end,
                (select count(*) from folder_item i join folder f on f.id = i.folder_id
                    where f.mailbox_id = m.id and i.disposition = 'message'),
                (select count(*) from folder_item i join folder f on f.id = i.folder_id
                    where f.mailbox_id = m.id and i.disposition = 'history')
            from mailbox m order by m.name
            """,
            "select status, count(*) from ticket where not is_history group by status",
            "select state, count(*) from outbox group by state",
            "select state, count(*) from mailbox_write group by state",
            "select state, count(*) from job group by state",
            "select count(*) from quarantine where state = 'held'",
            """
            select reason from breaker where until_at > now() and key not like 'flood:%' and key not like 'burst:%'
            order by tripped_at
            """,
        ])
        func counts(_ rows: PostgresRows) throws -> [String: Int] {
            try Dictionary(
                rows.map { row in
                    let (key, count) = try row.decode(String.self, Int64.self)
                    return (key, Int(count))
                }, uniquingKeysWith: +)
        }
        var held = 0
        if let row = results[5].first {
            let count = try row.decode(Int64.self)
            held = Int(count)
        }
        return DeskOverview(
            mailboxes: try results[0].map { row in
                let (name, fetched, holder, messages, history) = try row.decode(
                    String.self, Date?.self, String?.self, Int64.self, Int64.self)
                return .init(
                    name: name, lastGoodFetch: fetched, heldBy: holder, messages: Int(messages), history: Int(history))
            }, ticketsByStatus: try counts(results[1]), outboxByState: try counts(results[2]),
            writesByState: try counts(results[3]), jobsByState: try counts(results[4]),
            quarantined: held, stopped: try results[6].map { row in try row.decode(String.self) })
    }

    /// All UIDs that the ledger has for a folder under its UIDVALIDITY, ascending; for `audit`.
    package func ledgerUIDs(of folder: FolderRecord) async throws -> [UInt32] {
        let rows = try await self.pool.query(
            """
            select uid from folder_item
            where folder_id = \(folder.id.rawValue) and uidvalidity = \(Int64(folder.uidValidity)) order by uid
            """)
        return try rows.map { row in
            let uid = try row.decode(Int64.self)
            return UInt32(clamping: uid)
        }
    }

    package func quarantine(state: String, limit: Int) async throws -> [QuarantineEntry] {
        let rows = try await self.pool.query(
            """
            select q.id, t.ticket_number, m.name, q.uid, q.reason, length(q.bytes), q.state, q.created_at
            from quarantine q join mailbox m on m.id = q.mailbox_id left join ticket t on t.id = q.ticket_id
            where q.state = \(state) order by q.id desc limit \(limit)
            """)
        return try rows.map { row in
            let (id, number, mailbox, uid, reason, size, state, created) = try row.decode(
                Int64.self, Int64?.self, String.self, Int64.self, String.self, Int32.self, String.self, Date.self)
            return QuarantineEntry(
                id: id, ticketNumber: number, mailbox: mailbox, uid: UInt32(clamping: uid), reason: reason,
                size: Int(size), state: state, createdAt: created)
        }
    }

    package func quarantinedBytes(_ id: Int64) async throws -> [UInt8] {
        let rows = try await self.pool.query("select bytes from quarantine where id = \(id)")
        guard let row = rows.first else { throw StoreError(.notFound, "there is no held mail \(id)") }
        return try row.decode([UInt8].self)
    }

    /// - Parameter state: `replayed` or `discarded`.
    package func settleQuarantine(_ id: Int64, state: String) async throws {
        let count = try await self.pool.execute(
            "update quarantine set state = \(state) where id = \(id) and state = 'held'")
        guard count == 1 else { throw StoreError(.notFound, "no held mail \(id)") }
    }
}
