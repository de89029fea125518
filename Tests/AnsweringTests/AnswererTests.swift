import DeskModel
import Encoder
import Foundation
import Testing

@testable import Answering

/// Vectors from words alone: texts that share words are near. Enough to test everything but quality.
struct WordEncoder: TextEncoder {
    let model = EncoderModel(
        name: "words", weightsSHA256: String(repeating: "0", count: 64), dimensions: 64, pooling: "sum",
        tokenizer: "words")

    func encode(_ texts: [String]) async throws -> [[Float]] {
        texts.map { text in
            var vector = [Float](repeating: 0, count: 64)
            vector[0] = 0.01
            for term in Words.terms(in: text) {
                let hash = term.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
                vector[Int(hash % 64)] += 1
            }
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return vector.map { $0 / length }
        }
    }
}

enum Shop {
    static func index(_ articles: [Article], encoder: any TextEncoder) async throws -> KnowledgeIndex {
        try KnowledgeIndex(
            entries: try await Self.entries(articles, encoder: encoder), dimensions: encoder.model.dimensions)
    }

    static func entries(
        _ articles: [Article], encoder: any TextEncoder
    ) async throws -> [KnowledgeIndex.Entry] {
        var entries: [KnowledgeIndex.Entry] = []
        for (number, article) in articles.enumerated() {
            let chunks = Chunker.chunks(of: article)
            let texts = [article.title] + chunks.map { Chunker.embeddedText(title: article.title, chunk: $0) }
            let vectors = try await encoder.encode(texts)
            entries.append(
                KnowledgeIndex.Entry(
                    id: ArticleID(Int64(number)), article: article, titleVector: vectors[0], chunks: chunks,
                    vectors: Array(vectors.dropFirst())))
        }
        return entries
    }

    static let articles = [
        Article(
            key: "returns", title: "Returning a product",
            content: """
                You can return any product within 30 days of delivery. Please send us your order number.

                ## Exchange
                Return the product you have and order the other size.
                """, category: "Returns & refunds"),
        Article(
            key: "shipping", title: "Delivery times",
            content: "Delivery to Norway takes 5 to 10 working days. It costs 12.90 euros.", category: "Shipping"),
        Article(
            key: "vouchers", title: "Voucher codes",
            content: "A voucher code is entered in the basket. Is it expired? It is valid for 3 years."),
    ]
}

@Suite("Knowledge index") struct KnowledgeIndexTests {
    let encoder = WordEncoder()

    @Test func `finds the article with one hit and its best sentence`() async throws {
        let index = try await Shop.index(Shop.articles, encoder: self.encoder)
        let question = "How many working days does delivery to Norway take?"
        let result = try await index.search(question, vector: try await self.encoder.encode([question])[0], limit: 2)
        #expect(result.hits.map(\.article.key).first == "shipping")
        #expect(Set(result.hits.map(\.article.key)).count == result.hits.count)
        #expect(result.hits.first?.span == "Delivery to Norway takes 5 to 10 working days.")
        #expect(result.evidence.legsAgree)
    }

    @Test func `a question about something else is less answerable`() async throws {
        let index = try await Shop.index(Shop.articles, encoder: self.encoder)
        let texts = ["How long does delivery to Norway take?", "Which football club won the championship?"]
        let vectors = try await self.encoder.encode(texts)
        let known = try await index.search(texts[0], vector: vectors[0])
        let unknown = try await index.search(texts[1], vector: vectors[1])
        #expect(known.answerable > 0.35)
        #expect(unknown.answerable < 0.1)
    }

    @Test func `what a question is about brings its articles forward and never hides others`() async throws {
        var entries = try await Shop.entries(Shop.articles, encoder: self.encoder)
        for index in entries.indices {
            entries[index].matter = entries[index].article.key == "vouchers" ? [1, 0] : [0, 1]
        }
        let index = try KnowledgeIndex(entries: entries, dimensions: self.encoder.model.dimensions)
        let vector = try await self.encoder.encode(["product"])[0]
        let plain = try await index.search("product", vector: vector, matter: [])
        let expected = try await index.search("product", vector: vector, matter: [1, 0])
        let rank = { (result: SearchResult) in result.hits.firstIndex { $0.article.key == "vouchers" } }
        #expect(try #require(rank(expected)) < #require(rank(plain)))
        #expect(expected.hits.count == plain.hits.count)
    }

