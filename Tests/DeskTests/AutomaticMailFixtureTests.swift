import Desk
import DeskModel
import Foundation
import MIME
import Testing

/// 120 mails of robots and 120 of people who use the same words, in ten languages.
@Suite("Automatic mail in ten languages") struct AutomaticMailFixtureTests {
    private struct Mail {
        let name: String
        let kind: String
        let classification: MessageClassification
    }

    private static func mails(_ file: String) throws -> [Mail] {
        let url = try #require(Bundle.module.url(forResource: file, withExtension: "txt", subdirectory: "Fixtures"))
        let text = try String(contentsOf: url, encoding: .utf8)
        return text.components(separatedBy: "\n=== ").dropFirst().map { block in
            let lines = block.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            let title = lines[0].split(separator: " ")
            let head =
                "To: support@shop.example\nMessage-ID: <\(title[0])@example.org>\nDate: Mon, 6 Jan 2025 10:00:00 +0000\n"
            let message = MIMEParser.parse(Array((head + lines[1]).utf8))
            return Mail(
                name: String(title[0]), kind: String(title[1]),
                classification: AutomaticMail.classify(message, own: [], authservIDs: []))
        }
    }

    @Test func `at least 95 of 100 robots get no answer, half of them without any field that says so`() throws {
        let robots = try Self.mails("robots")
        #expect(robots.count == 120)
        #expect(robots.count { $0.kind == "bare" } == 60)
        let answered = robots.filter { !$0.classification.suppressAutoReply }.map(\.name)
        #expect(answered.count <= 6, "\(answered)")
    }

    @Test func `at most one of 100 people is taken for a robot`() throws {
        let people = try Self.mails("humans")
        #expect(people.count == 120)
        let silenced = people.filter { $0.classification.suppressAutoReply }.map {
            "\($0.name) \($0.classification.reasons)"
        }
        #expect(silenced.count <= 1, "\(silenced)")
    }
}
