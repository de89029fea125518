import Answering
import ArgumentParser
import Desk
import DeskModel
import Encoder
import Foundation
import Triage

/// `martlet answer`: what the desk would answer to mails, without touching a mailbox.
struct AnswerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "Show what would be answered to a mail.",
        discussion: """
            Reads {"id", "from", "verified", "subject", "body"} a line and answers {"id", "decision", "reasons", \
            "confidence", "reply", "citations", "unsupported"}; "verified" may be left out. Nothing is stored and \
            nothing is sent.

            Example, with one mail in each line of mails.jsonl:
              {"id":1,"from":"a@example.org","subject":"","body":"Where is it?"}
              martlet answer --jsonl < mails.jsonl
            """)

    @OptionGroup var options: GlobalOptions
    @Flag(help: "Read mails as JSON lines from standard input.") var jsonl = false
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Decide as in mode answer for these categories, or for all.", valueName: "category"))
    var auto: [String] = []

    func validate() throws {
        guard self.jsonl else { throw ValidationError("give --jsonl and mails on standard input") }
    }

    func run() async throws {
        let automatic = self.auto
        try await KnowledgeSession.think(self.options) { session, engine in
            var preview = AnswerPreview(
                engine: engine, answerer: session.base.answerer, settings: session.settings)
            preview.chat = ChatDrafter(session.settings.draft, store: session.store)
            if !automatic.isEmpty {
                preview.mode = .answer
                preview.settings.draft.automaticCategories = automatic
            }
            let made = preview
            var lines = JSONLines()
            lines.batch = 16
            try await lines.runBatches { (mails: [Mail]) -> [Result<Reply, any Error>] in
                do {
                    let inputs = mails.map {
                        AnswerPreview.Mail(
                            from: $0.from, isVerified: $0.verified, subject: $0.subject ?? "", body: $0.body)
                    }
                    return zip(mails, try await made.answers(inputs)).map { .success(Reply(id: $0.id, $1)) }
                } catch {
                    return mails.map { _ in .failure(error) }
                }
            }
        }
    }

    private struct Mail: Decodable, Sendable {
        var id: LineID
        var from: String
        var verified: Bool?
        var subject: String?
        var body: String
    }

    private struct Reply: Encodable, Sendable {
        private enum CodingKeys: CodingKey { case id, decision, reasons, confidence, reply, citations, unsupported }
        private struct Source: Encodable {
            var article: String
            var span: String
        }

        private let id: LineID
        private let preview: AnswerPreview.Result

        init(id: LineID, _ preview: AnswerPreview.Result) {
            self.id = id
            self.preview = preview
        }

        func encode(to encoder: any Swift.Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(self.id, forKey: .id)
            try container.encode(self.preview.decision.action, forKey: .decision)
            try container.encode(self.preview.decision.reasons, forKey: .reasons)
            try container.encode(self.preview.draft?.confidence ?? 0, forKey: .confidence)
            try container.encode(self.preview.draft?.body, forKey: .reply)
            let sources = (self.preview.draft?.citations ?? []).map { Source(article: $0.article, span: $0.span) }
            try container.encode(sources, forKey: .citations)
            try container.encode(self.preview.draft?.unsupported ?? [], forKey: .unsupported)
        }
    }
}
