import DeskModel
import Foundation
import MIME
import Testing

private func message(
    subject: String = "Hello", body: String = "Hi", from: MailAddress? = nil, to: [MailAddress]? = nil,
    references: [MessageID] = [], extra: [(name: String, value: HeaderValue)] = []
) throws -> OutboundMessage {
    try OutboundMessage(
        messageID: #require(MessageID("one@shop.example")), date: Date(timeIntervalSince1970: 1_736_157_600),
        from: from ?? #require(MailAddress("support@shop.example", displayName: "Support")),
        to: to ?? [#require(MailAddress("anna@example.org"))], subject: HeaderValue(sanitizing: subject),
        inReplyTo: references.last, references: references, extraHeaders: extra, body: body)
}

private func lines(_ bytes: [UInt8]) -> [String] {
    String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
}

@Suite("MIMEComposer") struct MIMEComposerTests {
    @Test func `writes one plain part with the fields a mail needs`() throws {
        let text = try lines(MIMEComposer.compose(message(references: [#require(MessageID("a@example.org"))])))
        #expect(text.contains("Date: Mon, 6 Jan 2025 10:00:00 +0000"))
        #expect(text.contains("From: Support <support@shop.example>"))
        #expect(text.contains("To: anna@example.org"))
        #expect(text.contains("Subject: Hello"))
        #expect(text.contains("Message-ID: <one@shop.example>"))
        #expect(text.contains("In-Reply-To: <a@example.org>"))
        #expect(text.contains("References: <a@example.org>"))
        #expect(text.contains("MIME-Version: 1.0"))
        #expect(text.contains("Content-Type: text/plain; charset=utf-8"))
        #expect(text.contains("Content-Transfer-Encoding: 7bit"))
        #expect(text.suffix(3) == ["", "Hi", ""])
    }

    @Test(arguments: [
        "plain", "Grüße aus Köln", "€ " + String(repeating: "ß", count: 200), "=?utf-8?Q?fake?=", "emoji 👩‍👩‍👧 end",
        "日本語の件名",
        String(repeating: "word ", count: 60) + "end", String(repeating: "x", count: 400), "a  b",
        "quoted \"name\", (comment) <x>",
    ])
    func `what is written is read again`(text: String) throws {
        let sender = try #require(MailAddress("a@example.org", displayName: text))
        let body = "\(text)\n\nFrom here on\n.\nend = done"
        let bytes = try MIMEComposer.compose(message(subject: text, body: body, from: sender))
        let mail = MIMEParser.parse(bytes)
        #expect(mail.subject == HeaderValue(sanitizing: text).text)
        #expect(mail.from.first?.displayName == HeaderValue(sanitizing: text).text)
        #expect(mail.bodyText == body + "\n")
        #expect(mail.repairs.isEmpty)
        #expect(!bytes.split(separator: 0x0A).contains { $0.count > 999 })
    }

    @Test func `uses quoted-printable for long lines and other alphabets`() throws {
        let long = try lines(MIMEComposer.compose(message(body: String(repeating: "a", count: 1_000))))
        #expect(long.contains("Content-Transfer-Encoding: quoted-printable"))
        #expect(long.allSatisfy { $0.utf8.count <= 78 })
    }

    @Test func `keeps the first and the latest references`() throws {
        let ids = try (0..<50).map { try #require(MessageID("\($0)@example.org")) }
        let mail = try MIMEParser.parse(MIMEComposer.compose(message(references: ids)))
        #expect(mail.references.count == MIMEComposer.referenceLimit)
        #expect(mail.references.first == ids.first)
        #expect(mail.references.last == ids.last)
    }

    @Test func `no value opens a header field`() throws {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("abc\r\n\t\0\u{2028}\u{85}:<>@,;\"\\ =?ü€Bcc: x@example.org\r\n".unicodeScalars)
        func noise() -> String {
            var view = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...120, using: &generator) {
                view.append(alphabet.randomElement(using: &generator) ?? "a")
            }
            return String(view)
        }
        let expected = [
            "date", "from", "to", "subject", "message-id", "x-note", "mime-version", "content-type",
            "content-transfer-encoding",
        ]
        for _ in 0..<500 {
            let sender = try #require(MailAddress("a@example.org", displayName: noise()))
            let mail = try message(
                subject: noise(), body: noise(), from: sender,
                to: [#require(MailAddress("b@example.org", displayName: noise()))],
                extra: [
                    ("X-Note", HeaderValue(sanitizing: noise())), (noise() + "\r\nBcc", HeaderValue(sanitizing: "x")),
                    ("To", HeaderValue(sanitizing: "y")),
                ])
            let bytes = MIMEComposer.compose(mail)
            let parsed = MIMEParser.parse(bytes)
            #expect(parsed.headers.map { $0.name.lowercased() } == expected)
            #expect(parsed.to.map(\.address) == ["b@example.org"])
            for index in bytes.indices where bytes[index] == 0x0D { #expect(bytes[index + 1] == 0x0A) }
            for index in bytes.indices where bytes[index] == 0x0A { #expect(index > 0 && bytes[index - 1] == 0x0D) }
        }
    }

    @Test(arguments: [
        (0.0, "Thu, 1 Jan 1970 00:00:00 +0000"), (951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 +0000"),
    ])
    func `writes the date in UTC`(seconds: Double, expected: String) throws {
        var mail = try message()
        mail.date = Date(timeIntervalSince1970: seconds)
        #expect(lines(MIMEComposer.compose(mail)).contains("Date: \(expected)"))
    }
}
