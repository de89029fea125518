import DeskModel
import DeskStore
import Foundation
import MailTransport
import Testing

@testable import Desk

@Suite("Intake planner") struct IntakePlannerTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private var mailbox: MailboxSettings {
        get throws {
            let endpoint = MailEndpoint(host: "127.0.0.1", port: 1, security: .none)
            return MailboxSettings(
                name: "support", imap: endpoint, smtp: endpoint, user: "support", password: Secret("x"),
                address: try #require(MailAddress("support@shop.example")))
        }
    }

    private func planner(
        mode: Mode = .acknowledge, firstNewUID: UInt32 = 1, historyBefore: Date? = nil
    ) throws -> IntakePlanner {
        var settings = DeskSettings()
        settings.mode = mode
        settings.tokenKeys = [TokenKey(id: "k1", secret: Secret("a secret of the desk"))]
        let threading = Threading(
            signer: TokenSigner(keys: settings.tokenKeys), ownAddresses: ["support@shop.example"],
            reopenWindow: settings.reopenWindow)
        return IntakePlanner(
            mailbox: try self.mailbox, settings: settings, threading: threading, firstNewUID: firstNewUID,
            historyBefore: historyBefore, now: self.now)
    }

    private func plan(
        _ mails: [ParsedMail], _ planner: IntakePlanner, lookup: IntakeLookup = IntakeLookup()
    ) -> IntakePlanner.Plan {
        let batch = IntakeBatch(
            mailboxID: MailboxID(1), folderID: FolderID(2), uidValidity: 3, lastUID: 99, leaseEpoch: 1)
        var next: Int64 = 1000
        return planner.plan(mails, into: batch, lookup: lookup) {
            next += 1
            return next
        }
    }

