internal import DeskModel

/// Whether the plain alternative of a mail is worse than its HTML. Plain text is what the writer saw when both are equal;
/// programs also make it by rule, and then it lacks what the HTML has.
struct AlternativeChoice {
    let takesHTML: Bool
    /// The HTML as text, where it had to be looked at.
    private(set) var rendered: HTMLText.Rendered?

    /// - Parameter wrapsAnywhere: whether programs break lines of this charset between any two letters.
    init(plain: String, html: String, wrapsAnywhere: Bool) {
        let seen = Seen(plain)
        if seen.letters >= 400, !seen.holdsReference, !wrapsAnywhere, seen.questionMarks < 2 {
            self.takesHTML = false
            return
        }
        guard seen.letters < 400 ? seen.letters == 0 || html.utf8.count > 200 : true else {
            self.takesHTML = false
            return
        }
        let rendered = HTMLText.render(html)
        self.rendered = rendered
        let rich = Seen(rendered.text)
        if seen.letters == 0 {
            // A rule or a number is text of its own; nothing at all gives way to anything.
            self.takesHTML = seen.marks == 0 ? rich.letters + rich.marks > 0 : rich.letters > 8
        } else if seen.letters < 400, rich.letters > seen.letters * 8 {
            self.takesHTML = true
        } else if seen.letters < 400, rich.letters > seen.letters, Self.isNotice(plain) {
            self.takesHTML = true
        } else if seen.holdsReference, !rich.holdsReference, rich.letters > 0 {
            self.takesHTML = true
        } else if seen.isASCII, rich.others > 0, seen.questionMarks >= min(rich.others, 2) {
            // Letters that the plain part's charset does not have stand there as question marks.
            self.takesHTML = true
        } else {
            self.takesHTML = wrapsAnywhere && abs(seen.letters - rich.letters) * 20 <= rich.letters
        }
    }

    /// What a text consists of, counted in one pass.
    private struct Seen {
        var letters = 0
        /// Digits and punctuation.
        var marks = 0
        /// Characters outside ASCII that are seen.
        var others = 0
        var questionMarks = 0
        var isASCII = true
        /// Whether the text shows character references, which are for HTML only.
        var holdsReference = false

        init(_ text: String) {
            for byte in text.utf8 {
                switch byte {
                case 0x61...0x7A, 0x41...0x5A: self.letters += 1
                case 0...0x20, 0x7F: continue
                case 0x3F:
                    self.questionMarks += 1
                    self.marks += 1
                case 0x21...0x7E: self.marks += 1
                case 0xC3...0xDF, 0xE3...0xEE, 0xF0...0xF4:
                    self.letters += 1
                    self.others += 1
                    self.isASCII = false
                case 0xE0...0xE2:
                    self.letters += 1
                    self.isASCII = false
                default: self.isASCII = false
                }
            }
            self.holdsReference = text.holds("&nbsp;") || text.holds("&quot;") || text.holds("&#39;")
        }
    }

    /// A plain part that only asks for another program.
    private static func isNotice(_ plain: String) -> Bool {
        let lower = plain.lowercased()
        return lower.holds("html") && (lower.holds("view") || lower.holds("support") || lower.holds("client"))
    }
}
