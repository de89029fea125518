import Encoder
import Foundation
import Triage

/// Files that come with the command: the encoder's weights, the taxonomy, the sentiment head.
///
/// Looked for in `MARTLET_DATA`, beside the executable and its parents (the source tree while developing), and where
/// the package installs them.
struct ShippedData {
    private let roots: [String]
    private let environment: [String: String]

    init(environment: [String: String] = ProcessInfo.processInfo.environment, executable: String? = nil) {
        self.environment = environment
        var roots: [String] = []
        if let data = environment["MARTLET_DATA"], !data.isEmpty { roots.append(data) }
        let path = executable ?? (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        if let path {
            var folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            for _ in 0..<5 where folder.path != "/" {
                roots.append(folder.path)
                folder.deleteLastPathComponent()
            }
        }
        roots += ["/usr/share/martlet", "/usr/local/share/martlet"]
        self.roots = roots
    }

    /// The folder of the encoder's files. - Parameter configured: `DeskSettings.modelDirectory`, or empty.
    func modelDirectory(configured: String = "") throws -> String {
        if let path = self.environment["MARTLET_MODEL"], !path.isEmpty { return path }
        if !configured.isEmpty { return configured }
        for root in self.roots {
            for folder in ["\(root)/model", "\(root)/.martlet/model"]
            where FileManager.default.fileExists(atPath: "\(folder)/model.safetensors") { return folder }
        }
        throw MissingData(
            what: "the encoder's model.safetensors", hint: "run Scripts/setup, or set MARTLET_MODEL to its folder")
    }

    /// A taxonomy by path, or the shipped one.
    func taxonomy(configured: String = "") throws -> Taxonomy {
        let path = configured.isEmpty ? try self.path("taxonomies/ecommerce.yaml") : configured
        guard let data = FileManager.default.contents(atPath: path) else {
            throw MissingData(what: path, hint: "name a readable taxonomy file")
        }
        return try Taxonomy(yaml: String(decoding: data, as: UTF8.self), file: path)
    }

    /// The shipped sentiment head; nil when this installation has none.
    func sentimentModel() throws -> TriageModel? {
        guard let path = try? self.path("models/sentiment.model") else { return nil }
        return try Self.model(at: path)
    }

    /// A file that `martlet train` wrote.
    static func model(at path: String) throws -> TriageModel {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw MissingData(what: path, hint: "name a file that `martlet train` wrote")
        }
        return try TriageModel(bytes: [UInt8](data))
    }

    /// The taxonomy's model: from the cache when it is of this taxonomy and encoder, else trained and cached.
    ///
    /// - Parameter cache: folder for the file; nil means `MARTLET_STATE`, systemd's state folder, or the user's cache.
    func taxonomyModel(_ taxonomy: Taxonomy, encoder: any TextEncoder, cache: String? = nil) async throws -> TriageModel {
        let key = TriageModel.fingerprint(Array("\(taxonomy.fingerprint) \(encoder.model)".utf8))
        let folder = cache ?? self.cacheFolder
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
        model: TriageModel? = nil, taxonomyFile: String = "", modelDirectory: String = "", cache: String? = nil
    ) async throws -> TriageEngine {
        let encoder = try SentenceEncoder(directory: try self.modelDirectory(configured: modelDirectory))
        let taxonomy = try self.taxonomy(configured: taxonomyFile)
        var models: [TriageModel] = []
        if let model { models.append(model) }
        if model?.hasCategories != true {
            models.append(try await self.taxonomyModel(taxonomy, encoder: encoder, cache: cache))
        }
        if model?.hasSentiment != true, let sentiment = try self.sentimentModel() { models.append(sentiment) }
        return try TriageEngine(encoder: encoder, taxonomy: taxonomy, models: models)
    }

    private func path(_ name: String) throws -> String {
        for root in self.roots {
            for candidate in ["\(root)/\(name)", "\(root)/Config/\(name)"]
            where FileManager.default.fileExists(atPath: candidate) { return candidate }
        }
        throw MissingData(what: name, hint: "set MARTLET_DATA to the folder that holds it")
    }

    private var cacheFolder: String? {
        for key in ["MARTLET_STATE", "STATE_DIRECTORY"] {
            if let path = self.environment[key], !path.isEmpty { return path }
        }
        if let path = self.environment["XDG_CACHE_HOME"], !path.isEmpty { return "\(path)/martlet" }
        return self.environment["HOME"].map { "\($0)/.cache/martlet" }
    }
}

/// A file that should have come with the command.
struct MissingData: Error, CustomStringConvertible {
    let what: String
    let hint: String

    var description: String { "\(self.what) was not found: \(self.hint)" }
}
