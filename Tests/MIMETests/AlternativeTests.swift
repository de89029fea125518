import DeskModel
import MIME
import Testing

/// Which of two alternatives is the text, and files of unusual kinds.
@Suite("Alternatives and files") struct AlternativeTests {
    private static func alternative(plain: String, html: String, charset: String = "us-ascii") -> InboundMessage {
        let filler = "<style>\(String(repeating: "p { color: #222 } ", count: 20))</style>"
        return MIMEParser.parse(
            Array(
                """
                From: a@example.org
                Content-Type: multipart/alternative; boundary=b

                --b
                Content-Type: text/plain; charset=\(charset)

                \(plain)
                --b
                Content-Type: text/html; charset=utf-8

                <html>\(filler)<body>\(html)</body></html>
                --b--

                """.utf8))
    }

    @Test func `the plain text is the text where both say the same`() {
        let mail = Self.alternative(plain: "Where is my order 4711?", html: "<p>Where is <b>my</b> order 4711?</p>")
        #expect(mail.bodyText == "Where is my order 4711?")
    }

    @Test func `the HTML is the text where the plain part lost its letters`() {
        #expect(Self.alternative(plain: "?? thanks", html: "<p>😄😃 thanks</p>").bodyText == "😄😃 thanks")
        #expect(Self.alternative(plain: "Gr??e aus K?ln", html: "<p>Grüße aus Köln</p>").bodyText == "Grüße aus Köln")
    }

    @Test func `the HTML is the text where the plain part shows references`() {
        let mail = Self.alternative(
            plain: "Hello&nbsp;there, all well&nbsp;here", html: "<p>Hello there, all well here</p>")
        #expect(mail.bodyText == "Hello there, all well here")
    }

    @Test(arguments: ["4711", "-----"])
    func `a plain part without letters gives way only to words`(plain: String) {
        #expect(Self.alternative(plain: plain, html: "<p>a <br></p>").bodyText == plain)
        #expect(Self.alternative(plain: plain, html: "<p>My parcel is lost</p>").bodyText == "My parcel is lost")
    }

    @Test func `files that travelled as lines are the same over IMAP and in a folder`() throws {
        let raw = "From: a@example.org\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n"
        let local = MIMEParser.parse(Array(raw.utf8))
        let remote = MIMEParser.parse(Array(raw.replacing("\n", with: "\r\n").utf8))
        #expect(local.attachments.first?.size == 11)
        #expect(local.attachments.map(\.sha256) == remote.attachments.map(\.sha256))
    }

    @Test(arguments: [
        ("application/ms-tnef; name=winmail.dat", "winmail.dat"),
        ("text/calendar; method=REQUEST; name=invite.ics", "invite.ics"),
        ("application/pkcs7-signature; name=smime.p7s", "smime.p7s"),
    ])
    func `is listed with its name and is not the text`(type: String, name: String) {
        let mail = MIMEParser.parse(
            Array(
                """
                From: a@example.org
                Content-Type: multipart/mixed; boundary=b

                --b

                See the file.
                --b
                Content-Type: \(type)
                Content-Transfer-Encoding: base64

                aGVsbG8=
                --b--

                """.utf8))
        #expect(mail.bodyText == "See the file.")
        #expect(mail.attachments.map(\.filename) == [name])
        #expect(mail.attachments.map(\.size) == [5])
    }

    @Test(arguments: [
        ("Content-Type: text/plain; charset=utf-8\n\ncaf\u{FF}", "charset"), ("\nbody", "From is missing"),
        ("Content-Type: multipart/mixed; boundary=b\n\njust text", "multipart without parts; its text is used"),
        ("From: a@example.org, b@example.org\n\nx", "several addresses in From"),
    ])
    func `what was mended is recorded`(raw: String, repair: String) {
        // U+00FF stands for the single byte, which is no UTF-8.
        let bytes = raw.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        let mail = MIMEParser.parse(bytes)
        #expect(mail.repairs.contains { $0.contains(repair) }, "\(mail.repairs)")
    }
}