    @Test func `doubt about the matter speaks neither for an article nor against it`() {
        #expect(Matter.agreement([1, 0], [1, 0]) == 1)
        #expect(Matter.agreement([1, 0], [0, 1]) == 0)
        #expect(Matter.agreement([], []) == Matter.agreement([1, 0], []))
        let unsure = Matter.agreement([0.5, 0.5], [0, 1])
        #expect(unsure > 0.5 && unsure < 1)
    }

    @Test(arguments: [
        (
            "How do I delete my account, and how do I stop the newsletter?",
            ["How do I delete my account?", "how do I stop the newsletter?"]
        ),
        (
            "Gibt es Rabatt für Firmen und kann ich später zahlen?",
            ["Gibt es Rabatt für Firmen?", "kann ich später zahlen?"]
        ),
        ("Do you sell cups and plates in blue?", ["Do you sell cups and plates in blue?"]),
        ("It came late today but I was happy with it.", ["It came late today but I was happy with it."]),
    ])
    func `a sentence that asks two things is two questions`(sentence: String, questions: [String]) {
        #expect(Clauses.questions(in: sentence) == questions)
    }

    @Test func `a question of few words is looked at alone, too`() {
        let mail = MailQuestion(subject: "", body: "Is the oak board coming back? How do I clean it?")
        let statements = mail.statements
        #expect(statements.contains { $0.isAside && $0.text == "How do I clean it?" })
        #expect(statements.filter(\.isAside).allSatisfy { !$0.isRequest })
    }

    @Test func `an empty index answers nothing`() async throws {
        let index = try KnowledgeIndex(entries: [], dimensions: 64)
        let result = try await index.search("anything", vector: [Float](repeating: 0, count: 64))
        #expect(result.hits.isEmpty)
        #expect(result.answerable == 0)
    }

    @Test func `a vector of another length is refused`() async throws {
        let index = try await Shop.index(Shop.articles, encoder: self.encoder)
        let error = await #expect(throws: AnsweringError.self) { try await index.search("x", vector: [1, 0]) }
        #expect(error?.code == .dimensionMismatch)
    }
}

@Suite("Answerer") struct AnswererTests {
    let encoder = WordEncoder()
    let drafter = ExtractiveDrafter(floor: 0.35, signature: "The shop")

    private func answer(_ question: MailQuestion) async throws -> Answer {
        let answerer = Answerer(
            encoder: self.encoder, index: try await Shop.index(Shop.articles, encoder: self.encoder))
        return try await answerer.answer(.init(question, drafter: self.drafter))
    }

    @Test func `an answer is made of sentences of the source between fixed phrases`() async throws {
        let answer = try await self.answer(
            MailQuestion(subject: "", body: "I want to return a product", customerName: "Ada Byron"))
        let draft = try #require(answer.draft)
        #expect(draft.body.hasPrefix("Hello Ada,\n\nThank you for your message.\n\n"))
        #expect(draft.body.contains("You can return any product within 30 days of delivery."))
        #expect(draft.body.hasSuffix("Kind regards\nThe shop"))
        #expect(draft.unsupported == [])
        #expect(Set(draft.citations.map(\.article)) == ["returns"])
        #expect(draft.missing == ["order number"])
    }

    @Test func `what the customer gave already is not asked for`() async throws {
        let answer = try await self.answer(
            MailQuestion(subject: "", body: "I want to return the product of order 1234567"))
        let draft = try #require(answer.draft)
        #expect(draft.missing == [])
        #expect(!draft.body.contains("order number"))
    }

    @Test func `nothing is drafted below the floor, and the gap names what is missing`() async throws {
        let answer = try await self.answer(
            MailQuestion(subject: "", body: "Does the velvet armchair come in turquoise?"))
        guard case .nothing(let gap) = answer.outcome else {
            Issue.record("a draft was made")
            return
        }
        #expect(gap.answerable < 0.35)
        #expect(gap.missing.contains("armchair"))
        #expect(gap.missing.contains("turquoise"))
    }

