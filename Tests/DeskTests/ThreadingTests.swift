import DeskModel
import DeskStore
import Foundation
import Testing

@testable import Desk

@Suite("Threading") struct ThreadingTests {
    private let signer = TokenSigner(keys: [TokenKey(id: "k1", secret: Secret("a secret of the desk"))])
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private var threading: Threading {
        Threading(signer: self.signer, ownAddresses: ["support@shop.example"], reopenWindow: .seconds(30 * 24 * 3600))
    }

    private func ticket(
        _ status: TicketStatus = .open, resolvedAt: Date? = nil, participants: Set<String> = []
    ) -> TicketCandidate {
        TicketCandidate(
            id: TicketID(7), number: 1042, mailboxID: MailboxID(1), status: status, resolvedAt: resolvedAt,
            customerEmail: "ann@example.com", participants: participants)
    }

    private func message(from: String, subject: String = "Hello", inReplyTo: [String] = [], references: [String] = [])
        throws -> InboundMessage
    {
        var message = InboundMessage()
        message.from = [try #require(MailAddress(from))]
        message.subject = subject
        message.inReplyTo = inReplyTo.compactMap { MessageID($0) }
        message.references = references.compactMap { MessageID($0) }
        return message
    }

    private func assign(_ message: InboundMessage, _ ticket: TicketCandidate, knows id: String? = nil)
        -> Threading.Assignment
    {
        var lookup = IntakeLookup()
        lookup.ticketsByID[ticket.id] = ticket
        lookup.ticketsByNumber[ticket.number] = ticket
        if let id = id.flatMap({ MessageID($0) }) { lookup.threads[id.digest] = [ticket] }
        return self.threading.assignment(of: message, received: self.now, lookup: lookup)
    }

    private func isAttached(_ assignment: Threading.Assignment) -> Bool {
        if case .attach = assignment { true } else { false }
    }

    @Test(arguments: [false, true]) func `the customer's answer to our mail joins`(viaReferences: Bool) throws {
        let id = self.signer.messageID(for: ThreadToken(ticketID: TicketID(7), sequence: 1), domain: "shop.example")
            .text
        let message = try self.message(
            from: "ANN@example.com", inReplyTo: viaReferences ? [] : [id], references: viaReferences ? [id] : [])
        #expect(self.isAttached(self.assign(message, self.ticket())))
    }

    @Test func `a stranger with our token is kept apart but visible`() throws {
        let id = self.signer.messageID(for: ThreadToken(ticketID: TicketID(7), sequence: 1), domain: "shop.example")
            .text
        let message = try self.message(from: "mallory@example.org", inReplyTo: [id])
        guard case .attachFlagged(let ticket, _) = self.assign(message, self.ticket()) else {
            Issue.record("not flagged")
            return
        }
        #expect(ticket.id == TicketID(7))
    }

    @Test func `a stranger who guesses a Message-ID gets a ticket of their own`() throws {
        let message = try self.message(from: "mallory@example.org", references: ["mail-1@example.com"])
        let assignment = self.assign(message, self.ticket(), knows: "mail-1@example.com")
        guard case .open(let linked, _, _) = assignment else {
            Issue.record("joined: \(assignment)")
            return
        }
        #expect(linked == TicketID(7))
    }

    @Test func `somebody in copy may answer`() throws {
        let message = try self.message(from: "bob@example.org", inReplyTo: ["mail-1@example.com"])
        let ticket = self.ticket(participants: ["bob@example.org"])
        #expect(self.isAttached(self.assign(message, ticket, knows: "mail-1@example.com")))
    }

    @Test func `the number in the subject counts only from a participant`() throws {
        let known = try self.message(from: "ann@example.com", subject: "Re: parcel [MT-1042]")
        #expect(self.isAttached(self.assign(known, self.ticket())))
        let stranger = try self.message(from: "mallory@example.org", subject: "Re: parcel [mt-1042]")
        #expect(!self.isAttached(self.assign(stranger, self.ticket())))
    }

    @Test func `a reply to a closed ticket opens a linked one`() throws {
        let message = try self.message(from: "ann@example.com", inReplyTo: ["mail-1@example.com"])
        let assignment = self.assign(message, self.ticket(.closed, resolvedAt: self.now), knows: "mail-1@example.com")
        guard case .open(let linked, _, _) = assignment else {
            Issue.record("joined: \(assignment)")
            return
        }
        #expect(linked == TicketID(7))
    }

    @Test(arguments: [(29.0, true), (31.0, false)])
    func `a resolved ticket reopens within the window only`(days: Double, joins: Bool) throws {
        let message = try self.message(from: "ann@example.com", inReplyTo: ["mail-1@example.com"])
        let resolved = self.now.addingTimeInterval(-days * 24 * 3600)
        let assignment = self.assign(message, self.ticket(.resolved, resolvedAt: resolved), knows: "mail-1@example.com")
        #expect(self.isAttached(assignment) == joins)
    }

    @Test func `an unrelated mail of a known customer is a new ticket`() throws {
        let message = try self.message(from: "ann@example.com")
        #expect(
            self.assign(message, self.ticket())
                == .open(linked: nil, isStranger: false, reason: "refers to nothing known"))
    }

    @Test(
        arguments: [
            ("[MT-1042] x", 1042), ("x [list] [mt-7]", 7), ("MT-1042", nil), ("[MT-]", nil), ("[MT-1x]", nil),
            ("[", nil),
        ] as [(String, Int64?)])
    func `finds the ticket number in a subject`(subject: String, number: Int64?) {
        #expect(Threading.ticketNumber(in: subject)?.value == number)
    }
}
