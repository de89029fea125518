package import DeskModel
package import Postgres

package import struct Foundation.Date

/// One outgoing mail.
package struct OutboxMail: Sendable {
    package enum Kind: String, Sendable {
        case acknowledgement, answer
        /// How to send what was too large.
        case sizeAdvice = "size_advice"
        /// To the team, about one ticket.
        case notice
        /// To the team, about the notices beyond the cap.
        case digest

        /// Goes to a customer without a person.
        package var isAutomatic: Bool {
            switch self {
            case .acknowledgement, .answer, .sizeAdvice: true
            case .notice, .digest: false
            }
        }
    }

    package var id: OutboxID
    package var mailboxID: MailboxID
    package var ticketID: TicketID?
    package var kind: Kind
    package var internetMessageID: String
    /// nil is the null return path, for mail that must not bounce back.
    package var envelopeFrom: String?
    package var recipients: [String]
    package var bytes: [UInt8]
    package var dueAt: Date?
    package var attempt: Int
    /// Of the claim; 0 before.
    package var leaseToken: Int64

    package init(
        id: OutboxID, mailboxID: MailboxID, ticketID: TicketID?, kind: Kind, internetMessageID: String,
        envelopeFrom: String?, recipients: [String], bytes: [UInt8], dueAt: Date?, attempt: Int = 0,
        leaseToken: Int64 = 0
    ) {
        self.id = id
        self.mailboxID = mailboxID
        self.ticketID = ticketID
        self.kind = kind
        self.internetMessageID = internetMessageID
        self.envelopeFrom = envelopeFrom
        self.recipients = recipients
        self.bytes = bytes
        self.dueAt = dueAt
        self.attempt = attempt
        self.leaseToken = leaseToken
    }
}

/// How an attempt to send ended, for the record and the next step.
package struct DeliveryOutcome: Sendable {
    package var event: DeliveryState.Event
    /// The server's words, or ours when there were none.
    package var reply: String
    /// When `event` is `deferred`.
    package var retryAfter: Duration

    package init(event: DeliveryState.Event, reply: String, retryAfter: Duration = .zero) {
        self.event = event
        self.reply = reply
        self.retryAfter = retryAfter
    }
}

/// A row for people: `martlet outbox list`.
package struct OutboxSummary: Sendable {
    package var id: OutboxID
    package var ticketNumber: Int64?
    package var kind: String
    package var recipients: [String]
    package var state: DeliveryState
    package var attempt: Int
    package var createdAt: Date
    package var dueAt: Date
    /// What the server said last, or why the mail was cancelled.
    package var reply: String?
}

extension DeskStore {
    /// The channel that says that the outbox has something due.
    package static let outboxChannel = "martlet_outbox"

    /// The statements that queue `mails`, for the transaction that decides on them. A second acknowledgement or
    /// automatic answer for a ticket is left out (unique index).
    package func queueStatements(_ mails: [OutboxMail]) -> [SQL] {
        guard !mails.isEmpty else { return [] }
        return mails.map { mail in
            """
            insert into outbox (
                id, mailbox_id, ticket_id, kind, internet_message_id, envelope_from, recipients, bytes, due_at)
            values (\(mail.id.rawValue), \(mail.mailboxID.rawValue), \(mail.ticketID?.rawValue), \(mail.kind.rawValue),
                \(mail.internetMessageID), \(mail.envelopeFrom), \(mail.recipients), \(mail.bytes),
                coalesce(\(mail.dueAt)::timestamptz, now()))
            on conflict do nothing
            """
        } + ["select pg_notify(\(Self.outboxChannel), '')"]
    }

    /// How long a mail is the process's that transmits it: longer than any server may take to answer.
    package static let transmissionLease: Duration = .seconds(15 * 60)

    /// Commits that the next octets are the mail's: the last look at the pause switch, at the ticket, and at the lease,
    /// which is then `transmissionLease` long.
    ///
    /// - Returns: False when it may not be sent now; it stays claimed.
    package func beginTransmission(_ mail: OutboxMail) async throws -> Bool {
        let count = try await self.pool.execute(
            """
            update outbox o set state = 'transmitting', attempt = attempt + 1,
                lease_until = clock_timestamp() + make_interval(secs => \(Self.transmissionLease / .seconds(1)))
            where o.id = \(mail.id.rawValue) and o.state = 'claimed' and o.lease_token = \(mail.leaseToken)
                and o.lease_until > clock_timestamp()
                and not exists (select from control where key in ('pause.all', 'pause.outgoing'))
                and (o.kind in ('notice', 'digest') or (
                    not exists (select from control where key = 'pause.automatic')
                    and (\(Self.isResent) or exists (
                        select from ticket t where t.id = o.ticket_id and t.status in ('new', 'open')))))
            """)
        return count == 1
    }

