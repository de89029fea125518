import ArgumentParser
import Desk
import DeskModel
import Foundation
import Logging

/// `martlet why`: what the desk makes of a mail, and why.
struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Say what the desk makes of a mail, and why.",
        discussion: """
            Reads a mail from a file as if it had just come in, and changes nothing: whether a person wrote it, which \
            ticket it belongs to and for what reason, and whether anything automatic may answer it.
            """)

    @OptionGroup var options: GlobalOptions
    @Argument(help: "A file with one mail as it came from the server.") var file: String
    @Option(help: "The mailbox that it came to; the first by default.") var mailbox: String?
    @Flag(help: "Print JSON.") var json = false

    private struct Answer: Encodable {
        let explanation: MailExplanation

        enum CodingKeys: String, CodingKey {
            case subject, from, kind, verified, known, ticket, threading, flagged, thanks, analysed, repairs
            case kindReasons = "kind_reasons"
            case opensTicket = "opens_ticket"
            case mayBeAcknowledged = "may_be_acknowledged"
        }

        func encode(to encoder: any Encoder) throws {
            let mail = self.explanation
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(mail.subject, forKey: .subject)
            try container.encode(mail.from, forKey: .from)
            try container.encode(mail.kind, forKey: .kind)
            try container.encode(mail.kindReasons, forKey: .kindReasons)
            try container.encode(mail.isVerified, forKey: .verified)
            try container.encode(mail.knownAs != nil, forKey: .known)
            try container.encode(mail.ticket?.description, forKey: .ticket)
            try container.encode(mail.opensTicket, forKey: .opensTicket)
            try container.encode(mail.threadReason, forKey: .threading)
            try container.encode(mail.isFlagged, forKey: .flagged)
            try container.encode(mail.isThanks, forKey: .thanks)
            try container.encode(mail.isAnalysed, forKey: .analysed)
            try container.encode(mail.mayBeAcknowledged, forKey: .mayBeAcknowledged)
            try container.encode(mail.repairs, forKey: .repairs)
        }
    }

    func run() async throws {
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(filePath: self.file)))
        } catch {
            throw CommandError(.usage, "\(self.file) cannot be read", remedy: "name a file with one mail")
        }
        let mail = try await DeskRuntime.with(self.options, needing: .everything) { runtime in
            let context = runtime.context(logger: Logger(label: "why") { _ in SwiftLogNoOpLogHandler() })
            guard let mailbox = try runtime.mailboxes(named: self.mailbox).first else {
                throw CommandError(.usage, "no mailbox is configured", remedy: "add one under mailboxes")
            }
            return try await MailExplanation.of(bytes, mailbox: mailbox, context: context)
        }
        if self.json { return try JSONOutput.print(Answer(explanation: mail)) }
        Terminal.printWrapped(Self.text(mail))
    }

    private static func text(_ mail: MailExplanation) -> String {
        func line(_ text: String) -> String { DisplayWidth.printable(text) }
        var lines = [
            "mail       \(line(mail.subject))", "from       \(line(mail.from ?? "nobody"))",
            "written by \(mail.kind == .human ? "a person" : mail.kind.rawValue): "
                + line(mail.kindReasons.joined(separator: "; ")),
        ]
        switch mail.isVerified {
        case true: lines.append("sender     verified by our own mail server")
        case false: lines.append("sender     fails the check of our own mail server")
        case nil: lines.append("sender     our own mail server says nothing about it")
        }
        let place =
            mail.opensTicket
            ? "opens a ticket" : mail.ticket.map { "\(mail.knownAs == nil ? "joins" : "is in") \($0)" } ?? "no ticket"
        lines.append("ticket     \(place): \(line(mail.threadReason))")
        if mail.isFlagged { lines.append("           marked: nothing goes out alone because of it") }
        if mail.isThanks { lines.append("           says thanks: reopens nothing, asks for nothing") }
        lines.append("analysed   \(mail.isAnalysed ? "yes" : "no")")
        lines.append(
            "automatic  \(mail.mayBeAcknowledged ? "it may be acknowledged" : "nothing automatic answers it")")
        lines += mail.repairs.map { "mended     \(line($0))" }
        return lines.joined(separator: "\n")
    }
}
