package import DeskModel
internal import Postgres

/// Much mail of one kind within a short time.
package struct Flood: Sendable {
    package var key: String
    package var count: Int
    /// The newest ticket that it opened.
    package var ticketID: TicketID
    /// One phrase for people.
    package var reason: String
}

extension DeskStore {
    /// Floods of the last fifteen minutes that nobody was told about within the hour; they are marked as told.
    ///
    /// - Parameters:
    ///   - senderLimit: Mails of one address that make a flood.
    ///   - similarLimit: Tickets opened by mails of nearly the same words.
    package func newFloods(senderLimit: Int, similarLimit: Int) async throws -> [Flood] {
        try await self.pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                with recent as (
                    select m.ticket_id, lower(m.sender_address) as sender, m.text_key
                    from message m join ticket t on t.id = m.ticket_id
                    where m.stored_at > now() - interval '15 minutes'
                        and m.internal_date > now() - interval '1 hour'
                        and m.direction = 'in' and m.kind = 'human' and not t.is_history
                ), floods as (
                    select 'flood:' || left(sender, 250) as key, count(*) as mails, max(ticket_id) as ticket,
                        count(*) || ' mails of ' || left(sender, 250) || ' within fifteen minutes' as reason
                    from recent where sender is not null group by sender having count(*) >= \(senderLimit)
                    union all
                    select 'burst:' || text_key, count(distinct ticket_id), max(ticket_id),
                        count(distinct ticket_id) || ' new mails that say nearly the same within fifteen minutes'
                    from recent where text_key is not null group by text_key
                    having count(distinct ticket_id) >= \(similarLimit)
                ), told as (
                    insert into breaker (key, reason, until_at)
                    select key, reason, now() + interval '1 hour' from floods
                    on conflict (key) do update set reason = excluded.reason, tripped_at = now(),
                        until_at = excluded.until_at
                        where breaker.until_at <= now()
                    returning key
                )
                select f.key, f.mails, f.ticket, f.reason from floods f join told using (key)
                """)
            return try rows.map { row in
                let (key, count, ticket, reason) = try row.decode(
                    String.self, Int64.self, Int64.self, String.self)
                return Flood(key: key, count: Int(count), ticketID: TicketID(ticket), reason: reason)
            }
        }
    }
}
