internal import Answering
internal import ConnectionThread
internal import DeskModel
package import DeskStore
package import Encoder
internal import Foundation
internal import Logging
package import Triage

/// The engine that serves, exchanged while others work with the one before.
package final class ServingEngine: Sendable {
    private let engine: Locked<TriageEngine>

    package init(_ engine: TriageEngine) { self.engine = Locked(engine) }

    package var current: TriageEngine { self.engine.withLock { $0 } }

    func serve(_ engine: TriageEngine) { self.engine.withLock { $0 = engine } }
}

extension ServingEngine: MatterReader {
    package func matters(of texts: [String], vectors: [[Float]]) throws -> [[Float]] {
        try self.current.matters(of: texts, embeddings: vectors)
    }
}

/// How a model did on rows that were kept from it.
package struct LearningFigures: Codable, Sendable, Hashable {
    package struct Recall: Codable, Sendable, Hashable {
        package var category: String
        package var rows: Int
        package var right: Int
    }

    package struct Bin: Codable, Sendable, Hashable {
        package var rows: Int
        /// Means over the rows, 0…1.
        package var confidence: Double
        package var accuracy: Double
    }

    /// Of upper categories, on the examples of the taxonomy and the corrections taught, each held out in turn.
    package var accuracy: Double
    package var calibrationError: Double
    /// Corrections that are never taught, and how many of them were named rightly; by upper category.
    package var heldOut: Int
    package var heldOutRight: Int
    /// Seconds of training, and of encoding texts that had no vector yet.
    package var trainingSeconds: Double
    package var encodingSeconds: Double
    package var recall: [Recall]
    package var bins: [Bin]
}

