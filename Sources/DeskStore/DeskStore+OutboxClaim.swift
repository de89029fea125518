package import DeskModel
package import Postgres

/// A due mail that may be claimed, with what bears on that.
package struct OutboxCandidate: Sendable {
    package var mail: OutboxMail
    /// Why nobody needs it any more; nil while it is needed.
    package var needless: String?
    /// Of the customer's words that it answers; nil for short ones.
    package var textKey: Int64?

    package init(mail: OutboxMail, needless: String? = nil, textKey: Int64? = nil) {
        self.mail = mail
        self.needless = needless
        self.textKey = textKey
    }
}

/// What went out lately, is under way, or is stopped.
package struct SendFacts: Sendable {
    package struct Breaker: Sendable {
        package var key: String
        package var reason: String
        package var textKey: Int64?

        package init(key: String, reason: String, textKey: Int64? = nil) {
            self.key = key
            self.reason = reason
            self.textKey = textKey
        }
    }

    /// Automatic mails of the last day to each address of the candidates.
    package var byAddress: [String: Int] = [:]
    /// Automatic mails of the last hour to each domain of the candidates.
    package var byDomain: [String: Int] = [:]
    /// Of each automatic mail of the last hour; nil where the customer's text was short.
    package var textKeys: [Int64?] = []
    /// Notices of the last hour.
    package var notices = 0
    /// Breakers that hold now.
    package var breakers: [Breaker] = []

    package init() {}
}

package enum OutboxVerdict: Sendable, Equatable {
    case claim
    case cancel(reason: String)
    /// Automatic mail for `key` stops for a while, this one included.
    case trip(key: String, textKey: Int64?, reason: String)
    /// A notice beyond the cap: a digest tells about it.
    case hold
}

/// What a claim brought.
package struct OutboxClaim: Sendable {
    package struct Trip: Sendable {
        package var key: String
        package var reason: String
        package var ticketID: TicketID?
    }

    package var mails: [OutboxMail] = []
    /// Breakers that tripped in this claim and did not hold before.
    package var trips: [Trip] = []
}

/// Notices that are held beyond the cap.
package struct HeldNotice: Sendable {
    package var id: OutboxID
    package var ticketNumber: Int64?
    package var bytes: [UInt8]
}

extension DeskStore {
    /// Keys of the advisory lock under which claims count what went out: caps hold over all hosts.
    private static let claimLock: (Int32, Int32) = (4212, 0)
    /// How long a tripped breaker holds.
    private static let breakerHours = 1.0

    /// A person has looked and wants it sent again: what has become of the ticket meanwhile does not matter.
    static let isResent: SQL = "o.history @> '[{\"decision\": \"resend\"}]'"

    /// The text key of the newest mail that a person wrote in a ticket.
    static func textKey(ofTicket ticket: SQL) -> SQL {
        """
        (select k.text_key from message k where k.ticket_id = \(ticket) and k.direction = 'in' and k.kind = 'human'
            order by k.id desc limit 1)
        """
    }

    /// Claims what is due, for `lease`; what is not needed any more is cancelled in the same transaction.
    ///
    /// Not needed: the ticket was answered or closed before its acknowledgement went; the address is undeliverable, has
    /// complained, had an acknowledgement within a day, or did not write in the thread.
    ///
    /// - Parameters:
    ///   - owner: The process that claims, as `recoverOutbox` will ask about it.
    ///   - judge: One verdict for each candidate, in their order; sees what went out under a lock, so that no other host
    ///     spends the same room.
    ///   - additional: What else follows, in the same transaction.
    package func claimOutbox(
        mailbox: MailboxID, limit: Int, lease: Duration, owner: String,
        judge: ([OutboxCandidate], SendFacts) -> [OutboxVerdict],
        additional: (OutboxClaim, PostgresTransaction) async throws -> Void = { _, _ in }
    ) async throws -> OutboxClaim {
        try await self.pool.withTransaction { transaction in
            _ = try await transaction.query(
                "select pg_advisory_xact_lock(\(Self.claimLock.0), \(Self.claimLock.1))")
            let candidates = try await self.candidates(mailbox, limit: limit, in: transaction)
            guard !candidates.isEmpty else { return OutboxClaim() }
            let facts = try await self.facts(about: candidates, in: transaction)
            let verdicts = judge(candidates, facts)
            let claim = try await self.settle(
                Array(zip(candidates, verdicts)), lease: lease, owner: owner, in: transaction)
            try await additional(claim, transaction)
            return claim
        }
    }