    /// Gives a claim back without having sent anything.
    package func releaseClaim(_ mail: OutboxMail, after delay: Duration, reply: String?) async throws {
        _ = try await self.pool.execute(
            """
            update outbox set state = 'queued', lease_token = null, lease_until = null,
                due_at = now() + make_interval(secs => \(delay / .seconds(1))),
                history = case when \(reply)::text is null or history -> -1 ->> 'reply' = \(reply)::text then history
                    else history
                    || jsonb_build_array(jsonb_build_object('at', now(), 'reply', \(reply)::text)) end
            where id = \(mail.id.rawValue) and state = 'claimed' and lease_token = \(mail.leaseToken)
            """)
    }

    /// Records how a transmission ended, with the ledger and the ticket's event, in one transaction.
    ///
    /// - Parameter additional: What else this decides, in the same transaction: a copy for the Sent folder, a notice.
    /// - Throws: `StoreError.leaseLost` when the row was taken over meanwhile (it is `uncertain` then).
    package func recordDelivery(
        _ mail: OutboxMail, _ outcome: DeliveryOutcome, eventID: Int64,
        additional: (PostgresTransaction) async throws -> Void = { _ in }
    ) async throws {
        guard let next = DeliveryState.transmitting.after(outcome.event) else {
            throw StoreError(.conflict, "no way from transmitting by \(outcome.event)")
        }
        let final = next != .queued && next != .uncertain
        try await self.pool.withTransaction { transaction in
            let updated = try await transaction.query(
                """
                update outbox set state = \(next.rawValue), lease_token = null, lease_until = null,
                    due_at = now() + make_interval(secs => \(outcome.retryAfter / .seconds(1))),
                    finished_at = case when \(final) then now() end,
                    history = history || jsonb_build_array(jsonb_build_object(
                        'at', now(), 'attempt', attempt, 'state', \(next.rawValue)::text, 'reply', \(outcome.reply)::text))
                where id = \(mail.id.rawValue) and state = 'transmitting' and lease_token = \(mail.leaseToken)
                returning id
                """)
            guard updated.count == 1 else { throw StoreError(.leaseLost, "outbox \(mail.id)") }
            var statements: [SQL] = []
            if next == .sent || next == .uncertain, mail.kind.isAutomatic {
                statements += self.ledgerStatements(mail)
            }
            if let ticketID = mail.ticketID {
                let detail = Self.json([
                    "outbox": mail.id.description, "state": next.rawValue, "reply": outcome.reply,
                    "mail": mail.kind.rawValue,
                ])
                statements.append(
                    """
                    insert into event (id, ticket_id, kind, actor, detail)
                    values (\(eventID), \(ticketID.rawValue), 'delivery', 'martlet', \(detail)::text::jsonb)
                    """)
            }
            if !statements.isEmpty { _ = try await transaction.pipeline(statements) }
            try await additional(transaction)
        }
    }

    private func ledgerStatements(_ mail: OutboxMail) -> [SQL] {
        var statements: [SQL] = [
            """
            insert into send_ledger (outbox_id, address, domain, ticket_id, kind, text_key)
            select \(mail.id.rawValue), lower(a), split_part(lower(a), '@', 2), \(mail.ticketID?.rawValue),
                \(mail.kind.rawValue), \(Self.textKey(ofTicket: "\(mail.ticketID?.rawValue)"))
            from unnest(\(mail.recipients)::text[]) a
            on conflict do nothing
            """
        ]
        if mail.kind == .answer, let ticketID = mail.ticketID {
            statements.append(
                """
                update ticket set status = 'pending', updated_at = now()
                where id = \(ticketID.rawValue) and status in ('new', 'open')
                """)
        }
        return statements
    }

    /// Takes back what dead processes left: a claim returns to the queue, a transmission becomes uncertain.
    ///
    /// - Parameters:
    ///   - hasEnded: Whether the process of that name surely runs no more; the leases of others have to end first.
    ///   - additional: Called with the mails whose outcome only a person can find out, in the same transaction.
    package func recoverOutbox(
        hasEnded: (String) -> Bool = { _ in false },
        additional: ([(id: OutboxID, ticketID: TicketID?)], PostgresTransaction) async throws -> Void
    ) async throws {
        let owners = try await self.pool.query(
            "select distinct claimed_by from outbox where state in ('claimed', 'transmitting') and claimed_by is not null"
        ).decode(String.self)
        let dead = owners.filter(hasEnded)
        try await self.pool.withTransaction { transaction in
            _ = try await transaction.query(
                """
                update outbox set state = 'queued', lease_token = null, lease_until = null
                where state = 'claimed' and (lease_until < now() or claimed_by = any(\(dead)::text[]))
                """)
            let rows = try await transaction.query(
                """
                update outbox set state = 'uncertain', lease_token = null, lease_until = null,
                    history = history || jsonb_build_array(jsonb_build_object(
                        'at', now(), 'state', 'uncertain', 'reply', 'the process ended while transmitting'))
                where state = 'transmitting' and (lease_until < now() or claimed_by = any(\(dead)::text[]))
                returning id, ticket_id
                """)
            let uncertain = try rows.map { row in
                let (id, ticket) = try row.decode(Int64.self, Int64?.self)
                return (id: OutboxID(id), ticketID: ticket.map { TicketID($0) })
            }
            if !uncertain.isEmpty { try await additional(uncertain, transaction) }
        }
    }

