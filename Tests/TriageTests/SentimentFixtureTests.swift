import DeskModel
import Foundation
import Testing
import Triage

/// Mails and messages labelled by the rules of Fixtures/sentiment-rules.md, none of which was trained on.
@Suite("Mood of labelled mails") struct SentimentFixtureTests {
    private func judged() async throws -> [(expected: String, got: Analysis.Sentiment, text: String)] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/sentiment.tsv")
        let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            let parts = line.split(separator: "\t", maxSplits: 1)
            return (String(parts[0]), String(parts[1]))
        }
        let results = try await TestTriage.engine().analyse(rows.map { TriageInput(subject: "", body: $0.1) })
        return zip(rows, results).map { ($0.0, $1.analysis.sentiment, $0.1) }
    }

    @Test func `displeasure scores below everything else`() async throws {
        let rows = try await self.judged()
        let bad = rows.filter { $0.expected == "negative" }.map(\.got.score)
        let rest = rows.filter { $0.expected != "negative" }.map(\.got.score)
        #expect(bad.count >= 30 && rest.count >= 60)
        let ordered = bad.reduce(0.0) { sum, score in sum + Double(rest.count { $0 > score }) }
        #expect(ordered / Double(bad.count * rest.count) >= 0.9)
    }

    @Test func `four of five moods are named rightly`() async throws {
        let rows = try await self.judged()
        #expect(Double(rows.count { $0.expected == $0.got.label }) / Double(rows.count) >= 0.8)
    }

    @Test func `a complaint without a word of displeasure is not negative`() async throws {
        let text = "The red mug arrived instead of the blue one. Could you tell me how to exchange it?"
        let results = try await TestTriage.engine().analyse([TriageInput(subject: "", body: text)])
        #expect(results.first?.analysis.sentiment.label == "neutral")
        #expect((results.first?.analysis.sentiment.score ?? -1) > -0.4)
    }
}