    private func candidates(
        _ mailbox: MailboxID, limit: Int, in transaction: PostgresTransaction
    ) async throws -> [OutboxCandidate] {
        let rows = try await transaction.query(
            """
            select o.id, o.ticket_id, o.kind, o.internet_message_id, o.envelope_from, o.recipients, o.bytes, o.attempt,
                case
                    when o.kind in ('notice', 'digest') then null
                    when t.status not in ('new', 'open') and not \(Self.isResent) then 'the ticket was answered first'
                    when c.undeliverable_at is not null then 'the address is undeliverable'
                    when c.automatic_stopped_at is not null then 'the address complained about a mail of ours'
                    when not exists (
                        select from message m where m.ticket_id = o.ticket_id and m.direction = 'in'
                            and m.kind = 'human' and not m.suppress_automatic and not m.is_flagged
                            and lower(m.sender_address) = any(o.recipients))
                        then 'the address did not write in this thread'
                    when o.kind = 'acknowledgement' and not \(Self.isResent) and exists (
                        select from send_ledger l where l.address = t.customer_email
                            and l.kind = 'acknowledgement' and l.sent_at > now() - interval '1 day')
                        then 'the address had an acknowledgement today'
                end,
                \(Self.textKey(ofTicket: "o.ticket_id"))
            from outbox o left join ticket t on t.id = o.ticket_id left join customer c on c.id = t.customer_id
            where o.mailbox_id = \(mailbox.rawValue) and o.state = 'queued' and o.due_at <= now()
                and not exists (select from control where key in ('pause.all', 'pause.outgoing'))
                and (o.kind in ('notice', 'digest')
                    or not exists (select from control where key = 'pause.automatic'))
            order by o.due_at, o.id limit \(limit) for update of o skip locked
            """)
        return try rows.map { row in
            let (id, ticket, kind, internetID, from, recipients, bytes, attempt, needless, textKey) = try row.decode(
                Int64.self, Int64?.self, String.self, String.self, String?.self, [String].self, [UInt8].self,
                Int32.self, String?.self, Int64?.self)
            let mail = OutboxMail(
                id: OutboxID(id), mailboxID: mailbox, ticketID: ticket.map { TicketID($0) },
                kind: .init(rawValue: kind) ?? .notice, internetMessageID: internetID, envelopeFrom: from,
                recipients: recipients, bytes: bytes, dueAt: nil, attempt: Int(attempt))
            return OutboxCandidate(mail: mail, needless: needless, textKey: textKey)
        }
    }

    /// Counts the ledger and what is under way and not in it yet.
    private func facts(
        about candidates: [OutboxCandidate], in transaction: PostgresTransaction
    ) async throws -> SendFacts {
        let addresses = Set(candidates.flatMap(\.mail.recipients).map { $0.lowercased() }).sorted()
        let domains = Set(addresses.map { String($0.drop { $0 != "@" }.dropFirst()) }).sorted()
        let results = try await transaction.pipeline([
            """
            select address, count(*) from send_ledger
            where address = any(\(addresses)::text[]) and sent_at > now() - interval '1 day' group by address
            """,
            """
            select domain, count(*) from send_ledger
            where domain = any(\(domains)::text[]) and sent_at > now() - interval '1 hour' group by domain
            """,
            "select text_key from send_ledger where sent_at > now() - interval '1 hour'",
            """
            select o.kind, lower(o.recipients[1]), \(Self.textKey(ofTicket: "o.ticket_id"))
            from outbox o where o.state in ('claimed', 'transmitting')
            """,
            // An uncertain one may have gone out; its due time is when it was tried.
            """
            select count(*) from outbox where kind = 'notice' and (
                state = 'sent' and finished_at > now() - interval '1 hour'
                or state = 'uncertain' and due_at > now() - interval '1 hour')
            """,
            "select key, reason, text_key from breaker where until_at > now()",
        ])
        var facts = SendFacts()
        for row in results[0] {
            let (address, count) = try row.decode(String.self, Int64.self)
            facts.byAddress[address] = Int(count)
        }
        for row in results[1] {
            let (domain, count) = try row.decode(String.self, Int64.self)
            facts.byDomain[domain] = Int(count)
        }
        for row in results[2] {
            let key: Int64? = try row.decode(Int64?.self)
            facts.textKeys.append(key)
        }
        for row in results[3] {
            let (kind, address, textKey) = try row.decode(String.self, String.self, Int64?.self)
            guard let kind = OutboxMail.Kind(rawValue: kind) else { continue }
            facts.add(kind, to: address, textKey: textKey)
        }
        for row in results[4] {
            let count = try row.decode(Int64.self)
            facts.notices += Int(count)
        }
        facts.breakers = try results[5].map { row in
            let (key, reason, textKey) = try row.decode(String.self, String.self, Int64?.self)
            return SendFacts.Breaker(key: key, reason: reason, textKey: textKey)
        }
        return facts
    }