    @Test func `two questions draw on two articles`() async throws {
        let answer = try await self.answer(
            MailQuestion(
                subject: "", body: "How can I return a product? And how many working days takes delivery to Norway?"))
        let draft = try #require(answer.draft)
        #expect(Set(draft.citations.map(\.article)) == ["returns", "shipping"])
        #expect(answer.uncovered == [])
    }

    @Test func `a request that no article covers is named`() async throws {
        let answer = try await self.answer(
            MailQuestion(
                subject: "", body: "How can I return a product? Write a poem about turquoise football clubs."))
        #expect(answer.uncovered == ["Write a poem about turquoise football clubs."])
        #expect(answer.draft?.body.contains("poem") == false)
    }

    @Test func `before an answer may go out alone, every sentence has to be about what the sources know`() async throws
    {
        let mail = MailQuestion(
            subject: "", body: "I want to return a product. Jumbled turquoise letters improve football poems.")
        let answerer = Answerer(
            encoder: self.encoder, index: try await Shop.index(Shop.articles, encoder: self.encoder))
        let loose = try await answerer.answer(.init(mail, drafter: self.drafter))
        let strict = try await answerer.answer(.init(mail, drafter: self.drafter, isStrict: true))
        #expect(loose.foreign == [])
        #expect(strict.uncovered == [])
        #expect(strict.foreign == ["Jumbled turquoise letters improve football poems."])
        #expect(strict.draft != nil)
    }

    @Test func `questions of the source are not put to the customer`() async throws {
        let answer = try await self.answer(MailQuestion(subject: "", body: "Where is the voucher code entered?"))
        #expect(answer.draft?.body.contains("?") == false)
    }

    @Test func `an upset customer is not thanked first`() async throws {
        let answer = try await self.answer(
            MailQuestion(subject: "", body: "I want to return a product", sentiment: -0.7))
        #expect(answer.draft?.body.contains("We are sorry for the trouble") == true)
    }

    @Test(arguments: [
        ("How long does delivery take?", false), ("How long does delivery take? Do you have shops in Vienna?", true),
        ("Can I return a piano?", true),
    ])
    func `before an answer goes out alone, it must hold the words of each question`(
        body: String, isOpen: Bool
    ) async throws {
        let answerer = Answerer(
            encoder: self.encoder, index: try await Shop.index(Shop.articles, encoder: self.encoder))
        let answer = try await answerer.answer(
            .init(MailQuestion(subject: "", body: body), drafter: self.drafter, isStrict: true))
        #expect((answer.draft == nil || !answer.remarks.isEmpty) == isOpen, "\(answer.remarks)")
    }

    @Test func `what the draft leaves unsaid is named, and so is an exception of its article`() throws {
        let source = Grounding.Source(
            article: "g", title: "Guarantee", text: "Lamps have a guarantee of 3 years. Falls are not covered by it.")
        let draft = Draft(
            body: "",
            citations: [Citation(article: "g", title: "Guarantee", span: "Lamps have a guarantee of 3 years.")],
            unsupported: [], confidence: 1, answerable: 1, missing: [])
        let whole = MailQuestion(subject: "", body: "How long is the guarantee of a lamp?")
        #expect(Omissions(whole, draft: draft, sources: [source]).remarks == [])
        let fallen = MailQuestion(subject: "", body: "The lamp fell to the floor. Is there a guarantee?")
        #expect(Omissions(fallen, draft: draft, sources: [source]).exceptions == ["Falls are not covered by it."])
        let sold = MailQuestion(subject: "", body: "Is the guarantee transferable because I sell the lamp?")
        #expect(Omissions(sold, draft: draft, sources: [source]).words == ["transferable"])
    }

    @Test func `a mail is never answered in another language than its own, and people are told where the answer is`()
        async throws
    {
        #expect(try await self.answer(MailQuestion(subject: "", body: "return product")).draft != nil)
        let other = try await self.answer(MailQuestion(subject: "", body: "return product", language: "de"))
        #expect(other.draft == nil)
        #expect(other.remarks.contains { $0 == "“Returning a product” is in en, the customer wrote in de" })
    }

