package import DeskModel
package import Postgres

package import struct Foundation.Date

/// A mailbox as the database knows it.
package struct MailboxRecord: Sendable {
    package var id: MailboxID
    package var name: String
}

/// The right to work on a mailbox until `until`, by the database clock.
package struct MailboxLease: Sendable, Hashable {
    package var mailboxID: MailboxID
    package var epoch: Int64
}

/// The cursor of a folder.
package struct FolderRecord: Sendable, Hashable {
    package var id: FolderID
    package var name: String
    package var uidValidity: UInt32
    /// 0 before the first mail.
    package var lastUID: UInt32
    /// UIDs below stood there when the folder was first seen.
    package var firstNewUID: UInt32
    /// Older mail is history; nil: `firstNewUID` alone decides.
    package var historyBefore: Date?
}

/// A batch that was begun and not finished.
package struct UnfinishedAttempt: Sendable, Hashable {
    package var uidValidity: UInt32
    package var firstUID: UInt32
    package var lastUID: UInt32
    package var attempt: Int
}

extension DeskStore {
    /// Finds the mailbox by its name in the configuration, or makes it.
    package func mailbox(named name: String, address: MailAddress) async throws -> MailboxRecord {
        let id = try await self.ids.one()
        let rows = try await self.pool.withConnection { connection in
            try await connection.query(
                """
                insert into mailbox (id, name, address) values (\(id), \(name), \(address.address))
                on conflict (name) do update set address = excluded.address
                returning id, name
                """)
        }
        guard let row = rows.first else { throw StoreError(.notFound, "mailbox \(name)") }
        let (mailboxID, mailboxName) = try row.decode(Int64.self, String.self)
        return MailboxRecord(id: MailboxID(mailboxID), name: mailboxName)
    }

    /// nil before the mailbox was ever opened.
    package func mailboxID(named name: String) async throws -> MailboxID? {
        let rows = try await self.pool.query("select id from mailbox where name = \(name)")
        return try rows.first.map { row in
            let id = try row.decode(Int64.self)
            return MailboxID(id)
        }
    }

    package func leaseOwner(of mailbox: MailboxID) async throws -> String? {
        let rows = try await self.pool.query("select lease_owner from mailbox where id = \(mailbox.rawValue)")
        guard let row = rows.first else { return nil }
        return try row.decode(String?.self)
    }

    /// Takes the mailbox for `seconds` of the database clock when nobody holds it.
    ///
    /// - Parameter replacing: A holder that is known to be dead.
    /// - Returns: nil while another host holds it.
    package func acquireLease(
        on mailbox: MailboxID, owner: String, replacing: String?, seconds: Int
    ) async throws -> MailboxLease? {
        let rows = try await self.pool.withConnection { connection in
            try await connection.query(
                """
                update mailbox set lease_owner = \(owner), lease_epoch = lease_epoch + 1,
                    lease_until = clock_timestamp() + make_interval(secs => \(Double(seconds)))
                where id = \(mailbox.rawValue)
                    and (lease_until is null or lease_until <= clock_timestamp()
                        or lease_owner in (\(owner), \(replacing)))
                returning lease_epoch
                """)
        }
        return try rows.first.map { MailboxLease(mailboxID: mailbox, epoch: try $0.decode(Int64.self)) }
    }

    /// - Returns: False when the lease was lost.
    package func renewLease(_ lease: MailboxLease, seconds: Int) async throws -> Bool {
        let count = try await self.pool.execute(
            """
            update mailbox set lease_until = clock_timestamp() + make_interval(secs => \(Double(seconds)))
            where id = \(lease.mailboxID.rawValue) and lease_epoch = \(lease.epoch)
                and lease_until > clock_timestamp()
            """)
        return count == 1
    }

    package func releaseLease(_ lease: MailboxLease) async throws {
        _ = try await self.pool.execute(
            """
            update mailbox set lease_until = null, lease_owner = null
            where id = \(lease.mailboxID.rawValue) and lease_epoch = \(lease.epoch)
            """)
    }

    package func recordGoodFetch(_ mailbox: MailboxID) async throws {
        _ = try await self.pool.execute(
            "update mailbox set last_good_fetch = now() where id = \(mailbox.rawValue)")
    }

    // MARK: - Folders

    package func folder(named name: String, in mailbox: MailboxID) async throws -> FolderRecord? {
        let rows = try await self.pool.query(
            """
            select id, name, uidvalidity, last_uid, first_new_uid, history_before
            from folder where mailbox_id = \(mailbox.rawValue) and name = \(name)
            """)
        return try rows.first.map(Self.folder)
    }

