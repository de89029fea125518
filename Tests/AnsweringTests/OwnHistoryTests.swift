import Answering
import DeskModel
import Testing

@Suite("Case cards from tickets") struct CaseTextTests {
    private func source(_ answer: String, question: String = "My lamp FX-20 flickers, order 10442. Ann Smith")
        -> CaseText.Source
    {
        CaseText.Source(
            subject: "Re: Lamp flickers", question: question, answer: answer,
            known: KnownIdentities(names: ["Ann Smith", "Tom Agent"], addresses: ["ann@home.example"]))
    }

    @Test func `keeps the agent's words and marks what was masked`() throws {
        let text = try #require(
            CaseText(
                self.source(
                    """
                    Hello Ann,

                    thank you for your message. Hold the lamp's button for ten seconds to reset the driver.
                    We noted it under order 10442.

                    Kind regards
                    Tom
                    """)))
        #expect(text.problem.hasPrefix("Lamp flickers\n"))
        #expect(!text.problem.contains("Ann") && !text.problem.contains("10442"))
        #expect(text.solution.contains("[order number]"))
        #expect(!text.solution.contains("Hello") && !text.solution.contains("Tom"))
        #expect(CaseText.passages(of: text.solution).joined().contains("Hold the lamp's button for ten seconds"))
        #expect(!CaseText.passages(of: text.solution).joined().contains("noted"))
    }

    @Test func `keeps nothing that a customer wrote word for word`() throws {
        var source = self.source(
            """
            As your sister fell over the cable on Tuesday, please do not use it. Hold the button for ten seconds to reset the \
            driver of the lamp.
            """)
        source.customerTexts = ["Hi! My  SISTER fell over the cable, and now it flickers."]
        let text = try #require(CaseText(source))
        #expect(text.solution.contains("[quotation]") && !text.solution.contains("sister"))
        let passages = CaseText.passages(of: text.solution).joined()
        #expect(passages == "Hold the button for ten seconds to reset the driver of the lamp.")
    }

    @Test func `words that everybody says in a row are nobody's`() throws {
        var source = self.source("If you have not received it yet, hold the button for ten seconds to reset the lamp.")
        source.customerTexts = ["If you have not received it I will send it again."]
        #expect(try #require(CaseText(source)).solution.contains("If you have not received it yet"))
    }

    @Test func `a number that a customer wrote is theirs`() throws {
        var source = self.source(
            "The code 4711 still opens it after 30 days. Hold the button for ten seconds to reset the driver of the lamp."
        )
        source.customerTexts = ["Is 4711 the right code? I have it since 30 days."]
        let text = try #require(CaseText(source))
        #expect(!text.solution.contains("4711") && text.solution.contains("30 days"))
    }

    @Test(arguments: [
        ("Wójcik, Barbara", "As Barbara Wojcik found out, pull it."),
        ("Karin van der Meer", "ask karin van der meer about it"),
        ("Zdzisław Kowalski", "Odesłaliśmy to Zdzisławowi Kowalskiemu."),
        ("Conor O'Neill", "That was Conor O’Neill's."),
        ("Jean-Luc Petit", "Petit Jean-Luc had it too."), ("René Müller", "rene muller wrote the same"),
    ])
    func `a customer's name is found reordered, inflected and in small letters`(name: String, text: String) {
        let candidates = NameCandidates(in: text, spoken: [])
        #expect(candidates.said(of: [name, "Will Long", "Ann Smith"]) == [name])
    }

    @Test func `one part of a name counts with a capital in a sentence, unless the customer said it`() {
        let text = "The Aurora lamp was tried by Zbigniew. Hold the button in May."
        let candidates = NameCandidates(in: text, spoken: ["My Aurora lamp flickers"])
        #expect(candidates.single.contains("zbigniew"))
        for word in ["aurora", "hold", "may", "lamp"] { #expect(!candidates.single.contains(word)) }
    }

    @Test(arguments: ["Hello Ann,\nthank you.\nKind regards\nTom", "We sent order 10442 again to Ann Smith today.", ""])
    func `gives no card when nothing is left for others`(answer: String) {
        #expect(CaseText(self.source(answer)) == nil)
    }

    @Test func `is cited as a case`() {
        let article = CaseText.article(id: 17, category: "Shipping", solution: "Press the red button.")
        #expect(article.key == "case:17")
        #expect(article.title == "Case 17, Shipping")
        #expect(CaseText.caseID(ofArticle: article.key) == 17)
        #expect(CaseText.caseID(ofArticle: "shipping.md") == nil)
    }

    @Test func `is found by the problem and answered from the solution`() async throws {
        let encoder = WordEncoder()
        let problem = "my lamp flickers all evening and hums"
        let article = CaseText.article(
            id: 17, category: nil, solution: "Hold the button for ten seconds to reset the driver.")
        let chunks = Chunker.chunks(of: article)
        let vectors = try await encoder.encode([problem] + chunks.map(\.content))
        let card = KnowledgeIndex.Entry(
            id: ArticleID(-17), article: article, titleVector: vectors[0], chunks: chunks,
            vectors: Array(vectors.dropFirst()), matching: problem)
        let index = try KnowledgeIndex(entries: [card], dimensions: 64)
        let answerer = Answerer(encoder: encoder, index: index)
        let question = MailQuestion(subject: "", body: "My lamp flickers all evening and hums.")
        let answer = try await answerer.answer(.init(question, drafter: ExtractiveDrafter(floor: 0.2)))
        let draft = try #require(answer.draft)
        #expect(draft.body.contains("Hold the button for ten seconds"))
        #expect(!draft.body.contains("flickers"))
        #expect(draft.citations.map(\.article) == ["case:17"])
    }
}