    @Test func `a new index is answered from at once`() async throws {
        let answerer = Answerer(
            encoder: self.encoder, index: try await Shop.index(Shop.articles, encoder: self.encoder))
        await answerer.replaceIndex(try KnowledgeIndex(entries: [], dimensions: 64))
        let answer = try await answerer.answer(
            .init(MailQuestion(subject: "", body: "return product"), drafter: self.drafter))
        #expect(answer.draft == nil)
    }
}

/// Writes down what it was asked for.
private struct RecordingEncoder: TextEncoder {
    actor Record {
        private(set) var texts: [String] = []

        func add(_ texts: [String]) { self.texts += texts }
    }

    let record = Record()
    var model: EncoderModel { WordEncoder().model }

    func encode(_ texts: [String]) async throws -> [[Float]] {
        await self.record.add(texts)
        return try await WordEncoder().encode(texts)
    }
}

@Suite("What answers cost") struct AnswerCostTests {
    @Test func `an article is read once, however many mails ask for it at the same time`() async throws {
        let encoder = RecordingEncoder()
        let answerer = Answerer(
            encoder: encoder, index: try await Shop.index(Shop.articles, encoder: WordEncoder()))
        let drafts = try await withThrowingTaskGroup(of: Draft?.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try await answerer.answer(
                        .init(MailQuestion(subject: "", body: "return product"), drafter: ExtractiveDrafter())
                    ).draft
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(drafts.compactMap { $0 }.count == 4)
        let sentence = "You can return any product within 30 days of delivery."
        #expect(await encoder.record.texts.count { $0 == sentence } == 1)
    }
}

@Suite("Demo knowledge base") struct DemoKnowledgeTests {
    private static let tree = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static func articles() throws -> [Article] {
        let folder = "\(Self.tree)/Config/demo/knowledge"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().flatMap { name in
            try ArticleReader.articles(path: name, text: String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8))
        }
    }

    private static func answerer() async throws -> Answerer {
        let folder = ProcessInfo.processInfo.environment["MARTLET_MODEL"] ?? "\(Self.tree)/.martlet/model"
        guard FileManager.default.fileExists(atPath: "\(folder)/model.safetensors") else {
            throw AnsweringError(.unknownFormat, "no weights: run Scripts/setup")
        }
        let encoder = try SentenceEncoder(directory: folder, workers: 1)
        return Answerer(encoder: encoder, index: try await Shop.index(try Self.articles(), encoder: encoder))
    }

    @Test func `has at least 18 articles with title, category and text`() throws {
        let articles = try Self.articles()
        #expect(articles.count >= 18)
        #expect(articles.allSatisfy { !$0.title.isEmpty && $0.category != nil && $0.content.count > 200 })
    }

    @Test func `mails of every day are answered from the right article, each sentence with a source`() async throws {
        let mails = [
            ("I want to return this product", "returns.md"), ("My order hasn't arrived", "order-not-arrived.md"),
            ("Payment failed but money deducted", "payment-failed.md"),
            ("Product damaged during delivery", "damaged-goods.md"),
            ("My discount code does not work at the checkout", "vouchers.md"),
            ("please cancel my coffee subscription", "subscription.md"),
            ("I forgot my password and cannot log in", "account-login.md"),
            ("When are you open on Saturday?", "contact.md"), ("Can mugs go in the dishwasher?", "product-care.md"),
            ("How much does shipping to Norway cost?", "shipping-times.md"),
        ]
        let answerer = try await Self.answerer()
        for (body, article) in mails {
            let answer = try await answerer.answer(
                .init(MailQuestion(subject: "", body: body), drafter: ExtractiveDrafter()))
            let draft = try #require(answer.draft, "\(body): \(answer.remarks)")
            #expect(draft.citations.first?.article == article, "\(body)")
            #expect(draft.unsupported == [], "\(body)")
        }
    }

    @Test(arguments: [
        "Do you have open positions for a summer internship in marketing?",
        "Does the Bergen armchair come in dark green velvet?",
        "What are the main causes of the First World War?",
        "Which Kubernetes version does your appliance need?",
    ])
    func `what the shop does not know is not answered`(body: String) async throws {
        let answer = try await Self.answerer().answer(
            .init(MailQuestion(subject: "", body: body), drafter: ExtractiveDrafter()))
        #expect(answer.draft == nil)
    }
}
