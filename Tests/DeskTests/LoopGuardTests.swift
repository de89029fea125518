import DeskModel
import DeskStore
import Testing

@testable import Desk

@Suite("Loop guard") struct LoopGuardTests {
    private func mail(
        _ id: Int64, _ kind: OutboxMail.Kind = .acknowledgement, to address: String, textKey: Int64? = nil,
        needless: String? = nil
    ) -> OutboxCandidate {
        OutboxCandidate(
            mail: OutboxMail(
                id: OutboxID(id), mailboxID: MailboxID(1), ticketID: TicketID(id), kind: kind,
                internetMessageID: "\(id)@shop.example", envelopeFrom: nil, recipients: [address], bytes: [],
                dueAt: nil), needless: needless, textKey: textKey)
    }

    private func verdicts(
        _ mails: [OutboxCandidate], noticeCap: Int = 20, facts: SendFacts = SendFacts(),
        caps change: (inout AutomaticCaps) -> Void = { _ in }
    ) -> [OutboxVerdict] {
        var caps = AutomaticCaps()
        change(&caps)
        var guardian = LoopGuard(
            caps: caps, noticeCap: noticeCap, own: ["support@shop.example"], facts: facts)
        return guardian.verdicts(on: mails)
    }

    private func claimed(_ verdicts: [OutboxVerdict]) -> Int { verdicts.count { $0 == .claim } }

    private func trips(_ verdicts: [OutboxVerdict]) -> [String] {
        verdicts.compactMap { verdict in if case .trip(let key, _, _) = verdict { key } else { nil } }
    }

    @Test(arguments: [0, 1, 7, 20]) func `the notices of one batch keep the cap exactly`(sent: Int) {
        var facts = SendFacts()
        facts.notices = sent
        let verdicts = self.verdicts((1...50).map { self.mail($0, .notice, to: "team@shop.example") }, facts: facts)
        #expect(self.claimed(verdicts) == 20 - sent)
        #expect(verdicts.count { $0 == .hold } == 30 + sent)
    }

    @Test func `a digest goes out though the cap is reached`() {
        #expect(self.verdicts([self.mail(1, .digest, to: "team@shop.example")], noticeCap: 0) == [.claim])
    }

    @Test func `nothing automatic goes to ourselves`() {
        #expect(
            self.verdicts([self.mail(1, to: "Support@shop.example")]) == [.cancel(reason: "the address is our own")])
    }

    @Test func `one address gets no more than its day's share`() {
        let verdicts = self.verdicts((1...10).map { self.mail($0, to: "robot@loop.example") })
        #expect(self.claimed(verdicts) == 3)
        #expect(self.trips(verdicts).isEmpty)
    }

    @Test func `a domain of fresh addresses trips its breaker once and is cut off`() {
        let verdicts = self.verdicts((1...50).map { self.mail($0, to: "robot\($0)@loop.example") })
        #expect(self.claimed(verdicts) == 20)
        #expect(self.trips(verdicts) == ["domain:loop.example"])
    }

    @Test func `customers of a big provider are no loop`() {
        let verdicts = self.verdicts((1...50).map { self.mail($0, to: "person\($0)@gmail.com") })
        #expect(self.claimed(verdicts) == 50)
    }

    @Test func `nearly the same words from many addresses trip a breaker`() throws {
        let key = try #require(TextKey.of("Your request has been received by our team and will be handled in due time"))
        let near = key ^ 0b1011
        let verdicts = self.verdicts(
            (1...20).map { self.mail($0, to: "robot\($0)@gmail.com", textKey: $0.isMultiple(of: 2) ? key : near) })
        #expect(self.claimed(verdicts) == 5)
        #expect(self.trips(verdicts).count == 1)
    }

    @Test func `other words pass while a breaker holds`() throws {
        let key = try #require(TextKey.of("Your request has been received by our team and will be handled in due time"))
        let other = try #require(TextKey.of("I ordered a green kettle last week and the lid does not fit at all"))
        var facts = SendFacts()
        facts.breakers = [.init(key: "similar:1", reason: "stopped", textKey: key)]
        let verdicts = self.verdicts(
            [
                self.mail(1, to: "a@gmail.com", textKey: key), self.mail(2, to: "b@gmail.com", textKey: other),
            ], facts: facts)
        #expect(verdicts == [.cancel(reason: "stopped"), .claim])
    }

    @Test func `the whole desk has a cap`() {
        let verdicts = self.verdicts((1...10).map { self.mail($0, to: "c\($0)@d\($0).example") }) { $0.deskPerHour = 4 }
        #expect(self.claimed(verdicts) == 4)
        #expect(self.trips(verdicts) == ["desk"])
    }

    @Test func `what nobody needs spends nothing`() {
        let verdicts = self.verdicts(
            (1...5).map { self.mail($0, to: "ann@example.com", needless: "answered first") }
                + [self.mail(6, to: "ann@example.com")])
        #expect(verdicts.last == .claim)
    }
}

@Suite("Text key") struct TextKeyTests {
    private let text = """
        Thank you for contacting the ticket desk of Example Ltd. Your request 48213 has been registered and one of our
        specialists will come back to you as soon as possible. Please do not change the subject of this mail.
        """

    @Test func `a few other words and numbers change few bits`() throws {
        let key = try #require(TextKey.of(self.text))
        let other = try #require(
            TextKey.of(self.text.replacing("48213", with: "99120").replacing("specialists", with: "colleagues")))
        #expect(TextKey.distance(key, other) <= LoopGuard.similarBits)
    }

    @Test func `another text is far away`() throws {
        let key = try #require(TextKey.of(self.text))
        let other = try #require(
            TextKey.of("My kettle arrived with a crack in the lid and I would like a new one, here is a photo of it"))
        #expect(TextKey.distance(key, other) > LoopGuard.similarBits)
    }

    @Test func `a short text has none`() { #expect(TextKey.of("Where is my order?") == nil) }
}

@Suite("Thanks note") struct ThanksNoteTests {
    @Test(
        arguments: [
            "Thanks!", "Thank you so much, that works now.", "Great, thanks for the quick reply\n\nBest regards\nAnn",
            "Perfect, the parcel arrived today. Thank you very much", "Vielen Dank für die schnelle Hilfe!",
            "Danke, hat alles geklappt. Viele Grüße, Jana", "Merci beaucoup pour votre aide, bonne journée",
            "Muchas gracias por su ayuda", "Grazie mille, tutto risolto", "Bedankt voor de snelle reactie!",
            "Dziękuję bardzo za pomoc", "Muito obrigado pela ajuda",
        ])
    func `thanks and nothing else`(text: String) { #expect(ThanksNote.matches(text)) }

    @Test(
        arguments: [
            "Thanks, but it still does not work.", "Thank you. When will it arrive?", "Thanks, my order is 48213",
            "Thanks in advance for a refund", "Danke, aber die Ware fehlt noch", "Merci, mais je veux un remboursement",
            "Where is my parcel", "", "Gracias, pero todavía no ha llegado", "Thanks. Please cancel it.",
            "Thanks. The second shoe has a hole in its sole and the lace came undone",
        ])
    func `anything that wants something is no thanks note`(text: String) { #expect(!ThanksNote.matches(text)) }
}
