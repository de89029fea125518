import Answering
import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Encoder
import Foundation
import Postgres

/// `martlet bench retrieval`: searches in a large made-up knowledge base, for Scripts/bench.
struct BenchRetrieval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieval", abstract: "Searches in a large made-up knowledge base, as one JSON line.",
        discussion: "Fills the configured database; an empty one for measurements only.")

    @OptionGroup var options: GlobalOptions
    @Option(help: "Passages, four for each article.") var chunks = 100_000
    @Option(help: "Questions to measure.") var queries = 300
    @Option(help: "Articles of each of the three imports that are compared with the encoder alone.") var imported = 200

    private struct Figure: Encodable {
        var chunks: Int
        var prepareSeconds: Double
        /// Texts a second, import and encoder in turn.
        var importRates: [Double]
        var encoderRates: [Double]
        var indexSeconds: Double
        var loadSeconds: Double
        /// Before the base was read, and as the service searches it; the encoder is part of both.
        var emptyMegabytes: Double
        var loadedMegabytes: Double
        var peakMegabytes: Double
        var exactMegabytes: Double
        /// From the question's vector to the hits, in the order measured.
        var milliseconds: [Double]
        var exactMilliseconds: [Double]
        /// Share of the ten best articles of the exact search that were found, for each question.
        var recall: [Double]
        /// Questions whose best article is the same.
        var sameBest: Int
    }

    func run() async throws {
        let settings = try self.options.settings(needing: .database)
        let pool = PostgresPool(DatabaseAccess.configuration(settings.database, application: "martlet bench"), size: 4)
        let owner = DatabaseAccess.directConfiguration(settings.database, application: "martlet bench")
        let encoder = try ShippedData().encoder(configured: settings.modelDirectory)
        do {
            let figure = try await self.measure(DeskStore(pool: pool), owner: owner, encoder: encoder)
            Terminal.write(try JSONOutput.line(figure) + Data("\n".utf8))
            await pool.close()
        } catch {
            await pool.close()
            throw error
        }
    }

    private func measure(
        _ store: DeskStore, owner: PostgresConfiguration, encoder: any TextEncoder
    ) async throws -> Figure {
        let clock = ContinuousClock()
        let rates = try await self.importRates(store, encoder: encoder)
        let made = MadeUpKnowledge(articles: max(1, self.chunks / 4))
        let questions = (0..<self.queries).map { made.question($0) }
        let standIn = StandInEncoder(
            model: encoder.model, vectors: .init(questions.map { ($0.text, $0.vector) }) { first, _ in first })
        let prepared = try await clock.measure { try await self.fill(store, made, model: encoder.model) }
        try await store.pool.query("analyze")

        let empty = Memory.resident
        let base = try KnowledgeBase(store: store, encoder: standIn, owner: owner)
        let loaded = try await clock.measure { try await base.refresh() }
        let indexed = try await clock.measure { try await base.indexVectorsWhenLarge() }
        let texts = questions.map(\.text)
        _ = try await self.times(base, Array(texts.prefix(50)))
        let found = try await self.times(base, texts)
        let (resident, peak) = (Memory.resident, Memory.peak)

        let exact = try KnowledgeBase(store: store, encoder: standIn, heldPassages: .max)
        try await exact.refresh()
        let whole = Memory.resident - resident + empty
        let wanted = try await self.times(exact, texts)
        let recall = zip(found.keys, wanted.keys).map { found, wanted in
            Double(Set(wanted).intersection(found).count) / Double(max(1, wanted.count))
        }
        return Figure(
            chunks: 4 * made.articles, prepareSeconds: prepared / .seconds(1), importRates: rates.imported,
            encoderRates: rates.encoder, indexSeconds: indexed / .seconds(1), loadSeconds: loaded / .seconds(1),
            emptyMegabytes: empty, loadedMegabytes: resident, peakMegabytes: peak, exactMegabytes: whole,
            milliseconds: found.milliseconds, exactMilliseconds: wanted.milliseconds, recall: recall,
            sameBest: zip(found.keys, wanted.keys).count { $0.first == $1.first })
    }

    private func times(
        _ base: KnowledgeBase, _ texts: [String]
    ) async throws -> (milliseconds: [Double], keys: [[String]]) {
        let clock = ContinuousClock()
        var result: (milliseconds: [Double], keys: [[String]]) = ([], [])
        for text in texts {
            let begun = clock.now
            let found = try await base.answerer.search([text], limit: 10)
            result.milliseconds.append((clock.now - begun) / .milliseconds(1))
            result.keys.append(found[0].hits.map(\.article.key))
        }
        return result
    }

    /// Writes articles with their vectors straight into the tables: embedding so many would take an hour.
    private func fill(_ store: DeskStore, _ made: MadeUpKnowledge, model: EncoderModel) async throws {
        let id = try await store.embeddingModel(
            name: model.name, weightsSHA256: model.weightsSHA256, tokenizer: model.tokenizer,
            dimensions: model.dimensions, pooling: model.pooling)
        for start in stride(from: 0, to: made.articles, by: 250) {
            let rows = (start..<min(start + 250, made.articles)).map { made.row($0) }
            try await store.storeArticles(rows, model: id, revision: 1)
        }
    }

    /// The same kind of texts through an import, and through the encoder alone, in turn. Removes what it imported.
    private func importRates(
        _ store: DeskStore, encoder: any TextEncoder
    ) async throws -> (imported: [Double], encoder: [Double]) {
        let clock = ContinuousClock()
        let base = try KnowledgeBase(store: store, encoder: encoder)
        var rates: (imported: [Double], encoder: [Double]) = ([], [])
        for round in 0..<3 where self.imported > 0 {
            let articles = (0..<self.imported).map { MadeUpKnowledge.readable($0 + round * self.imported) }
            let texts = articles.flatMap { article in
                [article.title]
                    + Chunker.chunks(of: article).map { Chunker.embeddedText(title: article.title, chunk: $0) }
            }
            let alone = try await clock.measure {
                for start in stride(from: 0, to: texts.count, by: 256) {
                    _ = try await encoder.encode(Array(texts[start..<min(start + 256, texts.count)]))
                }
            }
            let imported = try await clock.measure { _ = try await base.importArticles(articles, replace: false) }
            rates.encoder.append(Double(texts.count) / (alone / .seconds(1)))
            rates.imported.append(Double(texts.count) / (imported / .seconds(1)))
        }
        _ = try await store.removeArticles(except: [])
        return rates
    }
}

/// Gives the vectors that it was told.
private struct StandInEncoder: TextEncoder {
    let model: EncoderModel
    let vectors: [String: [Float]]

    func encode(_ texts: [String]) async throws -> [[Float]] {
        texts.map { self.vectors[$0] ?? [Float](repeating: 0, count: self.model.dimensions) }
    }
}

private enum Memory {
    static var resident: Double { Self.megabytes("VmRSS:") }
    static var peak: Double { Self.megabytes("VmHWM:") }

    private static func megabytes(_ name: String) -> Double {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
    }
}
