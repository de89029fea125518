import DeskModel
import DeskStore
import Foundation
import Testing

@testable import Desk

@Suite("Correspondent") struct CorrespondentTests {
    private func message(
        from: String, replyTo: [String] = [], subject: String = "Hello", body: String = "", inReplyTo: [String] = []
    ) throws -> InboundMessage {
        var message = InboundMessage()
        message.from = [try #require(MailAddress(from))]
        message.replyTo = replyTo.compactMap { MailAddress($0) }
        message.subject = subject
        message.bodyText = body
        message.inReplyTo = inReplyTo.compactMap { MessageID($0) }
        return message
    }

    private func correspondent(_ message: InboundMessage, isVerified: Bool? = nil) -> Correspondent? {
        Correspondent(
            of: message, isVerified: isVerified, own: ["support@shop.example"], agents: ["kim@shop.example"])
    }

    @Test(arguments: ["support@shop.example", "noreply@shop.example", "wordpress@shop.example"])
    func `a contact form writes for its visitor`(form: String) throws {
        let found = self.correspondent(try self.message(from: form, replyTo: ["ann@example.com"]))
        #expect(found?.address.normalized == "ann@example.com")
    }

    @Test func `a stranger's Reply-To, a robot elsewhere and two visitors are not believed`() throws {
        for message in [
            try self.message(from: "mallory@example.org", replyTo: ["ann@example.com"]),
            try self.message(from: "noreply@example.org", replyTo: ["ann@example.com"]),
            try self.message(from: "support@shop.example", replyTo: ["ann@example.com", "bob@example.com"]),
            try self.message(from: "support@shop.example", replyTo: ["support@shop.example"]),
            try self.message(from: "support@shop.example", replyTo: ["ann@example.com"], inReplyTo: ["a@example.com"]),
        ] { #expect(self.correspondent(message) == nil) }
    }

    private static let forwarded = """
        Can you take this one?

        ---------- Forwarded message ----------
        From: Ann Example <ann@example.com>
        Date: Mon, 5 Jan 2026
        Subject: Parcel
        To: kim@shop.example

        Where is my parcel?
        """

    @Test(arguments: [
        (Self.forwarded, "Fwd: Parcel"),
        ("-----Ursprüngliche Nachricht-----\nVon: Ann [mailto:ann@example.com]\nGesendet: Montag\n\nWo?", "WG: Paket"),
    ])
    func `what an agent forwards is the customer's`(body: String, subject: String) throws {
        let message = try self.message(from: "kim@shop.example", subject: subject, body: body)
        #expect(self.correspondent(message)?.address.normalized == "ann@example.com")
        #expect(self.correspondent(message, isVerified: false) == nil)
    }

    @Test func `what anybody else forwards is their own`() throws {
        let message = try self.message(from: "bob@example.org", subject: "Fwd: Parcel", body: Self.forwarded)
        #expect(self.correspondent(message) == nil)
    }
}

@Suite("Reference pattern") struct ReferencePatternTests {
    private func message(_ subject: String, body: String = "") -> InboundMessage {
        var message = InboundMessage()
        message.subject = subject
        message.bodyText = body
        return message
    }

    @Test func `finds the number between its words, from that sender only`() throws {
        let pattern = try #require(ReferencePattern("@market.example Order #{ref}"))
        let first = pattern.reference(in: self.message("Question on order #402-7781"), from: "m@market.example")
        let second = pattern.reference(
            in: self.message("Re", body: "About ORDER #402-7781."), from: "x@market.example")
        #expect(first != nil)
        #expect(first?.digest == second?.digest)
        #expect(pattern.reference(in: self.message("Order #402-7781"), from: "m@other.example") == nil)
        #expect(pattern.reference(in: self.message("Order #soon"), from: "m@market.example") == nil)
    }

    @Test(arguments: ["", "market.example Order {ref}", "@market.example", "@market.example {ref}", "@m.example Order"])
    func `refuses what would match everything or nothing`(text: String) { #expect(ReferencePattern(text) == nil) }
}

@Suite("Own trace") struct OwnTraceTests {
    private let signer = TokenSigner(keys: [TokenKey(id: "k1", secret: Secret("a secret of the desk"))])

    private func isIn(_ body: String, subject: String = "Hello") -> Bool {
        var message = InboundMessage()
        message.subject = subject
        message.bodyText = body
        return OwnTrace.isIn(message, signer: self.signer)
    }

    @Test func `finds a ticket's number and a Message-ID of ours`() {
        let id = self.signer.messageID(for: ThreadToken(ticketID: TicketID(7), sequence: 1), domain: "shop.example")
        #expect(self.isIn("> Its number is MT-1042."))
        #expect(self.isIn("", subject: "Re: received [mt-1042]"))
        #expect(self.isIn("Original id: <\(id.text)>"))
    }

    @Test(arguments: ["The model is AMT-1042", "MT-12", "mt.k1.h.b.aaaaaaaaaaaaaaaa@shop.example", "", "MT-"])
    func `other numbers are none of ours`(body: String) { #expect(!self.isIn(body)) }
}