@Suite("A customer's own history in answers") struct OwnHistoryTests {
    private let answerer: Answerer
    private let encoder = WordEncoder()

    init() async throws {
        self.answerer = Answerer(
            encoder: WordEncoder(), index: try await Shop.index(Shop.articles, encoder: WordEncoder()))
    }

    private func entry(
        _ text: String, isOurs: Bool = false, sameTicket: Bool = false, likeness: Double? = nil, ticket: String = "MT-7"
    ) -> OwnHistory.Entry {
        .init(ticket: ticket, subject: "Hi", isOurs: isOurs, text: text, isSameTicket: sameTicket, likeness: likeness)
    }

    private func answer(_ body: String, history: [OwnHistory.Entry]) async throws -> Answer {
        let question = MailQuestion(subject: "", body: body)
        let answer = try await self.answerer.answer(.init(question, drafter: ExtractiveDrafter()))
        return OwnHistory(entries: history).adding(to: answer, question: question)
    }

    @Test func `names the order instead of asking for it, and asks a person to check`() async throws {
        let answer = try await self.answer(
            "Can I return a product that I bought?", history: [self.entry("It is about order FD-10442.")])
        let draft = try #require(answer.draft)
        #expect(draft.body.contains("your order FD-10442"))
        #expect(!draft.missing.contains("order number"))
        #expect(draft.citations.contains { $0.article == "MT-7" })
        #expect(answer.remarks.contains { $0.contains("FD-10442") })
        #expect(draft.body.hasSuffix("Kind regards"))
    }

    @Test func `says nothing of an order when the mail names one itself`() async throws {
        let answer = try await self.answer(
            "Can I return the product of order 20555?", history: [self.entry("It is about order FD-10442.")])
        #expect(answer.draft?.body.contains("FD-10442") == false)
    }

    @Test func `takes the newest order, and numbers of other sorts for none`() async throws {
        let history = OwnHistory(entries: [
            self.entry("My phone is 030 1234567, my card 4111 1111 1111 1111, since 2025."),
            self.entry("order number: 20555"), self.entry("order FD-10442"),
        ])
        #expect(history.order?.number == "20555")
        #expect(history.order?.ticket == "MT-7")
    }

    @Test func `recalls what was answered to much the same question`() async throws {
        let told = "Hello Ann,\n\nYour lamp was sent again by courier last week.\n\nKind regards\nTom"
        let answer = try await self.answer(
            "How long does delivery to Norway take?", history: [self.entry(told, isOurs: true, likeness: 0.8)])
        let draft = try #require(answer.draft)
        #expect(draft.body.contains("(MT-7):\n“Your lamp was sent again by courier last week."))
        let unlike = try await self.answer(
            "How long does delivery to Norway take?", history: [self.entry(told, isOurs: true, likeness: 0.2)])
        #expect(unlike.draft?.body.contains("courier") == false)
        let same = try await self.answer(
            "How long does delivery to Norway take?",
            history: [self.entry(told, isOurs: true, sameTicket: true, likeness: 0.9)])
        #expect(same.draft?.body.contains("courier") == false)
    }

    @Test func `what no article answers is answered by what was said before`() async throws {
        let told = "The kettle's spare lid can be bought in our shop in Bergen."
        let answer = try await self.answer(
            "Which football club won the championship?", history: [self.entry(told, isOurs: true, likeness: 0.9)])
        #expect(answer.draft?.body.contains(told) == true)
        #expect(answer.remarks.count == 2)
    }

    @Test func `the customer's own words are never quoted`() async throws {
        let answer = try await self.answer(
            "How long does delivery to Norway take?", history: [self.entry("secret words of mine", likeness: 0.9)])
        #expect(answer.draft?.body.contains("secret") == false)
    }
}
