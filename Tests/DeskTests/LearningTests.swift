import Desk
import DeskModel
import DeskStore
import Encoder
import Foundation
import Postgres
import TestSupport
import Testing
import Triage

@Suite("Learning from corrections", .database(deskMigrations)) struct LearningTests {
    struct ModelMissing: Error {}

    /// Two categories that look alike until somebody says what a snib is.
    private static let taxonomy = """
        name: test
        fallback: Other
        categories:
          - name: Doors
            examples: [The door does not close, The hinge of the door squeaks, My front door is stuck, A door is warped,
              The door handle came off, The door scrapes on the floor]
          - name: Windows
            examples: [The window does not open, The pane is cracked, My window lets in rain, The window frame is rotten,
              The blind before the window is torn, A window rattles in the wind]
          - name: Other
            examples: [Thank you for the nice visit, Do you have a job for me, Merry Christmas to all of you,
              When is the office open, I would like a brochure, Where is your car park]
        """

    private static let encoder = Result {
        guard let directory = ProcessInfo.processInfo.environment["MARTLET_MODEL"] else { throw ModelMissing() }
        return try SentenceEncoder(directory: directory)
    }

    private let store: DeskStore
    private let encoder: SentenceEncoder
    private let serving: ServingEngine
    private let learning: Learning

    init() async throws {
        self.store = DeskStore(pool: try TestDatabase.required().pool)
        self.encoder = try Self.encoder.get()
        let taxonomy = try Taxonomy(yaml: Self.taxonomy, file: "test.yaml")
        let encoder = self.encoder
        let model = try await taxonomy.train(encoder: encoder).model
        self.serving = ServingEngine(try TriageEngine(encoder: encoder, taxonomy: taxonomy, models: [model]))
        self.learning = Learning(store: self.store, encoder: encoder, serving: self.serving) { model in
            try TriageEngine(encoder: encoder, taxonomy: taxonomy, models: [model])
        }
    }

    /// A ticket for each text.
    private func open(_ texts: [String]) async throws -> [TicketNumber] {
        _ = try await self.store.pool.execute(
            "insert into mailbox (id, name, address) values (1, 'm', 'm@shop.example') on conflict do nothing")
        _ = try await self.store.pool.execute(
            "insert into customer (id, email) values (1, 'kim@example.com') on conflict do nothing")
        var numbers: [TicketNumber] = []
        for text in texts {
            let id = try await self.store.ids.one()
            let rows = try await self.store.pool.query(
                """
                insert into ticket (id, customer_id, mailbox_id, customer_email, subject, description, category,
                    created_at, answer_from)
                values (\(id), 1, 1, 'kim@example.com', 'Question', '', 'Other', now(), 'm@shop.example')
                returning ticket_number
                """)
            numbers.append(TicketNumber(try rows[0].decode(Int64.self)))
            _ = try await self.store.pool.execute(
                """
                insert into message (id, ticket_id, mailbox_id, direction, kind, dedupe_key, subject, body_text,
                    reply_text, suppress_automatic, thread_reason, internal_date)
                values (\(id), \(id), 1, 'in', 'human', sha256(\(String(id))::text::bytea), 'Question', \(text),
                    \(text), false, 'new', now())
                """)
        }
        return numbers
    }

    private static let snibs = [
        "My snib fell off", "The snib is loose again", "Where do I get a new snib", "A snib came without its screw",
        "The brass snib has gone green", "Two snibs are missing", "This snib does not turn", "I ordered the wrong snib",
        "A snib for the kitchen, please", "The snib you sent is too long", "Can the snib be oiled",
        "No snib in the box",
    ]

    private func teach(_ texts: [String], _ category: String) async throws {
        for number in try await self.open(texts) {
            try await self.store.retag(number, category: category, tags: [], actor: "kim")
        }
    }

    @Test func `what was corrected is known afterwards, and its version stands on the analysis`() async throws {
        try await self.teach(Self.snibs, "Windows")
        let outcome = try await self.learning.retrain()
        #expect(outcome.model.state == .serving)
        #expect(outcome.model.taught + outcome.model.heldOut == Self.snibs.count)
        #expect(outcome.model.taught >= 6)
        let result = try await self.serving.current.analyse([TriageInput(subject: "", body: "the snib is bent")])[0]
        #expect(result.analysis.category.name == "Windows")
        #expect(result.version == outcome.model.version)
        // What a customer wrote is not quoted to explain another one's mail.
        #expect(result.analysis.explanation.contains { $0.contains("a corrected mail about Windows") })
        #expect(!result.analysis.explanation.joined().contains("fell off"))
        #expect(try await self.store.servingVersion(source: outcome.model.source) == outcome.model.version)
    }

    @Test func `another process takes the new model over`() async throws {
        try await self.teach(Self.snibs, "Windows")
        let outcome = try await self.learning.retrain()
        let taxonomy = self.serving.current.taxonomy
        let encoder = self.encoder
        let first = try await taxonomy.train(encoder: encoder).model
        let other = ServingEngine(try TriageEngine(encoder: encoder, taxonomy: taxonomy, models: [first]))
        let learning = Learning(store: self.store, encoder: encoder, serving: other) { model in
            try TriageEngine(encoder: encoder, taxonomy: taxonomy, models: [model])
        }
        #expect(try await learning.adopt())
        #expect(other.current.version == outcome.model.version)
        #expect(try await learning.adopt() == false)
    }

    @Test func `a model that is worse does not serve`() async throws {
        try await self.teach(Self.snibs, "Windows")
        let good = try await self.learning.retrain()
        // Nonsense: the desk's own examples, each in a category that it does not belong to.
        let texts = try Taxonomy(yaml: Self.taxonomy, file: "t").categories.flatMap { category in
            category.examples.map { (category.name, $0) }
        }
        for (name, text) in texts { try await self.teach([text], name == "Doors" ? "Other" : "Doors") }
        let bad = try await self.learning.retrain()
        if bad.model.heldOut < 10 {
            #expect(bad.model.state == .refused)
            #expect(try await self.store.servingVersion(source: good.model.source) == good.model.version)
            #expect(self.serving.current.version == good.model.version)
        } else {
            #expect((bad.model.state == .serving) == (bad.figures.heldOutRight >= good.figures.heldOutRight))
        }
    }

    @Test func `vectors are kept, and what was taken back is not taught`() async throws {
        let number = try #require(try await self.open(["The snib is loose"]).first)
        try await self.store.retag(number, category: "Doors", tags: [], actor: "kim")
        try await self.store.retag(number, category: "Windows", tags: [], actor: "kim", source: .mail)
        _ = try await self.learning.retrain()
        let model = self.encoder.model
        let id = try await self.store.embeddingModel(
            name: model.name, weightsSHA256: model.weightsSHA256, tokenizer: model.tokenizer,
            dimensions: model.dimensions, pooling: model.pooling)
        let labels = try await self.store.labels(model: id)
        #expect(labels.map(\.category) == ["Windows"])
        #expect(labels.map(\.before) == ["Other"])
        #expect(labels[0].embedding?.count == 384)
        let coverage = try await self.store.categoryCoverage()
        #expect(coverage.first { $0.category == "Windows" }?.corrected == 1)
        #expect(coverage.first { $0.category == "Other" }?.takenOut == 1)
    }
}