    /// Sets the cursor of a folder that is seen for the first time.
    ///
    /// - Parameters:
    ///   - firstNewUID: UIDs below are old mail.
    ///   - historyBefore: Of the old mail, what is older is history; nil: all of it.
    ///   - lastUID: Nothing up to here is read at all.
    package func addFolder(
        named name: String, role: String, in mailbox: MailboxID, uidValidity: UInt32, firstNewUID: UInt32,
        historyBefore: Date?, lastUID: UInt32 = 0
    ) async throws -> FolderRecord {
        let id = try await self.ids.one()
        let rows = try await self.pool.withConnection { connection in
            try await connection.query(
                """
                insert into folder (id, mailbox_id, role, name, uidvalidity, first_new_uid, history_before, last_uid)
                values (\(id), \(mailbox.rawValue), \(role), \(name), \(Int64(uidValidity)), \(Int64(firstNewUID)),
                    \(historyBefore), \(Int64(lastUID)))
                on conflict (mailbox_id, name) do update set name = excluded.name
                returning id, name, uidvalidity, last_uid, first_new_uid, history_before
                """)
        }
        guard let row = rows.first else { throw StoreError(.notFound, "folder \(name)") }
        return try Self.folder(row)
    }

    /// Starts over after the server gave the folder a new UIDVALIDITY. RFC 9051 §2.3.1.1.
    ///
    /// Known mail is found again by its dedupe key; unknown mail from before the last good fetch is history, unknown mail
    /// since then is new as ever. A minute is left for the server's clock.
    package func resetFolder(
        _ folder: FolderRecord, uidValidity: UInt32, firstNewUID: UInt32
    ) async throws -> FolderRecord {
        let rows = try await self.pool.withTransaction { transaction in
            _ = try await transaction.query(
                "delete from intake_attempt where folder_id = \(folder.id.rawValue)")
            return try await transaction.query(
                """
                update folder f set uidvalidity = \(Int64(uidValidity)), last_uid = 0, highest_modseq = null,
                    first_new_uid = \(Int64(firstNewUID)), history_before = m.last_good_fetch - interval '1 minute'
                from mailbox m
                where f.id = \(folder.id.rawValue) and m.id = f.mailbox_id
                returning f.id, f.name, uidvalidity, last_uid, first_new_uid, history_before
                """)
        }
        guard let row = rows.first else { throw StoreError(.notFound, "folder \(folder.name)") }
        return try Self.folder(row)
    }

    private static func folder(_ row: PostgresRow) throws -> FolderRecord {
        let (id, name, validity, last, firstNew, before) = try row.decode(
            Int64.self, String.self, Int64.self, Int64.self, Int64.self, Date?.self)
        return FolderRecord(
            id: FolderID(id), name: name, uidValidity: UInt32(clamping: validity), lastUID: UInt32(clamping: last),
            firstNewUID: UInt32(clamping: firstNew), historyBefore: before)
    }

    // MARK: - Attempts

    /// Commits which UIDs are about to be read. It need not reach the disk: it guards against a death of this process,
    /// and the database outlives that.
    package func beginAttempt(
        _ folder: FolderID, uidValidity: UInt32, first: UInt32, last: UInt32, attempt: Int
    ) async throws {
        try await self.pool.withTransaction { transaction in
            _ = try await transaction.pipeline([
                "set local synchronous_commit = off",
                """
                insert into intake_attempt (folder_id, uidvalidity, first_uid, last_uid, attempt)
                values (\(folder.rawValue), \(Int64(uidValidity)), \(Int64(first)), \(Int64(last)), \(Int32(attempt)))
                on conflict (folder_id) do update set uidvalidity = excluded.uidvalidity,
                    first_uid = excluded.first_uid, last_uid = excluded.last_uid, attempt = excluded.attempt,
                    started_at = now()
                """,
            ])
        }
    }

    package func unfinishedAttempt(_ folder: FolderID) async throws -> UnfinishedAttempt? {
        let rows = try await self.pool.query(
            """
            select uidvalidity, first_uid, last_uid, attempt from intake_attempt
            where folder_id = \(folder.rawValue)
            """)
        return try rows.first.map { row in
            let (validity, first, last, attempt) = try row.decode(Int64.self, Int64.self, Int64.self, Int32.self)
            return UnfinishedAttempt(
                uidValidity: UInt32(clamping: validity), firstUID: UInt32(clamping: first),
                lastUID: UInt32(clamping: last), attempt: Int(attempt))
        }
    }
}

extension DeskStore {
    /// Opens the history tickets whose mails stand at `uids`: from now on they are work like any other.
    ///
    /// - Returns: The newest human mail of each opened ticket.
    package func reviveHistory(
        folder: FolderRecord, uids: [UInt32], in transaction: PostgresTransaction
    ) async throws -> [StoredMessageID] {
        let rows = try await transaction.query(
            """
            with opened as (
                update ticket t set is_history = false, status = 'new', resolved_at = null, updated_at = now()
                where t.is_history and t.id in (
                    select m.ticket_id from folder_item i join message m on m.id = i.message_id
                    where i.folder_id = \(folder.id.rawValue) and i.uidvalidity = \(Int64(folder.uidValidity))
                        and i.uid = any(\(uids.map { Int64($0) })::bigint[])
                        and m.kind in ('human', 'other') and m.direction = 'in')
                returning t.id
            ), items as (
                update folder_item i set disposition = 'message' from message m, opened
                where i.message_id = m.id and m.ticket_id = opened.id and i.disposition = 'history'
            )
            select max(m.id) from message m join opened o on o.id = m.ticket_id where m.direction = 'in' group by o.id
            """)
        return try rows.map { row in
            let id = try row.decode(Int64.self)
            return StoredMessageID(id)
        }
    }
}
