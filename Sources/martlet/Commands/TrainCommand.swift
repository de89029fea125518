import ArgumentParser
import Encoder
import Foundation
import Triage

/// `martlet train`: needs neither configuration nor database.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a triage model from labelled rows.",
        discussion: "Rows are {subject, body, labels{category | sentiment | tags}}; scores are of rows held out.")

    @Option(help: "Labelled rows, one JSON object a line.")
    var data: String

    @Option(help: "Where the model goes.")
    var out: String

    private struct Row: Decodable {
        struct Labels: Decodable {
            var category: String?
            var sentiment: String?
            var tags: [String]?

            enum CodingKeys: String, CodingKey { case category, sentiment, tags }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                self.category = try container.decodeIfPresent(String.self, forKey: .category)
                self.sentiment = try container.decodeIfPresent(String.self, forKey: .sentiment)
                // One tag may stand alone.
                if let one = try? container.decode(String.self, forKey: .tags) {
                    self.tags = [one]
                } else {
                    self.tags = try container.decodeIfPresent([String].self, forKey: .tags)
                }
            }
        }

        var subject: String?
        var body: String?
        var labels: Labels
    }

    func run() async throws {
        do {
            let rows = try self.rows()
            let encoder = try ShippedData().encoder()
            let clock = ContinuousClock()
            let started = clock.now
            let embeddings = try await encoder.encode(rows.map(\.text))
            let embedded = clock.now
            let (model, report) = try await TriageModel.train(rows: rows, encoder: encoder, embeddings: embeddings)
            let trained = clock.now
            try Data(model.encoded()).write(to: URL(fileURLWithPath: self.out), options: .atomic)
            Self.show(report)
            print(
                "\(rows.count) rows: embedding \(Self.seconds(embedded - started)), training "
                    + "\(Self.seconds(trained - embedded)) (kernels \(encoder.kernels)); model \(model.version) in \(self.out)"
            )
        } catch let error as TriageError {
            throw CommandError(.failed, error.context)
        }
    }

    private func rows() throws -> [TrainingRow] {
        guard let contents = FileManager.default.contents(atPath: self.data) else {
            throw CommandError(.usage, "\(self.data) cannot be read", remedy: "name a readable file of JSON lines")
        }
        var rows: [TrainingRow] = []
        for (number, line) in contents.split(separator: 0x0A).enumerated() {
            guard let row = try? JSONDecoder().decode(Row.self, from: line) else {
                throw TriageError(.badTrainingData, "\(self.data): row \(number + 1) is not {subject, body, labels}")
            }
            rows.append(
                TrainingRow(
                    subject: row.subject ?? "", body: row.body ?? "", category: row.labels.category,
                    tags: row.labels.tags, sentiment: row.labels.sentiment))
        }
        return rows
    }

    private static func seconds(_ duration: Duration) -> String {
        "\((duration / .milliseconds(10)).rounded() / 100) s"
    }

    private static func show(_ report: TrainingReport) {
        func rounded(_ value: Double) -> String { String((value * 10_000).rounded() / 10_000) }
        for score in report.scores {
            let figures = score.figures.sorted { $0.key < $1.key }.map { "\($0.key) \(rounded($0.value))" }
            print(
                "\(score.head): \(score.rows) rows, \(score.classes) classes, held out: \(figures.joined(separator: ", "))"
            )
            for (name, recall) in score.recall.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }).prefix(20) {
                print("    recall \(rounded(recall)) \(name)")
            }
        }
        for remark in report.remarks { print("note: \(remark)") }
    }
}
