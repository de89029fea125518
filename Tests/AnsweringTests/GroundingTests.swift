import Answering
import DeskModel
import Testing

@Suite("Grounding") struct GroundingTests {
    private let source = Grounding.Source(
        article: "returns", title: "Returns",
        text: """
            You can return any product within 30 days of delivery. Returns within the European Union are free of charge.
            Standard delivery costs 4.90 euros. Gift vouchers cannot be refunded.
            See https://shop.example/returns for the form.
            """)

    @Test func `a sentence of the source is cited with its words`() {
        let grounding = Grounding(
            reply: "You can return any product within 30 days of delivery.", sources: [self.source])
        #expect(grounding.unsupported == [])
        #expect(grounding.citations.map(\.span) == ["You can return any product within 30 days of delivery."])
        #expect(grounding.share == 1)
    }

    @Test(arguments: [
        "You can return any product within 60 days of delivery.",
        "Standard delivery costs 4.95 euros.",
        "We guarantee a refund within 30 days of delivery.",
        "You can return any product for a full refund.",
        "Gift vouchers can be refunded.",
        "See https://evil.example/returns for the form.",
        "The moon is made of cheese.",
    ])
    func `a fact that no source states is unsupported`(sentence: String) {
        #expect(Grounding(reply: sentence, sources: [self.source]).unsupported == [sentence])
    }

    @Test func `numbers are the same however they are written`() {
        let grounding = Grounding(reply: "Standard delivery costs 4,90 euros.", sources: [self.source])
        #expect(grounding.unsupported == [])
    }

    @Test func `a link host that is allowed needs no source`() {
        let reply = "See https://help.shop.example/returns for the form."
        #expect(Grounding(reply: reply, sources: [self.source]).unsupported == [reply])
        #expect(
            Grounding(reply: reply, sources: [self.source], linkHosts: ["help.shop.example"]).unsupported == [])
    }

    @Test func `fixed phrases are no claims, and a reply without claims is not grounded`() {
        let grounding = Grounding(reply: "Thank you for your message.", sources: [self.source])
        #expect(grounding.claims == 0)
        #expect(grounding.share == 0)
    }
}

@Suite("Mail question") struct MailQuestionTests {
    @Test(arguments: [
        ("my order 104233 is late", true), ("order #AB-20391-22", true), ("order MT1042234.", true),
        ("call +49 30 5550", false), ("I paid 49.90", false), ("since 2024", false), ("joe12345@example.com", false),
        ("I paid 212.40", false), ("on 2025-05-12", false), ("since 12.05.2025", false), ("order 5510029.", true),
    ])
    func `knows an order number when it sees one`(text: String, expected: Bool) {
        #expect(MailQuestion(subject: "", body: text).namesOrder == expected)
    }

    @Test(arguments: [
        ("Anna Weber", "en", "Anna"), ("Anna Weber", "de", "Anna Weber"), ("Jean-Luc", "fr", "Jean-Luc"),
        ("Click http://x.test now", "en", nil), ("support", "en", nil), ("Win 1000", "en", nil), ("", "en", nil),
        ("Buy My Cheap Watches", "en", nil), ("DORIS", "en", "Doris"), ("Purchasing", "en", nil),
        ("Falke Buchhaltung", "de", nil),
    ])
    func `greets by a name only when it is one`(name: String, language: String, expected: String?) {
        #expect(MailQuestion(subject: "", body: "", customerName: name).greetingName(in: language) == expected)
    }

    @Test func `statements leave courtesies out and keep what a short question refers to`() {
        let question = MailQuestion(
            subject: "Re: A question",
            body: "Hi,\n\nI want to return this lamp. How do I do that?\n\nThanks, Anna")
        let first = question.statements.first
        #expect(question.statements.count == 1)
        #expect(first?.text == "I want to return this lamp.")
        #expect(first?.isRequest == true && first?.keyWords == ["return", "lamp"])
        let second = MailQuestion(subject: "", body: "My lamp from Tuesday is broken. Can you replace it?")
        let short = second.statements.last { !$0.isAside }
        #expect(short?.text == "My lamp from Tuesday is broken. Can you replace it?")
        #expect(short?.isRequest == true)
        #expect(short?.isVague == true)
    }

    @Test func `what only names an order or its writer is no statement`() {
        let question = MailQuestion(
            subject: "",
            body:
                "The zip of my bag broke.\nMy order number is 6604418.\nPlease repair the zip of my bag.\nFernando da Silva"
        )
        #expect(
            question.statements.map(\.text) == ["The zip of my bag broke.", "Please repair the zip of my bag."])
    }
}
