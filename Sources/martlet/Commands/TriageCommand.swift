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

    @Argument(help: "A text to analyse; without --jsonl.")
    var text: [String] = []

    func validate() throws {
        if self.jsonl != self.text.isEmpty { throw ValidationError("give either --jsonl or a text") }
    }

    private struct Row: Decodable {
        var id: RowIdentifier?
        var subject: String?
        var body: String?
    }

    private struct Answer: Encodable {
        var id: RowIdentifier
        var analysis: Analysis

        enum CodingKeys: String, CodingKey { case id }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(self.id, forKey: .id)
            try self.analysis.encode(to: encoder)
        }
    }

    func run() async throws {
        do {
            let trained = try self.model.map { try ShippedData.model(at: $0) }
            let engine = try await ShippedData().engine(model: trained, taxonomyFile: self.taxonomy)
            if self.jsonl {
                try await Self.stream(engine)
            } else {
                let input = TriageInput(subject: "", body: self.text.joined(separator: " "))
                Self.show(try await engine.analyse([input])[0].analysis)
            }
        } catch let error as TriageError {
            JSONLines.complain(error.context)
            throw ExitCode(error.code == .malformedTaxonomy ? 2 : 1)
        } catch let error as MissingData {
            JSONLines.complain(error.description)
            throw ExitCode(1)
        }
    }

    /// One chunk is read and analysed while the one before it is written; memory holds two.
    private static func stream(_ engine: TriageEngine) async throws {
        var lines = JSONLines()
        var size = 32
        while true {
            let chunk = try lines.next(count: size, bytes: 4 << 20)
            guard !chunk.isEmpty else { return }
            // A first answer soon, then chunks large enough to sort by length.
            size = min(1024, size * 2)
            let rows = chunk.map { Self.row($0) }
            let results = try await engine.analyse(
                rows.map { TriageInput(subject: $0.subject ?? "", body: $0.body ?? "") })
            try JSONLines.write(zip(rows, results).map { Answer(id: $0.id ?? .none, analysis: $1.analysis) })
        }
    }

    /// A line that is no JSON object is analysed as an empty mail, so that every line has its answer.
    private static func row(_ line: Data) -> Row {
        if let row = try? JSONDecoder().decode(Row.self, from: line) { return row }
        if let repaired = try? JSONDecoder().decode(Row.self, from: Data(String(decoding: line, as: UTF8.self).utf8)) {
            return repaired
        }
        JSONLines.complain("a line is no JSON object; it is answered as an empty mail")
        return Row()
    }

    private static func show(_ analysis: Analysis) {
        func percent(_ value: Double) -> String { "\(Int((value * 100).rounded())) %" }
        var lines = [
            "category     \(analysis.category.name) (\(percent(analysis.category.confidence)))",
            "alternatives \(analysis.alternatives.map { "\($0.name) (\(percent($0.confidence)))" }.joined(separator: ", "))",
            "tags         \(analysis.tags.map(\.name).joined(separator: ", "))",
            "familiarity  \(percent(analysis.familiarity))",
            "priority     \(analysis.priority.level.rawValue) (\(analysis.priority.score))",
        ]
        lines += analysis.priority.reasons.map { "             \($0)" }
        lines += [
            "sentiment    \(analysis.sentiment.label) (\((analysis.sentiment.score * 100).rounded() / 100))",
            "language     \(analysis.language)",
        ]
        lines += analysis.explanation.map { "because      \($0)" }
        print(lines.joined(separator: "\n"))
    }
}
