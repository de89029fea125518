import DeskModel
import Encoder
import Foundation
import Testing
import Triage

@Suite("Triage of the shipped taxonomy") struct TriageEngineTests {
    private func analyse(
        _ body: String, subject: String = "", context: TriageContext = TriageContext()
    ) async throws -> Analysis {
        let input = TriageInput(subject: subject, body: body, context: context)
        return try await TestTriage.engine().analyse([input])[0].analysis
    }

    // The four cases of the reference, word for word, as subject and as body.
    @Test(arguments: [false, true])
    func `a missing order is about shipping`(asSubject: Bool) async throws {
        let text = "My order hasn't arrived"
        let analysis = try await self.analyse(asSubject ? "" : text, subject: asSubject ? text : "")
        #expect(analysis.category.topLevel == "Shipping")
    }

    @Test(arguments: [false, true])
    func `money taken by a failed payment is about payment and high at least`(asSubject: Bool) async throws {
        let text = "Payment failed but money deducted"
        let analysis = try await self.analyse(asSubject ? "" : text, subject: asSubject ? text : "")
        #expect(analysis.category.topLevel == "Payment & billing")
        #expect(analysis.priority.level >= .high)
        #expect(!analysis.priority.reasons.isEmpty)
    }

    @Test(arguments: [false, true])
    func `a product damaged during delivery gets the refund process`(asSubject: Bool) async throws {
        let text = "Product damaged during delivery"
        let analysis = try await self.analyse(asSubject ? "" : text, subject: asSubject ? text : "")
        #expect(analysis.tags.map(\.name).contains("refund-process"))
    }

    @Test(arguments: [false, true])
    func `a wish to return a product is about returns`(asSubject: Bool) async throws {
        let text = "I want to return this product"
        let analysis = try await self.analyse(asSubject ? "" : text, subject: asSubject ? text : "")
        #expect(analysis.category.topLevel == "Returns & refunds")
    }

    @Test func `the same mail gets the same answer alone and among others`() async throws {
        let engine = try await TestTriage.engine()
        let inputs = (0..<150).map { TriageInput(subject: "Order \($0)", body: "Where is parcel number \($0 * 7)?") }
        let together = try await engine.analyse(inputs)
        let again = try await engine.analyse(inputs)
        #expect(together == again)
        let alone = try await engine.analyse([inputs[77]])[0]
        #expect(alone.analysis.category.name == together[77].analysis.category.name)
        #expect(abs(alone.analysis.category.confidence - together[77].analysis.category.confidence) < 1e-3)
    }

    @Test(arguments: ["", "   \n", "😀", "\u{0}\u{1}\u{2}\u{FFFD}", "....", "-- "])
    func `a mail without words is unfamiliar and goes to the fallback`(body: String) async throws {
        let analysis = try await self.analyse(body)
        #expect(analysis.familiarity < 0.02)
        #expect(analysis.category.name == "Other")
        #expect(analysis.language == "und")
    }

    @Test func `a megabyte and bytes that are no text are answered`() async throws {
        let long = String(repeating: "lorem ipsum dolor ", count: 60_000)
        let binary = String(decoding: (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) }, as: UTF8.self)
        for text in [long, binary] {
            let analysis = try await self.analyse(text)
            #expect(analysis.familiarity < 0.2)
        }
    }

    @Test func `alternatives are other upper levels, most probable first`() async throws {
        let analysis = try await self.analyse("The vase arrived broken and I want my money back, refund please")
        let values = analysis.alternatives.map(\.confidence)
        #expect(!values.isEmpty)
        #expect(values == values.sorted(by: >))
        #expect(!analysis.alternatives.map(\.name).contains(analysis.category.topLevel))
        let names = Set(try await TestTriage.engine().taxonomy.topLevels)
        #expect(analysis.alternatives.allSatisfy { names.contains($0.name) })
    }

    @Test func `an explanation names words of the mail or examples like it`() async throws {
        let analysis = try await self.analyse("My discount code is not accepted at the checkout")
        #expect(analysis.explanation.contains { $0.hasPrefix("words: ") && $0.contains("code") })
        #expect(analysis.explanation.contains { $0.hasPrefix("like “") })
    }

    @Test(arguments: [
        ("de", "Meine Bestellung ist immer noch nicht angekommen, können Sie bitte nachsehen?"),
        ("en", "I have been waiting for my parcel for two weeks now."),
    ])
    func `the language is named`(language: String, text: String) async throws {
        #expect(try await self.analyse(text).language == language)
    }

    @Test func `a mail that the rules cannot read is not called low`() async throws {
        for text in [
            "Guten Tag, meine Bestellung ist noch nicht angekommen. Könnten Sie bitte nachsehen, wo das Paket bleibt?",
            "Bonjour, je n'ai toujours pas reçu ma commande. Pourriez-vous vérifier où se trouve le colis ?",
            "Dzień dobry, moje zamówienie jeszcze nie dotarło. Czy mogliby Państwo sprawdzić, gdzie jest paczka?",
        ] {
            let analysis = try await self.analyse(text)
            #expect(analysis.category.name == "Other")
            #expect(analysis.priority.level == .normal)
        }
    }

    @Test(arguments: [
        ("negative", "This is the worst shop ever, three weeks and nobody answers. Disgusting!"),
        ("positive", "Thank you so much, the table is wonderful and came early. Great service!"),
        ("neutral", "Please send me the invoice for order 20418."),
    ])
    func `the mood is read`(label: String, text: String) async throws {
        let sentiment = try await self.analyse(text).sentiment
        #expect(sentiment.label == label)
        if label == "negative" { #expect(sentiment.score < -0.3) }
        if label == "positive" { #expect(sentiment.score > 0.3) }
    }

    @Test func `held out examples are mostly sorted rightly`() async throws {
        let score = try #require(try await TestTriage.report().scores.first { $0.head == "category" })
        #expect(score.figures["accuracy"]! >= 0.75)
        #expect(score.classes == 12)
    }

    @Test func `a model reads back equal and refuses to be cut`() async throws {
        let model = try await TestTriage.model()
        let bytes = model.encoded()
        let copy = try TriageModel(bytes: bytes)
        #expect(copy.version == model.version)
        #expect(copy.encoded() == bytes)
        for length in stride(from: 0, to: bytes.count, by: bytes.count / 50) {
            #expect(throws: TriageError.self) { try TriageModel(bytes: Array(bytes.prefix(length))) }
        }
    }

    @Test func `a model of another encoder is refused`() async throws {
        var other = try TestTriage.encoder.get().model
        other.weightsSHA256 = String(repeating: "0", count: 64)
        let encoder = StubEncoder(model: other)
        let model = try await TestTriage.model()
        let error = #expect(throws: TriageError.self) {
            _ = try TriageEngine(encoder: encoder, taxonomy: try TestTriage.taxonomy(), models: [model])
        }
        #expect(error?.code == .otherEncoder)
    }
}