    /// When the next queued mail of a mailbox is due; nil when none is.
    package func nextOutboxDue(mailbox: MailboxID) async throws -> Duration? {
        let rows = try await self.pool.query(
            """
            select extract(epoch from min(due_at) - now())::float8 from outbox
            where mailbox_id = \(mailbox.rawValue) and state = 'queued'
            """)
        guard let row = rows.first else { return nil }
        let due: Double? = try row.decode(Double?.self)
        guard let seconds = due else { return nil }
        return .milliseconds(Int64(max(0, seconds) * 1000))
    }

    // MARK: - For people

    /// Mails that wait for a mailbox which nobody serves any more, by its name.
    /// - Parameter mailboxes: names of those that are configured; without any nothing can be said.
    package func strandedMails(besides mailboxes: [String]) async throws -> [(mailbox: String, count: Int)] {
        guard !mailboxes.isEmpty else { return [] }
        return try await self.pool.query(
            """
            select m.name, count(*) from outbox o join mailbox m on m.id = o.mailbox_id
            where o.state in ('queued', 'claimed') and m.name <> all(\(mailboxes)::text[]) group by m.name order by m.name
            """
        ).map { row in
            let (name, count) = try row.decode(String.self, Int64.self)
            return (name, Int(count))
        }
    }

    /// Cancels all that is queued for a mailbox.
    /// - Returns: how many mails.
    /// - Throws: `.notFound` when no mailbox ever had the name.
    package func cancelOutbox(ofMailbox name: String, actor: String) async throws -> Int {
        guard let mailbox = try await self.mailboxID(named: name) else {
            throw StoreError(.notFound, "no mailbox ever had the name \(name)")
        }
        return try await self.pool.execute(
            """
            update outbox set state = 'cancelled', finished_at = now(), held_at = null,
                history = history || jsonb_build_array(jsonb_build_object(
                    'at', now(), 'state', 'cancelled', 'reply', \("decided by \(actor)")::text, 'decision', 'cancel'))
            where mailbox_id = \(mailbox.rawValue) and state = 'queued'
            """)
    }

    package func outbox(states: [DeliveryState], limit: Int) async throws -> [OutboxSummary] {
        let rows = try await self.pool.query(
            """
            select o.id, t.ticket_number, o.kind, o.recipients, o.state, o.attempt, o.created_at, o.due_at,
                (select h.entry ->> 'reply' from jsonb_array_elements(o.history) with ordinality h (entry, place)
                    where h.entry ->> 'reply' <> '' order by h.place desc limit 1)
            from outbox o left join ticket t on t.id = o.ticket_id
            where cardinality(\(states.map(\.rawValue))::text[]) = 0 or o.state = any(\(states.map(\.rawValue))::text[])
            order by o.id desc limit \(limit)
            """)
        return try rows.map { row in
            let (id, number, kind, recipients, state, attempt, created, due, reply) = try row.decode(
                Int64.self, Int64?.self, String.self, [String].self, String.self, Int32.self, Date.self, Date.self,
                String?.self)
            return OutboxSummary(
                id: OutboxID(id), ticketNumber: number, kind: kind, recipients: recipients,
                state: DeliveryState(rawValue: state) ?? .queued, attempt: Int(attempt), createdAt: created,
                dueAt: due, reply: reply)
        }
    }

    /// The mail itself, as it goes out.
    package func outboxBytes(_ id: OutboxID) async throws -> [UInt8] {
        let rows = try await self.pool.query("select bytes from outbox where id = \(id.rawValue)")
        guard let row = rows.first else { throw StoreError(.notFound, "there is no outgoing mail \(id)") }
        return try row.decode([UInt8].self)
    }

    /// A person's decision about a mail: `resend` or `cancel`/`discard`.
    package func decideOutbox(_ id: OutboxID, _ event: DeliveryState.Event, actor: String) async throws -> DeliveryState
    {
        try await self.pool.withTransaction { transaction in
            let rows = try await transaction.query("select state from outbox where id = \(id.rawValue) for update")
            guard let row = rows.first else { throw StoreError(.notFound, "there is no outgoing mail \(id)") }
            let text = try row.decode(String.self)
            guard let state = DeliveryState(rawValue: text), let next = state.after(event) else {
                throw StoreError(
                    .conflict,
                    event == .resend
                        ? "the mail is \(text); only uncertain and failed ones can be sent again"
                        : "the mail is \(text); only queued and uncertain ones can be cancelled")
            }
            _ = try await transaction.pipeline([
                """
                update outbox set state = \(next.rawValue), due_at = now(), lease_token = null, lease_until = null,
                    finished_at = case when \(next != .queued) then now() end,
                    history = history || jsonb_build_array(jsonb_build_object(
                        'at', now(), 'state', \(next.rawValue)::text, 'reply', \("decided by \(actor)")::text,
                        'decision', \("\(event)")::text))
                where id = \(id.rawValue)
                """,
                "select pg_notify(\(Self.outboxChannel), '')",
            ])
            return next
        }
    }
}
