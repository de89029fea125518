import DeskModel
import TestSupport
import Testing

/// Texts put together at random from what mails are made of, well formed or not.
@Suite("Random texts", .timeLimit(.minutes(60))) struct TextFuzzTests {
    private static let plain = [
        "\n", "\n\n", "\r\n", "> ", ">> ", "> > >", "On Mon, 5 Jan 2026 at 10:00, Ann <ann@x.example> wrote:",
        "Am 05.01.2026 um 10:00 schrieb Ann:", "Le lun. 5 janv. 2026 à 10:00, Ann a écrit :", "-- \n", "--\n",
        "__________",
        "-----Original Message-----", "From: Ann", "Sent: Monday", "Subject: x", "Sent from my phone", "Kind regards",
        "Ann",
        "Hello", "where is order 4711", "\u{A0}", "\u{200B}", "\u{202E}", "\0", "*", "|", "  ", "\t", "😀", "日本語", "é",
        String(repeating: ">", count: 200), String(repeating: "a ", count: 200),
    ]
    private static let markup = [
        "<p>", "</p>", "<div>", "</div>", "<div class=\"gmail_quote\">", "<blockquote>", "</blockquote>", "<br>",
        "<br/>", "<ul><li>",
        "</li></ul>", "<table><tr><td>", "</td></tr></table>", "<a href=\"https://x.example/?a=b&amp;c\">", "</a>",
        "<script>", "</script>",
        "<style>p { color: red }", "</style>", "<!--", "-->", "<![CDATA[", "]]>", "<span style=\"display:none\">",
        "</span>", "<", ">", "&",
        "&amp;", "&#0;", "&#x10FFFF;", "&#xD800;", "&nbsp", "&notanentity;", "<img src=x width=1 height=1>",
        "<p style='", "\"", "'", "=",
        "<hr>", "<title>", "<b", "</", "<?xml ?>", "<o:p>", String(repeating: "<div>", count: 300),
    ]

    private static func text(_ pieces: [String], _ choices: inout Seeded) -> String {
        (0..<Int.random(in: 0...40, using: &choices)).map { _ in pieces.randomElement(using: &choices)! }.joined()
    }

    private static func words(_ text: String) -> Set<Substring> {
        Set(text.split { !$0.isLetter && !$0.isNumber })
    }

    private static var count: Int { TestRun.isFull ? 100_000 : 2_000 }

    @Test func `the reply is made of the mail's own words`() {
        var choices = TestRun.choices(4)
        for number in 0..<Self.count {
            let text = Self.text(Self.plain, &choices)
            let reply = ReplyParser.split(text)
            #expect(
                Self.words(reply.visible).isSubset(of: Self.words(text)), "text \(number), seed \(TestRun.seed)")
            #expect(reply.visible.utf8.count <= text.utf8.count + 1, "text \(number), seed \(TestRun.seed)")
        }
    }

    @Test func `HTML of any kind ends as text that is not much longer`() {
        var choices = TestRun.choices(5)
        for number in 0..<Self.count {
            let html = Self.text(Self.markup + Self.plain, &choices)
            let rendered = HTMLText.render(html)
            #expect(!rendered.text.contains("\0"), "text \(number), seed \(TestRun.seed)")
            #expect(rendered.text.utf8.count <= 4 * html.utf8.count + 16, "text \(number), seed \(TestRun.seed)")
            let reply = ReplyParser.split(rendered)
            #expect(
                Self.words(reply.visible).isSubset(of: Self.words(rendered.text)),
                "text \(number), seed \(TestRun.seed)")
        }
    }
}
