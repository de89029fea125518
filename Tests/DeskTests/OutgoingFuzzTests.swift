import DeskModel
import Foundation
import Logging
import MIME
import MailTransport
import ScriptedServer
import TestSupport
import Testing

/// Random subjects, names, addresses, ids and bodies, sent over a socket to a server that writes down each octet.
@Suite("Hostile values in mail of ours", .timeLimit(.minutes(60))) struct OutgoingFuzzTests {
    private static let pieces = [
        "\r\n", "\n", "\r", "\0", "\u{85}", "\u{2028}", "\u{2029}", "\u{B}", "\u{1B}[2J", "\t", " ", "  ", ".",
        "\r\n.\r\n",
        "\n.\n", "\r.\r", "\n.\r\n", "\r\nRCPT TO:<evil@elsewhere.example>\r\n", "\r\nBcc: evil@elsewhere.example\r\n",
        "\r\n\r\n<p>", "MAIL FROM:<a@b.example>", "QUIT\r\n", "=?utf-8?q?=0D=0ABcc:_evil@x.example?=",
        "=?utf-8?b?DQo=?=",
        "<", ">", "\"", "\\", ",", ";", ":", "(", ")", "[", "]", "@", "a", "Ann", "x.example", "äöü", "日本語", "😀",
        "\u{202E}", "\u{200B}", "e\u{301}", "%", "=", "=20", "--", "From ", "SIZE=1",
        String(repeating: "x", count: 300),
        String(repeating: "ü", count: 90),
    ]

    private static func text(_ choices: inout Seeded, upTo count: Int) -> String {
        (0..<Int.random(in: 0...count, using: &choices)).map { _ in Self.pieces.randomElement(using: &choices)! }
            .joined()
    }

    /// An address that the type lets through; the type refuses most of what is made here.
    private static func address(_ choices: inout Seeded) -> MailAddress {
        let name = Self.text(&choices, upTo: 4)
        for _ in 0..<6 {
            var local = Self.text(&choices, upTo: 3)
            if Bool.random(using: &choices) { local = "\"\(local)\"" }
            let domain = Bool.random(using: &choices) ? "customer.example" : Self.text(&choices, upTo: 2) + "x.example"
            if let address = MailAddress("\(local)@\(domain)", displayName: name) { return address }
        }
        return MailAddress("c\(UInt16.random(in: 0 ... .max, using: &choices))@customer.example", displayName: name)!
    }

    private static func message(_ choices: inout Seeded) -> OutboundMessage {
        func ids(_ count: Int) -> [MessageID] {
            (0..<count).compactMap { _ in MessageID(Self.text(&choices, upTo: 3)) }
        }
        return OutboundMessage(
            messageID: ids(3).first ?? MessageID("fixed@shop.example")!,
            date: Date(timeIntervalSince1970: 1_767_600_000),
            from: MailAddress("support@shop.example", displayName: Self.text(&choices, upTo: 3))!,
            to: [Self.address(&choices)], cc: Bool.random(using: &choices) ? [Self.address(&choices)] : [],
            subject: HeaderValue(sanitizing: Self.text(&choices, upTo: 8)), inReplyTo: ids(2).first, references: ids(9),
            extraHeaders: [("X-Note", HeaderValue(sanitizing: Self.text(&choices, upTo: 5)))],
            body: Self.text(&choices, upTo: 20))
    }

    /// Names of the fields, and whether every line is one that a server must take. RFC 5321 §4.5.3.1.6, RFC 5322 §2.1.1.
    private static func fields(_ wire: [UInt8]) -> (names: [String], isSound: Bool) {
        var names: [String] = []
        var isSound = true
        var isHeader = true
        // Each CR stands before an LF and the other way round, so lines are what both readings see.
        let lines = String(decoding: wire, as: UTF8.self).unicodeScalars.split(
            separator: "\r\n".unicodeScalars.last!, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let isLast = index == lines.count - 1
            if !isLast, line.last != "\r" { isSound = false }
            if line.dropLast().contains("\r") || line.contains("\0") || (isLast && line.last == "\r") {
                isSound = false
            }
            let text = String(String.UnicodeScalarView(line)).utf8.filter { $0 != 0x0D }
            if text.count > 998 { isSound = false }
            if text.isEmpty { isHeader = false }
            if isHeader, let first = text.first, first != 0x20, first != 0x09 {
                names.append(String(decoding: text.prefix { $0 != 0x3A }, as: UTF8.self))
            }
        }
        return (names, isSound)
    }

    @Test func `each is one mail with exactly the intended commands and fields`() async throws {
        let sink = SMTPSink()
        defer { sink.stop() }
        let session = try await SMTPSession.connect(
            to: MailEndpoint(host: "127.0.0.1", port: sink.port, security: .none), as: nil, helo: "desk.example",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var choices = TestRun.choices(8)
        for number in 0..<(TestRun.isFull ? 100_000 : 400) {
            let message = Self.message(&choices)
            let recipients = message.to + message.cc
            let bytes = MIMEComposer.compose(message)
            let delivery = try await session.send(
                SMTPEnvelope(from: message.from, recipients: recipients), message: bytes)
            let arrived = sink.take()
            let about: Comment = "mail \(number), seed \(TestRun.seed)"
            try #require(delivery.accepted.count == recipients.count && arrived.count == 1, about)
            let commands = arrived[0].commands
            try #require(
                commands[0].hasPrefix("MAIL FROM:<support@shop.example> SIZE=")
                    && Array(commands.dropFirst()) == recipients.map { "RCPT TO:<\($0.address)>" } + ["DATA"], about)
            let (names, isSound) = Self.fields(arrived[0].wire)
            let expected =
                ["Date", "From", "To"] + (message.cc.isEmpty ? [] : ["Cc"]) + ["Subject", "Message-ID"]
                + (message.inReplyTo == nil ? [] : ["In-Reply-To"]) + (message.references.isEmpty ? [] : ["References"])
                + ["X-Note", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
            try #require(isSound && names == expected, about)
            // What a reader makes of it is what was meant.
            let read = MIMEParser.parse(bytes)
            #expect(read.subject == message.subject.text, about)
            #expect(read.messageID == message.messageID, about)
        }
        await session.quit()
    }
}
