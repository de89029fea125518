internal import DeskModel
internal import Postgres

extension DeskStore {
    /// What reports in a batch say about mail that left our mailboxes, and what was learned of such mail.
    static func deliveryStatements(_ batch: IntakeBatch) -> [SQL] {
        var statements: [SQL] = []
        let failures = batch.failures
        if !failures.isEmpty {
            let dead = Set(failures.filter(\.isPermanent).map(\.delivery.address)).sorted()
            let originals = failures.compactMap { failure in failure.original.map { (failure.delivery.ticketID, $0) } }
            statements += [
                """
                insert into delivery_failure (ticket_id, address, message_id, status, is_permanent)
                select * from unnest(
                    \(failures.map(\.delivery.ticketID.rawValue))::bigint[], \(failures.map(\.delivery.address))::text[],
                    \(failures.map(\.messageID.rawValue))::bigint[], \(failures.map(\.status))::text[],
                    \(failures.map(\.isPermanent))::bool[])
                on conflict do nothing
                """,
                """
                update customer set undeliverable_at = coalesce(undeliverable_at, now())
                where email = any(\(dead)::text[])
                """,
                """
                update message m set bounced_at = coalesce(m.bounced_at, now())
                from unnest(
                    \(originals.map(\.0.rawValue))::bigint[], \(originals.map(\.1.text))::text[]) n (ticket, id)
                where m.ticket_id = n.ticket and m.direction = 'out' and m.internet_message_id = n.id
                """,
                """
                update outbox set bounced_at = coalesce(bounced_at, now())
                where internet_message_id = any(\(originals.map(\.1.text))::text[])
                """,
            ]
        }
        if !batch.complaints.isEmpty {
            statements.append(
                """
                update customer set automatic_stopped_at = coalesce(automatic_stopped_at, now())
                where email = any(\(batch.complaints.sorted())::text[])
                """)
        }
        if !batch.reachable.isEmpty {
            statements.append(
                """
                update customer set undeliverable_at = null
                where email = any(\(batch.reachable.sorted())::text[]) and undeliverable_at is not null
                """)
        }
        let sent = batch.sentIDs
        if !sent.isEmpty {
            statements.append(
                """
                insert into sent_id (id_hash, ticket_id, message_id)
                select * from unnest(
                    \(sent.map(\.digest))::bytea[], \(sent.map { $0.ticketID?.rawValue })::bigint[],
                    \(sent.map { $0.messageID?.rawValue })::bigint[])
                on conflict (id_hash) do nothing
                """)
        }
        return statements
    }
}