    private func settle(
        _ judged: [(OutboxCandidate, OutboxVerdict)], lease: Duration, owner: String,
        in transaction: PostgresTransaction
    ) async throws -> OutboxClaim {
        var claimed: [Int64] = []
        var held: [Int64] = []
        var cancelled: [(id: Int64, reason: String)] = []
        var trips: [OutboxClaim.Trip] = []
        var statements: [SQL] = []
        for (candidate, verdict) in judged {
            let id = candidate.mail.id.rawValue
            switch verdict {
            case .claim: claimed.append(id)
            case .hold: held.append(id)
            case .cancel(let reason): cancelled.append((id, reason))
            case .trip(let key, let textKey, let reason):
                cancelled.append((id, reason))
                trips.append(.init(key: key, reason: reason, ticketID: candidate.mail.ticketID))
                statements.append(
                    """
                    insert into breaker (key, reason, text_key, until_at)
                    values (\(key), \(reason), \(textKey), now() + make_interval(hours => 1) * \(Self.breakerHours))
                    on conflict (key) do update set reason = excluded.reason, text_key = excluded.text_key,
                        tripped_at = now(), until_at = excluded.until_at
                    """)
            }
        }
        statements.append(
            """
            update outbox o set state = 'claimed', lease_token = nextval('lease_token'), claimed_by = \(owner),
                lease_until = now() + make_interval(secs => \(lease / .seconds(1)))
            where o.id = any(\(claimed)::bigint[]) returning o.id, o.lease_token
            """)
        statements.append(
            """
            update outbox set held_at = coalesce(held_at, now()), due_at = now() + interval '5 minutes'
            where id = any(\(held)::bigint[])
            """)
        statements.append(
            """
            update outbox o set state = 'cancelled', finished_at = now(),
                history = o.history || jsonb_build_array(jsonb_build_object('at', now(), 'reply', n.reason))
            from unnest(\(cancelled.map(\.id))::bigint[], \(cancelled.map(\.reason))::text[]) n (id, reason)
            where o.id = n.id
            """)
        let results = try await transaction.pipeline(statements)
        var tokens: [Int64: Int64] = [:]
        for row in results[trips.count] {
            let (id, token) = try row.decode(Int64.self, Int64.self)
            tokens[id] = token
        }
        var claim = OutboxClaim()
        claim.trips = trips
        for (candidate, _) in judged {
            guard let token = tokens[candidate.mail.id.rawValue] else { continue }
            var mail = candidate.mail
            mail.leaseToken = token
            claim.mails.append(mail)
        }
        claim.mails.sort { $0.id < $1.id }
        return claim
    }

    // MARK: - Digest

    /// Notices of a mailbox that are held beyond the cap, oldest first; none while the last digest is younger than
    /// `pause` or the oldest notice has been held for less than `wait`.
    package func heldNotices(
        mailbox: MailboxID, wait: Duration, pause: Duration, in transaction: PostgresTransaction
    ) async throws -> [HeldNotice] {
        let rows = try await transaction.query(
            """
            select o.id, t.ticket_number, o.bytes from outbox o left join ticket t on t.id = o.ticket_id
            where o.mailbox_id = \(mailbox.rawValue) and o.state = 'queued' and o.held_at is not null
                and exists (
                    select from outbox f where f.mailbox_id = \(mailbox.rawValue) and f.state = 'queued'
                        and f.held_at <= now() - make_interval(secs => \(wait / .seconds(1))))
                and not exists (
                    select from outbox d where d.mailbox_id = \(mailbox.rawValue) and d.kind = 'digest'
                        and d.created_at > now() - make_interval(secs => \(pause / .seconds(1))))
            order by o.id limit 1000 for update of o skip locked
            """)
        return try rows.map { row in
            let (id, number, bytes) = try row.decode(Int64.self, Int64?.self, [UInt8].self)
            return HeldNotice(id: OutboxID(id), ticketNumber: number, bytes: bytes)
        }
    }

    /// The statement that ends notices because a digest tells about them.
    package func replaceStatements(_ notices: [OutboxID], by digest: OutboxID) -> [SQL] {
        [
            """
            update outbox set state = 'cancelled', finished_at = now(), held_at = null,
                history = history || jsonb_build_array(jsonb_build_object(
                    'at', now(), 'reply', \("told in digest \(digest)")::text))
            where id = any(\(notices.map(\.rawValue))::bigint[]) and state = 'queued'
            """
        ]
    }
}

extension SendFacts {
    /// Counts one more mail that goes out.
    package mutating func add(_ kind: OutboxMail.Kind, to address: String, textKey: Int64?) {
        if kind == .notice { self.notices += 1 }
        guard kind.isAutomatic else { return }
        self.byAddress[address, default: 0] += 1
        self.byDomain[String(address.drop { $0 != "@" }.dropFirst()), default: 0] += 1
        self.textKeys.append(textKey)
    }
}