    private func mail(
        _ uid: UInt32, from: String = "ann@example.com", id: String? = nil, subject: String = "Parcel",
        body: String = "Where is my parcel?", inReplyTo: [String] = [], age: TimeInterval = 60,
        kind: MessageClassification.Kind = .human, headers: [HeaderField] = []
    ) throws -> ParsedMail {
        var message = InboundMessage()
        message.headers = headers
        message.messageID = id.flatMap { MessageID($0) }
        message.from = [try #require(MailAddress(from))]
        message.subject = subject
        message.bodyText = body
        message.reply.visible = body
        message.inReplyTo = inReplyTo.compactMap { MessageID($0) }
        let classification = MessageClassification(kind: kind, reasons: [], suppressAutoReply: kind != .human)
        return ParsedMail(
            uid: uid, internalDate: self.now.addingTimeInterval(-age), raw: Array(body.utf8),
            content: .parsed(message, classification))
    }

    @Test func `a mail becomes a ticket, a message and a job`() throws {
        let plan = self.plan([try self.mail(5, id: "a@example.com")], try self.planner())
        #expect(plan.batch.tickets.count == 1)
        #expect(plan.batch.messages.map(\.ticketID) == plan.batch.tickets.map(\.id))
        #expect(plan.batch.items.map(\.disposition) == [.message])
        #expect(plan.triage.count == 1)
        #expect(plan.acknowledge.map(\.ticketID) == plan.batch.tickets.map(\.id))
    }

    @Test func `copies and replies within one batch see each other`() throws {
        let first = try self.mail(5, id: "a@example.com")
        let copy = try self.mail(6, id: "a@example.com")
        let reply = try self.mail(7, id: "b@example.com", body: "Any news?", inReplyTo: ["a@example.com"])
        let plan = self.plan([first, copy, reply], try self.planner())
        #expect(plan.batch.tickets.count == 1)
        #expect(plan.batch.messages.count == 2)
        #expect(plan.batch.items.map(\.disposition) == [.message, .duplicateOf, .message])
        #expect(plan.batch.items[1].messageID == plan.batch.messages[0].id)
        #expect(plan.acknowledge.count == 1)
    }

    @Test func `the same Message-ID with other content is a second message, marked`() throws {
        let plan = self.plan(
            [try self.mail(5, id: "a@example.com"), try self.mail(6, id: "a@example.com", body: "Something else")],
            try self.planner())
        #expect(plan.batch.messages.map(\.isFlagged) == [false, true])
    }

    @Test func `a mail without a Message-ID is kept like any other`() throws {
        let plan = self.plan([try self.mail(5), try self.mail(6, body: "Another")], try self.planner())
        #expect(plan.batch.messages.count == 2)
        #expect(plan.batch.tickets.count == 2)
    }

    @Test(arguments: [MessageClassification.Kind.autoReply, .bounce, .successDSN, .feedback])
    func `robots open no ticket and are never answered`(kind: MessageClassification.Kind) throws {
        let plan = self.plan([try self.mail(5, id: "a@example.com", kind: kind)], try self.planner())
        #expect(plan.batch.tickets.isEmpty)
        #expect(plan.batch.messages.count == 1)
        #expect(plan.acknowledge.isEmpty)
        #expect(plan.triage.isEmpty)
    }

    @Test func `what only sounds like a robot opens a ticket and gets no acknowledgement`() throws {
        var guess = MessageClassification(kind: .autoReply, reasons: ["text says so"], suppressAutoReply: true)
        guess.isByWords = true
        var mail = try self.mail(5, id: "a@example.com")
        guard case .parsed(let message, _) = mail.content else {
            Issue.record("no mail")
            return
        }
        mail.content = .parsed(message, guess)
        let plan = self.plan([mail], try self.planner())
        #expect(plan.batch.tickets.count == 1)
        #expect(plan.batch.messages.map(\.ticketID) == plan.batch.tickets.map(\.id))
        #expect(plan.triage.count == 1)
        #expect(plan.acknowledge.isEmpty)
    }

    @Test func `an automatic reply in a thread is kept there and reopens nothing`() throws {
        let ticket = TicketCandidate(
            id: TicketID(7), number: 1042, mailboxID: MailboxID(1), status: .pending, resolvedAt: nil,
            customerEmail: "ann@example.com", participants: [])
        var lookup = IntakeLookup()
        let id = try #require(MessageID("ours@shop.example"))
        lookup.threads[id.digest] = [ticket]
        lookup.ticketsByID[ticket.id] = ticket
        let mail = try self.mail(5, id: "ooo@example.com", inReplyTo: [id.text], kind: .autoReply)
        let plan = self.plan([mail], try self.planner(), lookup: lookup)
        #expect(plan.batch.messages.map(\.ticketID) == [ticket.id])
        #expect(plan.batch.statuses.isEmpty)
        let human = try self.mail(6, id: "human@example.com", inReplyTo: [id.text])
        #expect(self.plan([human], try self.planner(), lookup: lookup).batch.statuses == [ticket.id: .open])
    }

    /// A mail from `sender` that answers one of ours in a ticket of Ann's.
    private func answer(
        from sender: String = "ann@example.com", _ status: TicketStatus, guess: Bool = false,
        kind: MessageClassification.Kind = .human
    ) throws -> IntakePlanner.Plan {
        let planner = try self.planner()
        let ticket = TicketCandidate(
            id: TicketID(7), number: 1042, mailboxID: MailboxID(1), status: status, resolvedAt: nil,
            customerEmail: "ann@example.com", participants: [])
        var lookup = IntakeLookup()
        lookup.ticketsByID[ticket.id] = ticket
        let ours = planner.threading.signer.messageID(
            for: ThreadToken(ticketID: ticket.id, sequence: 1), domain: "shop.example")
        var mail = try self.mail(5, from: sender, id: "b@example.com", inReplyTo: [ours.text], kind: kind)
        if guess, case .parsed(let message, _) = mail.content {
            var classification = MessageClassification(kind: .autoReply, reasons: [], suppressAutoReply: true)
            classification.isByWords = true
            mail.content = .parsed(message, classification)
        }
        return self.plan([mail], planner, lookup: lookup)
    }

    @Test(arguments: [TicketStatus.pending, .resolved])
    func `a guess that a customer is a robot does not keep the ticket shut`(status: TicketStatus) throws {
        let plan = try self.answer(status, guess: true)
        #expect(plan.batch.statuses == [TicketID(7): .open])
        #expect(plan.triage.count == 1)
        #expect(plan.acknowledge.isEmpty)
        #expect(plan.batch.messages.map(\.classification.suppressAutoReply) == [true])
        // Who says so in a header field is a robot.
        #expect(try self.answer(status, kind: .autoReply).batch.statuses.isEmpty)
        #expect(try self.answer(status, kind: .other).batch.statuses.isEmpty)
    }

    @Test(arguments: [TicketStatus.new, .open])
    func `what only sounds like a robot leaves the draft of an open ticket alone`(status: TicketStatus) throws {
        let plan = try self.answer(status, guess: true)
        #expect(plan.batch.messages.map(\.ticketID) == [TicketID(7)])
        #expect(plan.triage.isEmpty)
    }

    @Test func `a customer who answers from another address is seen`() throws {
        let plan = try self.answer(from: "ann@home.example", .pending)
        #expect(plan.batch.statuses == [TicketID(7): .open])
        #expect(plan.batch.messages.map(\.isFlagged) == [true])
        #expect(plan.batch.participants.isEmpty)
        #expect(try self.answer(from: "robot@home.example", .pending, kind: .autoReply).batch.statuses.isEmpty)
        // A closed ticket stays closed; what somebody says about it is a ticket of its own.
        let late = try self.answer(from: "ann@home.example", .closed)
        #expect(late.batch.tickets.map(\.linkedTicketID) == [TicketID(7)])
        #expect(late.acknowledge.isEmpty)
    }

    @Test func `old mail is history: no acknowledgement, no draft`() throws {
        let plan = self.plan(
            [try self.mail(5, id: "old@example.com"), try self.mail(10, id: "new@example.com", body: "New")],
            try self.planner(firstNewUID: 10))
        #expect(plan.batch.tickets.map(\.isHistory) == [true, false])
        #expect(plan.batch.items.map(\.disposition) == [.history, .message])
        #expect(plan.triage.map(\.isHistory) == [true, false])
        #expect(plan.acknowledge.map(\.ticketID) == [plan.batch.tickets[1].id])
    }

    @Test func `with an age, young mail below the first new UID is work`() throws {
        let before = self.now.addingTimeInterval(-3600)
        let plan = self.plan(
            [try self.mail(5, id: "old@example.com", age: 7200), try self.mail(6, id: "young@example.com", body: "y")],
            try self.planner(firstNewUID: 10, historyBefore: before))
        #expect(plan.batch.tickets.map(\.isHistory) == [true, false])
    }

    @Test(arguments: [(Mode.observe, false), (.draft, false), (.acknowledge, true), (.answer, true)])
    func `only the modes that may acknowledge do`(mode: Mode, expected: Bool) throws {
        let plan = self.plan([try self.mail(5, id: "a@example.com")], try self.planner(mode: mode))
        #expect(plan.acknowledge.isEmpty == !expected)
    }

    @Test func `nothing automatic follows a mail older than a day`() throws {
        let plan = self.plan([try self.mail(5, id: "a@example.com", age: 25 * 3600)], try self.planner())
        #expect(plan.batch.tickets.count == 1)
        #expect(plan.acknowledge.isEmpty)
    }

    @Test func `our own note is recognised, and a travelled copy of its header is ordinary mail`() throws {
        let planner = try self.planner()
        let id = planner.threading.signer.messageID(
            for: ThreadToken(ticketID: TicketID(7), sequence: 3), domain: "shop.example")
        let mac = planner.threading.signer.noteMAC(messageID: id, body: BriefingNoteHeader.canonical("Why: late"))
        var lookup = IntakeLookup()
        lookup.ownWrites[id.text] = .init(kind: "note", ticketID: TicketID(7), writeID: 1)
        let field = HeaderField(name: BriefingNoteHeader.name, value: mac)
        let own = try self.mail(5, from: "support@shop.example", id: id.text, body: "Why: late\r\n", headers: [field])
        #expect(self.plan([own], planner, lookup: lookup).batch.items.map(\.disposition) == [.ownNote])

        let travelled = try self.mail(
            6, from: "mallory@example.org", id: id.text, body: "Why: late",
            headers: [field, HeaderField(name: "Received", value: "from mx.example.org")])
        #expect(self.plan([travelled], planner, lookup: lookup).batch.items.map(\.disposition) == [.message])
    }

    @Test(arguments: [
        ("Where is my parcel?", false), ("I will hand this to my lawyer", true), ("URGENT: where is my parcel?", true),
    ])
    func `words that call for a person let a mail overtake`(body: String, isPressing: Bool) throws {
        let planner = try self.planner(firstNewUID: 10)
        let new = self.plan([try self.mail(10, id: "a@example.com", body: body)], planner)
        #expect(new.triage.map(\.isPressing) == [isPressing])
        let old = self.plan([try self.mail(5, id: "b@example.com", body: body)], planner)
        #expect(old.triage.map(\.isPressing) == [false])
    }

    @Test func `what cannot be read is held, with its bytes, and opens a ticket for a person`() throws {
        let mail = ParsedMail(uid: 5, internalDate: self.now, raw: [1, 2, 3], content: .unreadable(reason: "broken"))
        let plan = self.plan([mail], try self.planner())
        #expect(plan.batch.quarantined.map(\.raw) == [[1, 2, 3]])
        #expect(plan.batch.tickets.count == 1)
        #expect(plan.needsEyes.count == 1)
        #expect(plan.acknowledge.isEmpty)
    }

    @Test func `every UID gets exactly one disposition`() throws {
        let mails = [
            try self.mail(1, id: "a@example.com"), try self.mail(2, id: "a@example.com"),
            try self.mail(3, id: "c@example.com", kind: .bounce),
            ParsedMail(uid: 4, internalDate: self.now, raw: [], content: .vanished),
            ParsedMail(uid: 5, internalDate: self.now, raw: [9], content: .unreadable(reason: "broken")),
        ]
        #expect(self.plan(mails, try self.planner()).batch.items.map(\.uid) == [1, 2, 3, 4, 5])
    }
}
