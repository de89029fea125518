import DeskModel
import Testing

@Suite("HTMLText") struct HTMLTextTests {
    @Test(arguments: [
        ("<p>One</p><p>Two &amp; three</p>", "One\n\nTwo & three"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>red<li>blue</ul><ol start=3><li>x</li><li>y</li></ol>", "- red\n- blue\n\n3. x\n4. y"),
        ("<a href=\"https://shop.example/track\">track it</a>", "track it <https://shop.example/track>"),
        ("<a href=\"https://shop.example/\">shop.example</a>", "shop.example"),
        (
            "<table><tr><td>Order</td><td>4711</td></tr><tr><td>Sum</td><td>5 &euro;</td></tr></table>",
            "Order 4711\nSum 5 €"
        ),
        ("<head><title>x</title></head><style>p{}</style><script>1<2</script>text", "text"),
        ("before<img src=x width=1 height=1 alt=\"pixel\">after", "beforeafter"),
        ("see <img alt=\"red shoe\"> here", "see [red shoe] here"),
        ("&#8364; &#x20ac; &#128; &uuml; &unknown; &lt;b&gt;", "€ € € ü &unknown; <b>"),
        ("<blockquote>old <b>text</b></blockquote>new", "> old text\n\nnew"),
        ("<pre>  a\n   b</pre>", "  a\n   b"),
        ("<!-- hidden -->x<![if !vml]>y<![endif]>", "xy"),
        ("a < b and c > d", "a < b and c > d"),
        ("<p title=\"a > b\">text</p>", "text"),
        ("text <unclosed", "text"),
        ("soft\u{AD}hyphen&shy;ated\u{200B}", "softhyphenated"),
    ])
    func `renders`(html: String, expected: String) {
        #expect(HTMLText.render(html).text == expected)
    }

    @Test(arguments: [
        "<div style='display:none'>secret</div>shown", "<div style='DISPLAY : none'><p>secret</p></div>shown",
        "<span style='font-size:0px'>secret</span>shown", "<p hidden>secret</p>shown",
        "<div style='visibility:hidden'>secret</div>shown", "<font style='mso-hide:all'>secret</font>shown",
        "<i style='opacity:0'>secret</i>shown",
    ])
    func `drops and reports hidden text`(html: String) {
        let rendered = HTMLText.render(html)
        #expect(rendered.text == "shown")
        #expect(rendered.hasHiddenText)
    }

    @Test func `reports nothing where nothing is hidden`() {
        #expect(!HTMLText.render("<p style='display:block'>a</p><div style='display:none'> </div>").hasHiddenText)
    }

    static let hostile: [Hostile] = [
        Hostile("<div>", 5_000), Hostile("</b>", 5_000), Hostile("<b", 5_000), Hostile("<a href=\"", 2_000),
        Hostile("<!--", 5_000),
        Hostile("&", 10_000), Hostile("<blockquote>x", 2_000), Hostile("<ul><li>", 1_000),
        Hostile("<p style=\"", 2_000),
        Hostile("<script>", 2_000), Hostile("<a href=http://x.example/>", 1_000), Hostile("<p a=b ", 2_000),
    ]

    @Test(arguments: hostile)
    func `takes any input`(input: Hostile) {
        #expect(HTMLText.render(input.text).text.utf8.count <= input.text.utf8.count * 30)
    }
}