/// Trains triage from the taxonomy and the team's corrections, and lets a new model serve only if it is not worse.
package struct Learning: Sendable {
    package struct Outcome: Sendable {
        package var model: StoredModel
        package var figures: LearningFigures
    }

    /// One correction of this many is never taught: models are compared by it.
    private static let heldOutShare: Int64 = 5
    /// Least held-out corrections that can decide; with fewer the examples do.
    private static let leastHeldOut = 10

    private let store: DeskStore
    private let encoder: any TextEncoder
    private let taxonomy: Taxonomy
    private let serving: ServingEngine
    /// The engine around a model, with the shipped models for the parts it lacks.
    private let makeEngine: @Sendable (TriageModel) throws -> TriageEngine

    package init(
        store: DeskStore, encoder: any TextEncoder, serving: ServingEngine,
        makeEngine: @escaping @Sendable (TriageModel) throws -> TriageEngine
    ) {
        self.store = store
        self.encoder = encoder
        self.taxonomy = serving.current.taxonomy
        self.serving = serving
        self.makeEngine = makeEngine
    }

    /// Lets the stored model serve, when there is one for this taxonomy and encoder that does not serve yet.
    ///
    /// - Returns: true when the engine was exchanged.
    @discardableResult
    package func adopt() async throws -> Bool {
        let source = self.taxonomy.fingerprint
        guard let version = try await self.store.servingVersion(source: source),
            !self.serving.current.versions.contains(version),
            let stored = try await self.store.servingModel(), stored.source == source,
            let content = stored.content, let model = try? TriageModel(bytes: content),
            model.encoder == self.encoder.model
        else { return false }
        self.serving.serve(try self.makeEngine(model))
        return true
    }

    /// Trains, compares, files the new model and lets it serve if it is not worse.
    package func retrain() async throws -> Outcome {
        let clock = ContinuousClock()
        let modelID = try await self.modelID()
        let started = clock.now
        let names = Set(self.taxonomy.names)
        // A category that the taxonomy no longer has teaches nothing.
        let labels = try await self.embedded(
            try await self.store.labels(model: modelID).filter { names.contains($0.category) }, modelID)
        let encoded = clock.now
        let taught = labels.filter { !Self.isHeldOut($0) }
        let heldOut = labels.filter(Self.isHeldOut)
        let examples = try await self.encoder.encode(self.taxonomy.exampleTexts)
        let ready = clock.now
        let (model, report) = try await self.taxonomy.train(
            encoder: self.encoder, embeddings: examples + taught.map { $0.embedding ?? [] },
            corrections: taught.map(self.row))
        let trained = clock.now
        let engine = try self.makeEngine(model)
        var figures = Self.figures(report)
        figures.encodingSeconds = (encoded - started + (ready - encoded)) / .seconds(1)
        figures.trainingSeconds = (trained - ready) / .seconds(1)
        figures.heldOut = heldOut.count
        let right = try await Self.right([engine, self.serving.current], heldOut)
        let before = right[1]
        figures.heldOutRight = right[0]
        let verdict = try await self.verdict(figures, before: before)
        let stored = StoredModel(
            version: model.version, source: self.taxonomy.fingerprint, taught: taught.count, heldOut: heldOut.count,
            figures: String(decoding: try JSONEncoder().encode(figures), as: UTF8.self),
            state: verdict.serves ? .serving : .refused, reason: verdict.reason,
            content: verdict.serves ? model.encoded() : nil, createdAt: Date())
        try await self.store.file(stored)
        if verdict.serves { self.serving.serve(engine) }
        return Outcome(model: stored, figures: figures)
    }

    /// The once-a-night training of all hosts; nil when it is not the time, not this host's turn or nothing is new.
    func retrainAtNight(host: String) async throws -> Outcome? {
        guard try await self.store.claimNightlyTraining(by: host) else { return nil }
        let labels = try await self.store.labels(model: try await self.modelID())
        let known = try await self.store.models(limit: 1).first.map { $0.taught + $0.heldOut } ?? 0
        guard labels.count > known else { return nil }
        return try await self.retrain()
    }

    // MARK: Rows

    private func modelID() async throws -> Int64 {
        let model = self.encoder.model
        return try await self.store.embeddingModel(
            name: model.name, weightsSHA256: model.weightsSHA256, tokenizer: model.tokenizer,
            dimensions: model.dimensions, pooling: model.pooling)
    }

    /// The labels with their vectors; those that had none are encoded and kept.
    private func embedded(_ labels: [LearnedLabel], _ modelID: Int64) async throws -> [LearnedLabel] {
        var labels = labels
        let missing = labels.indices.filter { labels[$0].embedding == nil }
        let vectors = try await self.encoder.encode(missing.map { self.row(labels[$0]).text })
        for (index, vector) in zip(missing, vectors) { labels[index].embedding = vector }
        try await self.store.keepLabelEmbeddings(
            zip(missing, vectors).map { (labels[$0].messageID, $1) }, model: modelID)
        return labels
    }

    private func row(_ label: LearnedLabel) -> TrainingRow {
        let tags = label.tags.isEmpty ? nil : label.tags + self.taxonomy.tags(of: label.category)
        var row = TrainingRow(subject: label.subject, body: label.text, category: label.category, tags: tags)
        // One customer's words do not come up in another one's ticket.
        row.shown = "a corrected mail about \(label.category)"
        return row
    }

    /// Always the same ones, whatever is added later: no model may ever have seen them.
    private static func isHeldOut(_ label: LearnedLabel) -> Bool {
        let mixed = UInt64(bitPattern: label.ticketID.rawValue) &* 0x9E37_79B9_7F4A_7C15
        return Int64(mixed >> 33) % Self.heldOutShare == 0
    }

    // MARK: Comparison

    /// How many of the rows each engine names rightly. A few rows at a time: the encoder remembers them from one engine to
    /// the next.
    private static func right(_ engines: [TriageEngine], _ labels: [LearnedLabel]) async throws -> [Int] {
        var right = engines.map { _ in 0 }
        for start in stride(from: 0, to: labels.count, by: Self.comparedTogether) {
            let part = labels[start..<min(start + Self.comparedTogether, labels.count)]
            let inputs = part.map { TriageInput(subject: $0.subject, body: $0.text) }
            for (index, engine) in engines.enumerated() {
                right[index] += zip(try await engine.analyse(inputs), part).count { result, label in
                    let wanted = label.category.components(separatedBy: Taxonomy.separator)[0]
                    return result.analysis.category.topLevel == wanted
                }
            }
        }
        return right
    }

    private static let comparedTogether = 128

    private func verdict(_ figures: LearningFigures, before: Int) async throws -> (serves: Bool, reason: String) {
        if figures.heldOut >= Self.leastHeldOut {
            let text = "\(figures.heldOutRight) of \(figures.heldOut) held-out corrections right, before \(before)"
            return (figures.heldOutRight >= before, text)
        }
        guard let last = try await self.store.servingModel(),
            let old = try? JSONDecoder().decode(LearningFigures.self, from: Data(last.figures.utf8))
        else { return (true, "the first model that was taught corrections") }
        func percent(_ value: Double) -> String { "\((value * 1000).rounded() / 10) %" }
        let text = "accuracy on examples \(percent(figures.accuracy)), before \(percent(old.accuracy))"
        // Fewer than a hundredth is chance.
        return (figures.accuracy >= old.accuracy - 0.01, text)
    }

    private static func figures(_ report: TrainingReport) -> LearningFigures {
        let score = report.scores.first { $0.head == "category" }
        let bins = score?.calibration?.bins ?? []
        return LearningFigures(
            accuracy: score?.figures["accuracy"] ?? 0, calibrationError: score?.figures["calibration error"] ?? 0,
            heldOut: 0, heldOutRight: 0, trainingSeconds: 0, encodingSeconds: 0,
            recall: (score?.recall ?? [:]).sorted { $0.key < $1.key }.map { name, recall in
                let rows = score?.support[name] ?? 0
                return .init(category: name, rows: rows, right: Int((recall * Double(rows)).rounded()))
            },
            bins: bins.map { bin in
                let count = Double(max(1, bin.count))
                return .init(rows: bin.count, confidence: bin.confidence / count, accuracy: bin.right / count)
            })
    }
}
