import Desk
import DeskModel
import Foundation
import MIME
import Testing

/// Mails of robots, and of people who use the same words, in eleven languages.
///
/// Three pairs of files. `robots` and `humans` (120 each) taught the rules first. `-fresh` (80 each) were written before the
/// rules were widened, without a look at them: on their first run 47 of 80 robots were silent and 3 of 80 people suppressed;
/// then the rules learned from them. `-unseen` (40 each) were written at the same time by the same hand and taught nothing:
/// 30 of 40 and 1 of 40 under the rules of that day, 36 of 40 and none on the first run of the widened ones.
@Suite("Automatic mail in eleven languages") struct AutomaticMailFixtureTests {
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

    @Test(arguments: [("robots", 120, 6), ("robots-fresh", 80, 4), ("robots-unseen", 40, 6)])
    func `robots get no answer, half of them without any field that says so`(
        file: String, count: Int, tolerated: Int
    ) throws {
        let robots = try Self.mails(file)
        #expect(robots.count == count)
        #expect(robots.count { $0.kind == "bare" } * 2 >= count)
        let answered = robots.filter { !$0.classification.suppressAutoReply }.map(\.name)
        #expect(answered.count <= tolerated, "\(answered)")
    }

    @Test(arguments: [("humans", 120, 1), ("humans-fresh", 80, 0), ("humans-unseen", 40, 1)])
    func `people are hardly ever taken for robots`(file: String, count: Int, tolerated: Int) throws {
        let people = try Self.mails(file)
        #expect(people.count == count)
        let silenced = people.filter { $0.classification.suppressAutoReply }.map {
            "\($0.name) \($0.classification.reasons)"
        }
        #expect(silenced.count <= tolerated, "\(silenced)")
    }

    /// A suppressed acknowledgement is all that a mistake costs: what words alone decided still opens a ticket.
    @Test(arguments: ["humans", "humans-fresh", "humans-unseen"])
    func `whoever is taken for a robot by words alone is known as such`(file: String) throws {
        for mail in try Self.mails(file) where mail.classification.suppressAutoReply {
            #expect(mail.classification.isByWords, "\(mail.name)")
        }
    }
}
