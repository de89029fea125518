import DeskModel
import DeskStore
import Foundation
import MailTransport
import Testing

@testable import Desk

/// What a mail may set off in the desk, and what it may not.
@Suite("Intake guard") struct IntakeGuardTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let signer = TokenSigner(keys: [TokenKey(id: "k1", secret: Secret("a secret of the desk"))])

    private func planner(patterns: [String] = []) throws -> IntakePlanner {
        let endpoint = MailEndpoint(host: "127.0.0.1", port: 1, security: .none)
        let mailbox = MailboxSettings(
            name: "support", imap: endpoint, smtp: endpoint, user: "support", password: Secret("x"),
            address: try #require(MailAddress("support@shop.example")))
        var settings = DeskSettings()
        settings.mode = .acknowledge
        let threading = Threading(
            signer: self.signer, ownAddresses: ["support@shop.example"], reopenWindow: settings.reopenWindow,
            patterns: patterns.compactMap { ReferencePattern($0) })
        return IntakePlanner(
            mailbox: mailbox, settings: settings, threading: threading, firstNewUID: 1, historyBefore: nil,
            now: self.now, agents: ["kim@shop.example"])
    }

    private func ticket(_ status: TicketStatus = .pending, participants: Set<String> = []) -> TicketCandidate {
        TicketCandidate(
            id: TicketID(7), number: 1042, mailboxID: MailboxID(1), status: status,
            resolvedAt: status == .resolved ? self.now : nil, customerEmail: "ann@example.com",
            participants: participants, subject: "Parcel")
    }

    /// The lookup of a desk that knows `ticket` by a mail `known@example.com`.
    private func lookup(_ ticket: TicketCandidate) throws -> IntakeLookup {
        var lookup = IntakeLookup()
        lookup.ticketsByID[ticket.id] = ticket
        lookup.ticketsByNumber[ticket.number] = ticket
        lookup.threads[try #require(MessageID("known@example.com")).digest] = [ticket]
        return lookup
    }

    private var token: MessageID {
        self.signer.messageID(for: ThreadToken(ticketID: TicketID(7), sequence: 1), domain: "shop.example")
    }

    private func mail(
        from: String = "ann@example.com", to: String = "support@shop.example", subject: String = "Parcel",
        body: String = "Where is my parcel?", inReplyTo: [String] = [], cc: [String] = [], replyTo: [String] = [],
        _ classification: MessageClassification = .init(kind: .human, reasons: [], suppressAutoReply: false)
    ) throws -> ParsedMail {
        var message = InboundMessage()
        message.messageID = MessageID("new@example.com")
        message.from = [try #require(MailAddress(from))]
        message.to = [try #require(MailAddress(to))]
        message.cc = cc.compactMap { MailAddress($0) }
        message.replyTo = replyTo.compactMap { MailAddress($0) }
        message.subject = subject
        message.bodyText = body
        message.reply.visible = body
        message.inReplyTo = inReplyTo.compactMap { MessageID($0) }
        return ParsedMail(
            uid: 5, internalDate: self.now.addingTimeInterval(-60), raw: Array(body.utf8),
            content: .parsed(message, classification))
    }

    private func bounce(of original: MessageID?, _ address: String = "ann@example.com") -> MessageClassification {
        MessageClassification(
            kind: .bounce, reasons: [], suppressAutoReply: true,
            bounce: Bounce(
                recipients: [.init(address: address, status: "5.1.1", permanent: true)], originalMessageID: original))
    }

    private func plan(
        _ mail: ParsedMail, _ lookup: IntakeLookup = IntakeLookup(), patterns: [String] = []
    ) throws -> IntakePlanner.Plan {
        let batch = IntakeBatch(
            mailboxID: MailboxID(1), folderID: FolderID(2), uidValidity: 3, lastUID: 9, leaseEpoch: 1)
        var next: Int64 = 1000
        return try self.planner(patterns: patterns).plan([mail], into: batch, lookup: lookup) {
            next += 1
            return next
        }
    }

    // MARK: - Reports

    @Test func `a bounce with our token marks the address, reopens the ticket and is told once`() throws {
        let mail = try self.mail(from: "mailer-daemon@example.com", self.bounce(of: self.token))
        var lookup = try self.lookup(self.ticket())
        let plan = try self.plan(mail, lookup)
        #expect(plan.batch.tickets.isEmpty)
        #expect(plan.batch.messages.map(\.ticketID) == [TicketID(7)])
        #expect(plan.batch.failures.map(\.delivery.address) == ["ann@example.com"])
        #expect(plan.batch.statuses == [TicketID(7): .open])
        #expect(plan.needsEyes.count == 1)
        #expect(plan.triage.isEmpty)

        lookup.knownFailures = [.init(ticketID: TicketID(7), address: "ann@example.com")]
        #expect(try self.plan(mail, lookup).needsEyes.isEmpty)
    }

    @Test func `a bounce of an agent's mail counts by the id learned from Sent`() throws {
        let original = try #require(MessageID("agent@shop.example"))
        let mail = try self.mail(from: "mailer-daemon@example.com", self.bounce(of: original))
        var lookup = try self.lookup(self.ticket())
        #expect(try self.plan(mail, lookup).batch.failures.isEmpty)
        lookup.sentIDs[original.digest] = .some(TicketID(7))
        #expect(try self.plan(mail, lookup).batch.failures.count == 1)
    }

    @Test(arguments: [nil, "known@example.com", "mt.k1.h.b.aaaaaaaaaaaaaaaa@shop.example"])
    func `a forged bounce changes nothing and opens nothing`(original: String?) throws {
        let classification = self.bounce(of: original.flatMap { MessageID($0) })
        let plan = try self.plan(
            try self.mail(from: "mailer-daemon@example.com", classification), try self.lookup(self.ticket()))
        #expect(plan.batch.failures.isEmpty)
        #expect(plan.batch.statuses.isEmpty)
        #expect(plan.batch.tickets.isEmpty)
        #expect(plan.needsEyes.isEmpty)
    }

    @Test func `a report about somebody who takes no part marks nobody`() throws {
        let plan = try self.plan(
            try self.mail(from: "mailer-daemon@example.com", self.bounce(of: self.token, "bob@example.org")),
            try self.lookup(self.ticket()))
        #expect(plan.batch.failures.isEmpty)
    }

    @Test func `a complaint about our mail stops automatic mail to its address`() throws {
        let feedback = MessageClassification(
            kind: .feedback, reasons: [], suppressAutoReply: true,
            bounce: Bounce(recipients: [], originalMessageID: self.token))
        let plan = try self.plan(
            try self.mail(from: "abuse@provider.example", feedback), try self.lookup(self.ticket()))
        #expect(plan.batch.complaints == ["ann@example.com"])
    }

    // MARK: - Loops

    @Test func `thanks reopens nothing and asks for nothing`() throws {
        for status in [TicketStatus.pending, .resolved] {
            let plan = try self.plan(
                try self.mail(body: "Thank you, it works now!", inReplyTo: ["known@example.com"]),
                try self.lookup(self.ticket(status)))
            #expect(plan.batch.statuses.isEmpty)
            #expect(plan.triage.isEmpty)
            #expect(plan.batch.messages.map(\.isThanks) == [true])
            #expect(plan.batch.messages.map(\.ticketID) == [TicketID(7)])
        }
        let question = try self.plan(
            try self.mail(body: "Thank you. And the lid?", inReplyTo: ["known@example.com"]),
            try self.lookup(self.ticket(.resolved)))
        #expect(question.batch.statuses == [TicketID(7): .open])
    }

    @Test func `a reply to an automatic answer goes to a person ahead of the queue`() throws {
        var ticket = self.ticket()
        for isAnswered in [false, true] {
            ticket.wasAnsweredAutomatically = isAnswered
            let plan = try self.plan(
                try self.mail(body: "That is not what I asked.", inReplyTo: ["known@example.com"]),
                try self.lookup(ticket))
            #expect(plan.triage.map(\.isPressing) == [isAnswered])
        }
    }

    @Test(arguments: ["known@example.com", nil])
    func `a stranger who carries or quotes something of ours is not acknowledged`(inReplyTo: String?) throws {
        let plan = try self.plan(
            try self.mail(
                from: "robot17@loop.example", body: "We got this:\n> Its number is MT-1042.",
                inReplyTo: inReplyTo.map { [$0] } ?? []), try self.lookup(self.ticket()))
        #expect(plan.batch.tickets.count == 1)
        #expect(plan.acknowledge.isEmpty)
        #expect(plan.batch.messages.allSatisfy { $0.classification.suppressAutoReply })
    }

    @Test func `mail in our own name that nobody vouches for is marked`() throws {
        let mail = try self.mail(
            from: "support@shop.example", to: "ann@example.com", body: "Please pay to another account.",
            inReplyTo: ["known@example.com"], cc: ["support@shop.example"])
        let plan = try self.plan(mail, try self.lookup(self.ticket()))
        #expect(plan.batch.messages.map(\.direction) == ["out"])
        #expect(plan.batch.messages.map(\.isFlagged) == [true])
    }

    @Test func `a marked mail is not acknowledged`() throws {
        var lookup = IntakeLookup()
        lookup.receivedIDs = [try #require(MessageID("new@example.com")).digest]
        let plan = try self.plan(try self.mail(), lookup)
        #expect(plan.batch.messages.map(\.isFlagged) == [true])
        #expect(plan.acknowledge.isEmpty)
    }

    // MARK: - Threads

    @Test func `whom the customer takes in may answer, whom a stranger takes in may not`() throws {
        let joined = try self.plan(
            try self.mail(inReplyTo: ["known@example.com"], cc: ["bob@example.org", "support@shop.example"]),
            try self.lookup(self.ticket()))
        #expect(joined.batch.participants.map(\.address) == ["bob@example.org"])
        let strange = try self.plan(
            try self.mail(from: "mallory@example.org", inReplyTo: [self.token.text], cc: ["eve@example.org"]),
            try self.lookup(self.ticket()))
        #expect(strange.batch.messages.map(\.isFlagged) == [true])
        #expect(strange.batch.participants.isEmpty)
    }

    @Test func `another subject in an old thread is noted`() throws {
        let other = try self.plan(
            try self.mail(subject: "Invoice for March", inReplyTo: ["known@example.com"]),
            try self.lookup(self.ticket()))
        #expect(other.batch.events.map(\.kind).contains("subject-changed"))
        let same = try self.plan(
            try self.mail(subject: "AW: Parcel", inReplyTo: ["known@example.com"]), try self.lookup(self.ticket()))
        #expect(!same.batch.events.map(\.kind).contains("subject-changed"))
        let ours = try self.plan(
            try self.mail(subject: "Re: We have received your message [MT-1042]", inReplyTo: ["known@example.com"]),
            try self.lookup(self.ticket()))
        #expect(!ours.batch.events.map(\.kind).contains("subject-changed"))
    }

    @Test func `a contact form's mail is its visitor's, and nothing automatic answers it`() throws {
        let form = MessageClassification(
            kind: .other, reasons: ["sent from an address of our own"], suppressAutoReply: true)
        let plan = try self.plan(
            try self.mail(from: "support@shop.example", replyTo: ["visitor@example.com"], form))
        #expect(plan.batch.tickets.map(\.customerEmail) == ["visitor@example.com"])
        #expect(plan.batch.messages.map(\.direction) == ["in"])
        #expect(plan.triage.count == 1)
        #expect(plan.acknowledge.isEmpty)
    }

    private static let ownName = MessageClassification(
        kind: .other, reasons: ["sent from an address of our own"], suppressAutoReply: true)

    @Test(arguments: [[], ["visitor@example.com"]])
    func `a form that writes in our own name asks as a customer whom nobody knows`(cc: [String]) throws {
        let plan = try self.plan(try self.mail(from: "support@shop.example", cc: cc, Self.ownName))
        #expect(plan.batch.tickets.map(\.customerEmail) == [MailAddress.unknown])
        #expect(plan.batch.messages.map(\.direction) == ["in"])
        #expect(plan.batch.messages.map(\.classification.kind) == [.human])
        #expect(plan.batch.messages.map(\.classification.suppressAutoReply) == [true])
        #expect(plan.triage.count == 1)
        #expect(plan.acknowledge.isEmpty)
    }

    @Test func `a copy of what we wrote to somebody else is nobody's question`() throws {
        let plan = try self.plan(try self.mail(from: "support@shop.example", to: "ann@example.com", Self.ownName))
        #expect(plan.batch.messages.map(\.direction) == ["out"])
        #expect(plan.triage.isEmpty)
    }

    @Test func `what a form adds to a ticket in our own name is looked at, and not taken for an answer`() throws {
        let plan = try self.plan(
            try self.mail(from: "support@shop.example", inReplyTo: ["known@example.com"], Self.ownName),
            try self.lookup(self.ticket()))
        #expect(plan.batch.messages.map(\.ticketID) == [TicketID(7)])
        #expect(plan.batch.messages.map(\.direction) == ["in"])
        #expect(plan.batch.messages.map(\.isFlagged) == [true])
        #expect(plan.batch.statuses == [TicketID(7): .open])
        #expect(plan.triage.count == 1)
        let robot = MessageClassification(kind: .autoReply, reasons: ["Auto-Submitted"], suppressAutoReply: true)
        let quiet = try self.plan(
            try self.mail(from: "support@shop.example", inReplyTo: ["known@example.com"], robot),
            try self.lookup(self.ticket()))
        #expect(quiet.triage.isEmpty && quiet.batch.statuses.isEmpty)
    }

    @Test func `mail of a program that keeps no thread joins by its number`() throws {
        let pattern = "@market.example Order #{ref}"
        let mail = try self.mail(from: "m@market.example", subject: "Order #402-7781: where is it")
        let first = try self.plan(mail, patterns: [pattern])
        let key = try #require(first.batch.threadKeys.first { $0.source == .referenced })
        var lookup = IntakeLookup()
        var known = self.ticket(.open)
        known.customerEmail = "m@market.example"
        lookup.ticketsByID[known.id] = known
        lookup.threads[key.digest] = [known]
        #expect(try self.plan(mail, lookup, patterns: [pattern]).batch.messages.map(\.ticketID) == [known.id])
        #expect(try self.plan(mail, lookup).batch.tickets.count == 1)
    }
}

@Suite("Sent planner") struct SentPlannerTests {
    private let signer = TokenSigner(keys: [TokenKey(id: "k1", secret: Secret("a secret of the desk"))])

    private func plan(
        to: String, inReplyTo: String?, ownWrite: String? = nil, kind: MessageClassification.Kind = .other,
        status: TicketStatus = .open, customer: String = "ann@example.com"
    ) throws -> SentPlanner.Plan {
        let ticket = TicketCandidate(
            id: TicketID(7), number: 1042, mailboxID: MailboxID(1), status: status, resolvedAt: nil,
            customerEmail: customer, participants: [])
        var lookup = IntakeLookup()
        lookup.ticketsByID[ticket.id] = ticket
        lookup.threads[try #require(MessageID("known@example.com")).digest] = [ticket]
        if let ownWrite {
            lookup.ownWrites["sent@shop.example"] = .init(kind: ownWrite, ticketID: ticket.id, writeID: 1)
        }
        var message = InboundMessage()
        message.messageID = MessageID("sent@shop.example")
        message.from = [try #require(MailAddress("support@shop.example"))]
        message.to = [try #require(MailAddress(to))]
        message.inReplyTo = inReplyTo.flatMap { MessageID($0) }.map { [$0] } ?? []
        message.reply.visible = "It is on its way.\nKind regards"
        let mail = ParsedMail(
            uid: 5, internalDate: Date(timeIntervalSince1970: 1_800_000_000), raw: [],
            content: .parsed(message, .init(kind: kind, reasons: [], suppressAutoReply: true)))
        let planner = SentPlanner(
            threading: Threading(
                signer: self.signer, ownAddresses: ["support@shop.example"], reopenWindow: .seconds(86_400)))
        var next: Int64 = 100
        return planner.plan(
            [mail],
            into: IntakeBatch(
                mailboxID: MailboxID(1), folderID: FolderID(2), uidValidity: 3, lastUID: 9, leaseEpoch: 1),
            lookup: lookup, drafts: [TicketID(7): "It is on its way.\nIt takes two days."]
        ) {
            next += 1
            return next
        }
    }

    @Test func `whom an agent answers in a ticket without a customer takes part from then on`() throws {
        let plan = try self.plan(
            to: "visitor@example.com", inReplyTo: "known@example.com", customer: MailAddress.unknown)
        #expect(plan.answered == [TicketID(7)])
        #expect(plan.batch.participants.map(\.address) == ["visitor@example.com"])
        let copy = try self.plan(
            to: "support@shop.example", inReplyTo: "known@example.com", customer: MailAddress.unknown)
        #expect(copy.answered.isEmpty)
    }

    @Test func `an agent's reply answers the ticket and teaches its id`() throws {
        let plan = try self.plan(to: "ann@example.com", inReplyTo: "known@example.com")
        #expect(plan.answered == [TicketID(7)])
        #expect(plan.batch.statuses == [TicketID(7): .pending])
        #expect(plan.batch.messages.map(\.direction) == ["out"])
        #expect(plan.batch.sentIDs.map(\.ticketID) == [TicketID(7)])
        #expect(plan.batch.threadKeys.map(\.source) == [.sent])
        #expect(plan.batch.events.first?.detail["draft"] == "edited, 50 % of its lines kept")
    }

    @Test func `what an agent asks somebody else in a ticket is not what its customer was told`() throws {
        let plan = try self.plan(to: "supplier@example.org", inReplyTo: "known@example.com")
        #expect(plan.answered.isEmpty)
        #expect(plan.batch.messages.map(\.classification.kind) == [.other])
        let told = try self.plan(to: "ann@example.com", inReplyTo: "known@example.com")
        #expect(told.batch.messages.map(\.classification.kind) == [.human])
    }

    @Test(arguments: [
        ("One.\nTwo.", "sent as it is"), ("One.\nTwo.\nThree.", "kept whole, 1 line added"),
        ("One.\nThree.", "edited, 50 % of its lines kept"), ("Three.", "not used"),
    ])
    func `what became of a draft is told with what was added`(sent: String, words: String) {
        #expect(DraftUse(of: "One.\n\nTwo.", in: sent).words == words)
    }

    @Test func `a draft that was sent as it lay there is the agent's answer`() throws {
        let plan = try self.plan(to: "ann@example.com", inReplyTo: "known@example.com", ownWrite: "draft")
        #expect(plan.answered == [TicketID(7)])
    }

    @Test func `our own mail ends there, and its id is learned`() throws {
        let plan = try self.plan(to: "ann@example.com", inReplyTo: "known@example.com", ownWrite: "sent_copy")
        #expect(plan.batch.items.map(\.disposition) == [.ownSent])
        #expect(plan.batch.messages.isEmpty)
        #expect(plan.batch.statuses.isEmpty)
        #expect(plan.batch.sentIDs.map(\.ticketID) == [TicketID(7)])
    }

    @Test func `a mail to a colleague and a vacation notice answer nothing`() throws {
        let colleague = try self.plan(to: "kim@shop.example", inReplyTo: "known@example.com")
        #expect(colleague.answered.isEmpty)
        #expect(colleague.batch.messages.count == 1)
        let vacation = try self.plan(to: "ann@example.com", inReplyTo: "known@example.com", kind: .autoReply)
        #expect(vacation.batch.statuses.isEmpty)
    }

    @Test func `what answers nothing is not stored, and a report about it can still be told`() throws {
        let plan = try self.plan(to: "supplier@example.org", inReplyTo: nil)
        #expect(plan.batch.messages.isEmpty)
        #expect(plan.batch.items.map(\.disposition) == [.ownSent])
        #expect(plan.batch.sentIDs.count == 1)
    }
}
