import Desk
import DeskStore
import Encoder
import Foundation
import Triage

/// The models and the taxonomy that come with the command, ready to use.
struct ShippedData {
    private let environment: [String: String]
    private let data: DataDirectory

    /// - Throws: `CommandError.usage` when the files are nowhere.
    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws(CommandError) {
        self.environment = environment
        self.data = try DataDirectory(environment: environment)
    }

    /// The encoder.
    /// - Parameters:
    ///   - configured: folder of its weights; empty means the shipped one.
    ///   - workers: threads that encode; nil means one per core.
    func encoder(configured: String = "", workers: Int? = nil) throws -> SentenceEncoder {
        try SentenceEncoder(directory: try self.data.encoder(configured: configured), workers: workers)
    }

    /// A taxonomy by path, or the shipped one.
    func taxonomy(configured: String = "") throws -> Taxonomy {
        let path = configured.isEmpty ? self.data.taxonomyFile : configured
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandError(.usage, "the taxonomy \(path) cannot be read", remedy: "name a readable file")
        }
        do {
            return try Taxonomy(yaml: String(decoding: bytes, as: UTF8.self), file: path)
        } catch {
            throw CommandError(.usage, error.context, remedy: "mend \(path)")
        }
    }

    /// The shipped sentiment head; nil when this installation has none.
    func sentimentModel() throws -> TriageModel? {
        let path = self.data.file("models/sentiment.model")
        return FileManager.default.fileExists(atPath: path) ? try Self.model(at: path) : nil
    }

    /// A file that `martlet train` wrote.
    static func model(at path: String) throws -> TriageModel {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandError(
                .usage, "the model \(path) cannot be read", remedy: "name a file that martlet train wrote")
        }
        return try TriageModel(bytes: [UInt8](bytes))
    }

    /// The taxonomy's model: from the cache when it is of this taxonomy and encoder, else trained and cached.
    ///
    /// The cache lies in `MARTLET_STATE`, systemd's state folder, or the user's cache.
    func taxonomyModel(_ taxonomy: Taxonomy, encoder: any TextEncoder) async throws -> TriageModel {
        let key = TriageModel.fingerprint(Array("\(taxonomy.fingerprint) \(encoder.model)".utf8))
        let folder = self.cacheFolder
        let path = folder.map { "\($0)/triage-\(key).model" }
        if let path, let data = FileManager.default.contents(atPath: path),
            let model = try? TriageModel(bytes: [UInt8](data)), model.encoder == encoder.model,
            model.source == taxonomy.fingerprint
        {
            return model
        }
        let model = try await taxonomy.train(encoder: encoder).model
        if let folder, let path {
            // A cache that cannot be written only costs the next start a second.
            try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try? Data(model.encoded()).write(to: URL(fileURLWithPath: path), options: .atomic)
        }
        return model
    }

    /// Everything triage needs, with the shipped models behind `model` for the parts that it lacks.
    func engine(
        model: TriageModel? = nil, encoder: any TextEncoder, taxonomyFile: String = ""
    ) async throws -> TriageEngine {
        let taxonomy = try self.taxonomy(configured: taxonomyFile)
        var models: [TriageModel] = []
        if let model { models.append(model) }
        if model?.hasCategories != true {
            models.append(try await self.taxonomyModel(taxonomy, encoder: encoder))
        }
        if model?.hasSentiment != true, let sentiment = try self.sentimentModel() { models.append(sentiment) }
        return try TriageEngine(encoder: encoder, taxonomy: taxonomy, models: models)
    }

    /// Learning for a desk, with the shipped models for what it does not train.
    func learning(store: DeskStore, engines: ServingEngine) throws -> Learning {
        let sentiment = try self.sentimentModel()
        let engine = engines.current
        return Learning(store: store, encoder: engine.encoder, serving: engines) { model in
            try TriageEngine(
                encoder: engine.encoder, taxonomy: engine.taxonomy, models: [model] + (sentiment.map { [$0] } ?? []))
        }
    }

    private var cacheFolder: String? {
        for key in ["MARTLET_STATE", "STATE_DIRECTORY"] {
            if let path = self.environment[key], !path.isEmpty { return path }
        }
        if let path = self.environment["XDG_CACHE_HOME"], !path.isEmpty { return "\(path)/martlet" }
        return self.environment["HOME"].map { "\($0)/.cache/martlet" }
    }
}
