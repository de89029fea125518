import DeskModel
import Testing

@testable import Desk

@Suite("Thread token") struct ThreadTokenTests {
    private let signer = TokenSigner(keys: [TokenKey(id: "k1", secret: Secret("a secret of the desk"))])
    private let token = ThreadToken(ticketID: TicketID(123_456), sequence: 987_654_321)

    @Test func `an id of ours proves its ticket and message`() throws {
        let id = self.signer.messageID(for: self.token, domain: "shop.example")
        #expect(self.signer.verify(id) == self.token)
        #expect(id.text.hasSuffix("@shop.example"))
    }

    @Test func `the case of letters does not matter`() throws {
        let id = self.signer.messageID(for: self.token, domain: "shop.example")
        let shouted = try #require(MessageID(id.text.uppercased()))
        #expect(self.signer.verify(shouted) == self.token)
    }

    @Test func `any changed character of the proof is noticed`() throws {
        let id = self.signer.messageID(for: self.token, domain: "shop.example").text
        let local = Array(id.prefix { $0 != "@" })
        for index in local.indices where local[index] != "." {
            var changed = local
            changed[index] = local[index] == "a" ? "b" : "a"
            let forged = try #require(MessageID(String(changed) + "@shop.example"))
            #expect(self.signer.verify(forged) == nil, "changed at \(index): \(forged)")
        }
    }

    @Test func `old keys verify and the first one signs`() {
        let rotated = TokenSigner(keys: [
            TokenKey(id: "k2", secret: Secret("a newer secret")),
            TokenKey(id: "k1", secret: Secret("a secret of the desk")),
        ])
        let old = self.signer.messageID(for: self.token, domain: "shop.example")
        #expect(rotated.verify(old) == self.token)
        let new = rotated.messageID(for: self.token, domain: "shop.example")
        #expect(new.text.hasPrefix("mt.k2."))
        #expect(self.signer.verify(new) == nil)
    }

    @Test func `without a key nothing is proved`() {
        let keyless = TokenSigner(keys: [])
        #expect(keyless.verify(keyless.messageID(for: self.token, domain: "shop.example")) == nil)
    }

    @Test(arguments: ["", "mt", "mt.k1.a.b", "mt.k1.....", "mt.k1.1.1.aaaaaaaaaaaaaaaa", "x@y"])
    func `foreign ids prove nothing`(local: String) {
        if let id = MessageID(local + "@elsewhere.example") { #expect(self.signer.verify(id) == nil) }
    }

    @Test func `a domain that no Message-ID can hold is replaced`() {
        let id = self.signer.messageID(for: self.token, domain: "bücher.example")
        #expect(self.signer.verify(id) == self.token)
    }

    @Test func `a note's proof covers its id and its body, and survives changed line ends`() {
        let id = self.signer.messageID(for: self.token, domain: "shop.example")
        let body = "Why: late parcel  \nSources: shipping.md\n"
        let mac = self.signer.noteMAC(messageID: id, body: BriefingNoteHeader.canonical(body))
        let received = "Why: late parcel\nSources: shipping.md\n\n"
        #expect(self.signer.isValidNoteMAC(mac, messageID: id, body: BriefingNoteHeader.canonical(received)))
        #expect(
            !self.signer.isValidNoteMAC(mac, messageID: id, body: BriefingNoteHeader.canonical("Why: something else")))
        let other = self.signer.messageID(for: ThreadToken(ticketID: TicketID(1), sequence: 1), domain: "shop.example")
        #expect(!self.signer.isValidNoteMAC(mac, messageID: other, body: BriefingNoteHeader.canonical(body)))
    }

    @Test(arguments: [0, 1, 31, 32, 1_000_000, Int64.max])
    func `numbers survive base 32`(number: Int64) { #expect(Base32.number(Base32.text(number)) == number) }
}
