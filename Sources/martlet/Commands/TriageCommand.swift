import ArgumentParser
import DeskModel
import Foundation
import Triage

/// `martlet triage`: needs neither configuration nor database.
struct TriageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "triage", abstract: "Say what mails are about, how urgent, in what mood and language.",
        discussion: "With --jsonl, rows {id, subject, body} come in and one analysis a row goes out, in order.")

    @Flag(help: "Read one JSON object a line from standard input.")
    var jsonl = false

    @Option(help: "A model that `martlet train` wrote; what it lacks the shipped models do.")
    var model: String?

    @Option(help: "Another taxonomy than the shipped one.")
    var taxonomy: String = ""

    @Flag(help: "Say for a text which words and known mails decided, and what was left out.")
    var explain = false

    @Argument(help: "A text to analyse; without --jsonl.")
    var text: [String] = []

    func validate() throws {
        if self.jsonl != self.text.isEmpty { throw ValidationError("give either --jsonl or a text") }
    }

    private struct Row: Decodable {
        var id: LineID?
        var subject: String?
        var body: String?
    }

    private struct Answer: Encodable {
        var id: LineID?
        var analysis: Analysis

        enum CodingKeys: String, CodingKey { case id }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(self.id, forKey: .id)
            try self.analysis.encode(to: encoder)
        }
    }

    func run() async throws {
        let trained = try self.model.map { try ShippedData.model(at: $0) }
        let shipped = try ShippedData()
        let engine = try await shipped.engine(
            model: trained, encoder: try shipped.encoder(), taxonomyFile: self.taxonomy)
        guard self.jsonl else {
            let input = TriageInput(subject: "", body: self.text.joined(separator: " "))
            Self.show(try await engine.analyse([input])[0], explains: self.explain)
            return
        }
        // Large batches, so that texts of one length meet; one is analysed while the next one is read.
        let lines = JSONLines(batch: 512, width: 2)
        try await lines.runBatches { (rows: [Row]) -> [Result<Answer, any Error>] in
            do {
                let results = try await engine.analyse(
                    rows.map { TriageInput(subject: $0.subject ?? "", body: $0.body ?? "") })
                return zip(rows, results).map { .success(Answer(id: $0.id, analysis: $1.analysis)) }
            } catch {
                return rows.map { _ in .failure(error) }
            }
        }
    }

    private static func show(_ result: TriageResult, explains: Bool) {
        let analysis = result.analysis
        func percent(_ value: Double) -> String { "\(Int((value * 100).rounded())) %" }
        var lines = [
            "category      \(analysis.category.name) (\(percent(analysis.category.confidence)))",
            "alternatives  \(analysis.alternatives.map { "\($0.name) (\(percent($0.confidence)))" }.joined(separator: ", "))",
            "tags          \(analysis.tags.isEmpty ? "none" : analysis.tags.map(\.name).joined(separator: ", "))",
            "familiarity   \(percent(analysis.familiarity)) like what triage knows",
            "priority      \(analysis.priority.level.rawValue) (signals add up to \(analysis.priority.score))",
        ]
        lines += analysis.priority.reasons.map { "              \($0)" }
        lines += [
            "sentiment     \(analysis.sentiment.label) (\((analysis.sentiment.score * 100).rounded() / 100) of −1 to 1)",
            "language      \(analysis.language)",
        ]
        if explains {
            lines += analysis.explanation.map { "because       \($0)" }
            lines.append("model         \(result.version)")
        }
        Terminal.printWrapped(lines.joined(separator: "\n"))
    }
}