/// An encoder with a name and no knowledge.
struct StubEncoder: TextEncoder {
    let model: EncoderModel

    func encode(_ texts: [String]) async throws -> [[Float]] {
        texts.map { _ in [Float](repeating: 0, count: self.model.dimensions) }
    }
}

@Suite("Training on own rows") struct TrainingTests {
    private func rows(_ pairs: [(String, String)]) -> [TrainingRow] {
        pairs.map { TrainingRow(subject: "", body: $0.1, category: $0.0) }
    }

    private static let flat: [(String, String)] = [
        ("Tea", "Which tea has the least caffeine"), ("Tea", "The green tea tastes bitter"),
        ("Tea", "How hot must water for white tea be"), ("Tea", "Is your black tea organic"),
        ("Bikes", "The brake of my bicycle squeaks"), ("Bikes", "Which bike frame fits 1.80 m"),
        ("Bikes", "My bike's chain came off"), ("Bikes", "Do you repair punctures"),
    ]

    @Test func `a flat model keeps names without a parent and has no fallback of its own`() async throws {
        let encoder = try TestTriage.encoder.get()
        let (model, report) = try await TriageModel.train(rows: self.rows(Self.flat), encoder: encoder)
        #expect(report.scores.map(\.head) == ["category"])
        let engine = try TriageEngine(encoder: encoder, taxonomy: try TestTriage.taxonomy(), models: [model])
        let analysis = try await engine.analyse([TriageInput(subject: "", body: "the bicycle's wheel is bent")])[0]
            .analysis
        #expect(analysis.category.name == "Bikes")
        #expect(analysis.category.parent == nil)
    }

    @Test func `two levels are found in the names`() async throws {
        let deep = Self.flat.enumerated().map { ("\($1.0) / \($0 % 2 == 0 ? "even" : "odd")", $1.1) }
        let encoder = try TestTriage.encoder.get()
        let (model, _) = try await TriageModel.train(rows: self.rows(deep), encoder: encoder)
        #expect(model.categoryNames == ["Bikes", "Tea"])
    }

    @Test func `tags are learnt apart from each other`() async throws {
        let encoder = try TestTriage.encoder.get()
        let rows = Self.flat.map { TrainingRow(subject: "", body: $0.1, tags: $0.0 == "Tea" ? ["drink"] : []) }
        let (model, _) = try await TriageModel.train(
            rows: rows + self.rows(Self.flat), encoder: encoder)
        let engine = try TriageEngine(encoder: encoder, taxonomy: try TestTriage.taxonomy(), models: [model])
        let results = try await engine.analyse([
            TriageInput(subject: "", body: "a cup of green tea"), TriageInput(subject: "", body: "the bike's brake"),
        ])
        #expect(results[0].analysis.tags.map(\.name) == ["drink"])
        #expect(results[1].analysis.tags.isEmpty)
    }

    @Test func `rows of one class only are refused`() async throws {
        let encoder = try TestTriage.encoder.get()
        let error = await #expect(throws: TriageError.self) {
            _ = try await TriageModel.train(rows: self.rows(Array(Self.flat.prefix(4))), encoder: encoder)
        }
        #expect(error?.code == .badTrainingData)
    }

    @Test func `strangers are less familiar than what was taught`() async throws {
        let encoder = try TestTriage.encoder.get()
        let (model, _) = try await TriageModel.train(rows: self.rows(Self.flat), encoder: encoder)
        let engine = try TriageEngine(encoder: encoder, taxonomy: try TestTriage.taxonomy(), models: [model])
        let results = try await engine.analyse([
            TriageInput(subject: "", body: "does the green tea contain caffeine"),
            TriageInput(subject: "", body: "interest rates were raised by the central bank"),
        ])
        #expect(results[0].analysis.familiarity > 0.3)
        #expect(results[1].analysis.familiarity < 0.02)
    }
}
