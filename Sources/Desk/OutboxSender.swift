internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MailTransport
internal import Postgres
internal import ServiceLifecycle
internal import WorkQueue

/// Sends what is queued for one mailbox over its SMTP server.
///
/// Each mail is committed as `transmitting` before its first octet, and the pause switch is read in that same statement;
/// what happened is committed before the next mail is touched. A link that breaks after the final dot leaves the mail
/// `uncertain`: it is never sent again by itself (C4).
struct OutboxSender: Sendable {
    static let claimCount = 20
    /// How long a mail waits whose sender died on another host before it began; the transmission renews it.
    static let claimLease: Duration = .seconds(60)
    /// A mail that was deferred this often needs a person.
    static let attemptLimit = 12

    let context: DeskContext
    let mailbox: MailboxSettings
    let mailboxID: MailboxID
    let wake: WakeSignal
    let progress: @Sendable () -> Void

    /// Works until the service is to stop or the task is cancelled; what is claimed by then is still sent.
    func run() async throws {
        var session: SMTPSession?
        var backoff = Backoff(base: .seconds(2), cap: .seconds(300))
        var random = SystemRandomNumberGenerator()
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            self.progress()
            if self.context.isHeld() {
                try await Task.sleep(for: .seconds(1))
                continue
            }
            let mails = try await self.claim()
            guard !mails.isEmpty else {
                await session?.quit()
                session = nil
                let due = try await self.context.store.nextOutboxDue(mailbox: self.mailboxID) ?? .seconds(5)
                // What is due and was not claimed waits for a switch or another host, and both wake us.
                let wait = due <= .zero ? .seconds(1) : min(max(due, .milliseconds(50)), .seconds(5))
                await self.wake.wait(atMost: wait)
                continue
            }
            for (index, mail) in mails.enumerated() {
                do {
                    if session == nil { session = try await self.connect() }
                    guard let open = session else { break }
                    guard try await self.send(mail, over: open) else {
                        try await self.release(mails[index...], after: .seconds(1), reply: nil)
                        break
                    }
                    backoff.reset()
                    if await !open.isReusable {
                        await open.close()
                        session = nil
                    }
                } catch let error as MailError {
                    // No connection: nothing was begun, everything goes back into the queue.
                    session = nil
                    let delay = backoff.next(using: &random) + .seconds(1)
                    self.context.logger.error(
                        "the SMTP server cannot be used",
                        metadata: .with([.mailbox: self.mailbox.name, .error: error, .seconds: delay / .seconds(1)]))
                    try await self.release(mails[index...], after: delay, reply: error.description)
                    break
                }
            }
        }
        await session?.quit()
    }

    /// Claims what may go out now; people are told about each breaker that trips (C6).
    private func claim() async throws -> [OutboxMail] {
        let settings = self.context.settings
        let own = self.context.ownAddresses
        let claim = try await self.context.store.claimOutbox(
            mailbox: self.mailboxID, limit: Self.claimCount, lease: Self.claimLease,
            owner: ProcessIdentity.current.description,
            judge: { candidates, facts in
                var guardian = LoopGuard(
                    caps: settings.automaticCaps, noticeCap: settings.escalation.hourlyCap, own: own,
                    facts: facts)
                return guardian.verdicts(on: candidates)
            },
            additional: { claim, transaction in
                let notices = try claim.trips.compactMap { trip in
                    try trip.ticketID.map {
                        try NewJob.notify(
                            ticket: $0,
                            reason: "automatic mail is stopped for an hour: \(trip.reason); what arrives is stored")
                    }
                }
                try await self.context.queue.enqueue(notices, in: transaction)
            })
        for trip in claim.trips {
            self.context.logger.error(
                "automatic mail is stopped for an hour",
                metadata: .with([.mailbox: self.mailbox.name, .key: trip.key, .reason: trip.reason]))
        }
        return claim.mails
    }

    private func connect() async throws -> SMTPSession {
        try await MailboxConnection.openSMTP(self.mailbox, logger: self.context.logger)
    }

    private func release(_ mails: ArraySlice<OutboxMail>, after delay: Duration, reply: String?) async throws {
        for mail in mails { try await self.context.store.releaseClaim(mail, after: delay, reply: reply) }
    }

    /// - Returns: False when nothing may be sent now.
    private func send(_ mail: OutboxMail, over session: SMTPSession) async throws -> Bool {
        guard !self.context.isHeld() else { return false }
        let recipients = mail.recipients.compactMap { MailAddress($0) }
        let envelope = SMTPEnvelope(from: mail.envelopeFrom.flatMap { MailAddress($0) }, recipients: recipients)
        do {
            guard try await self.context.store.beginTransmission(mail) else { return false }
        } catch let error as PostgresError where error.isRetryable {
            // It may have been committed, but the server never heard of the mail: that is not uncertain.
            let outcome = DeliveryOutcome(
                event: .deferred, reply: "the database was away before the first octet", retryAfter: .seconds(1))
            try await self.keep(outcome, of: mail, mayBeVoid: true)
            return true
        }
        let outcome: DeliveryOutcome
        do {
            outcome = self.outcome(of: try await session.send(envelope, message: mail.bytes), mail: mail)
        } catch {
            outcome = self.outcome(of: error, mail: mail)
        }
        try await self.keep(outcome, of: mail)
        return true
    }

    /// Records an outcome. What the server said is known only here: while the database is away it is kept and tried
    /// again, for as long as the mail is this process's.
    /// - Parameter mayBeVoid: The transmission may never have been stored as begun; then the claim runs out by itself.
    private func keep(_ outcome: DeliveryOutcome, of mail: OutboxMail, mayBeVoid: Bool = false) async throws {
        let deadline = ContinuousClock.now + DeskStore.transmissionLease
        var isAgain = mayBeVoid
        while true {
            do {
                return try await self.record(mail, outcome)
            } catch let error as StoreError where error.code == .leaseLost && isAgain {
                // The first try arrived, and only its answer was lost.
                return
            } catch let error as PostgresError where error.isRetryable && ContinuousClock.now < deadline {
                self.context.logger.error(
                    "what became of a mail cannot be stored yet",
                    metadata: .with([.outbox: mail.id, .reason: "\(outcome.event)", .error: error]))
                isAgain = true
                self.progress()
                try await self.context.pause(.seconds(1))
            }
        }
    }

    private func outcome(of delivery: SMTPDelivery, mail: OutboxMail) -> DeliveryOutcome {
        let words: String =
            (delivery.refused.map { "\($0.address.address): \($0.reply)" } + [delivery.final?.description])
            .compactMap { $0 }.joined(separator: "; ")
        if !delivery.accepted.isEmpty { return DeliveryOutcome(event: .accepted, reply: words) }
        let isPermanent =
            delivery.final.map(\.isPermanent) ?? delivery.refused.allSatisfy(\.reply.isPermanent)
        if isPermanent || mail.attempt + 1 >= Self.attemptLimit {
            return DeliveryOutcome(event: .refused, reply: words)
        }
        return DeliveryOutcome(
            event: .deferred, reply: words, retryAfter: Self.delay(afterAttempt: mail.attempt + 1))
    }

    private func outcome(of error: MailError, mail: OutboxMail) -> DeliveryOutcome {
        if error.phase == .afterFinalDot { return DeliveryOutcome(event: .outcomeUnknown, reply: error.description) }
        // Who is stopped before the final dot has sent nothing.
        guard error.isRetryable || error.code == .cancelled, mail.attempt + 1 < Self.attemptLimit else {
            return DeliveryOutcome(event: .refused, reply: error.description)
        }
        return DeliveryOutcome(
            event: .deferred, reply: error.description, retryAfter: Self.delay(afterAttempt: mail.attempt + 1))
    }

    /// One minute, doubled each time up to an hour, with a fifth of jitter.
    private static func delay(afterAttempt attempt: Int) -> Duration {
        .seconds(min(3600, 60 << min(attempt - 1, 6))) * Double.random(in: 0.8...1.2)
    }

    /// What follows from an outcome: a copy for the Sent folder, or a person who has to know.
    private func record(_ mail: OutboxMail, _ outcome: DeliveryOutcome) async throws {
        let store = self.context.store
        let keys = try await store.ids.take(4)
        var copies: [MailboxWrite] = []
        var notices: [NewJob] = []
        if let ticketID = mail.ticketID, mail.kind.isAutomatic {
            switch outcome.event {
            case .accepted where !self.mailbox.serverFilesSent:
                copies.append(
                    MailboxWrite(
                        id: keys[1], mailboxID: self.mailboxID, ticketID: ticketID, messageID: nil, kind: .sentCopy,
                        internetMessageID: mail.internetMessageID, bytes: mail.bytes, flags: ["\\Seen"],
                        internalDate: nil, rank: 3))
            case .refused:
                notices.append(
                    try .notify(ticket: ticketID, reason: "the \(mail.kind.rawValue) was refused: \(outcome.reply)"))
            case .outcomeUnknown:
                let words =
                    "the \(mail.kind.rawValue) may or may not have been sent; decide with: martlet outbox show \(mail.id)"
                notices.append(try .notify(ticket: ticketID, reason: words))
            default: break
            }
        }
        let planned = (copies, notices)
        let answered = mail.kind == .answer && outcome.event == .accepted ? mail.ticketID : nil
        try await store.recordDelivery(mail, outcome, eventID: keys[0]) { transaction in
            var writes = planned.0
            if let answered {
                // Sent once more by hand, its draft would be a second answer.
                writes += try await store.answered([answered], in: transaction).flatMap {
                    $0.writes(
                        in: self.mailbox, mode: self.context.mode(of: self.mailbox), keys: (keys[2], keys[3]))
                }
            }
            let statements = store.planStatements(writes)
            if !statements.isEmpty { try await transaction.pipeline(statements) }
            try await self.context.queue.enqueue(planned.1, in: transaction)
        }
        let (level, words): (Logger.Level, String) =
            switch outcome.event {
            case .accepted: (.notice, "a mail was handed to the SMTP server")
            case .deferred: (.warning, "the SMTP server puts a mail off")
            case .refused: (.error, "the SMTP server refused a mail for good")
            default: (.error, "a mail may or may not have been sent; a person has to decide")
            }
        self.context.logger.log(
            level: level, "\(words)",
            metadata: .with([
                .outbox: mail.id, .kind: mail.kind.rawValue, .mailbox: self.mailbox.name, .reason: outcome.reply,
            ]))
    }
}
