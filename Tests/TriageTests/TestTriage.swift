import Encoder
import Foundation
import Triage

struct ModelMissing: Error, CustomStringConvertible {
    var description: String { "no model: set MARTLET_MODEL to the folder that Scripts/setup makes (.martlet/model)" }
}

/// The shipped taxonomy's engine, trained once for all tests.
enum TestTriage {
    /// The source tree's Config folder.
    static let config = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Config")

    static let encoder = Result {
        guard let directory = ProcessInfo.processInfo.environment["MARTLET_MODEL"] else { throw ModelMissing() }
        return try SentenceEncoder(directory: directory)
    }

    static func taxonomy() throws -> Taxonomy {
        let file = self.config.appendingPathComponent("taxonomies/ecommerce.yaml")
        return try Taxonomy(yaml: String(contentsOf: file, encoding: .utf8), file: "ecommerce.yaml")
    }

    private static let shared = Task {
        let taxonomy = try Self.taxonomy()
        let encoder = try Self.encoder.get()
        let sentiment = try Data(contentsOf: Self.config.appendingPathComponent("models/sentiment.model"))
        let trained = try await taxonomy.train(encoder: encoder)
        return (
            engine: try TriageEngine(
                encoder: encoder, taxonomy: taxonomy,
                models: [trained.model, try TriageModel(bytes: [UInt8](sentiment))]),
            model: trained.model, report: trained.report
        )
    }

    static func engine() async throws -> TriageEngine { try await Self.shared.value.engine }
    static func model() async throws -> TriageModel { try await Self.shared.value.model }
    static func report() async throws -> TrainingReport { try await Self.shared.value.report }
}
