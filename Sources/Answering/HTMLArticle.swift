/// An HTML help page brought into Markdown: headings, paragraphs, list items and links; the rest is dropped.
struct HTMLArticle {
    /// Text of the `title` element; nil when there is none.
    let title: String?
    /// The `lang` attribute of the `html` element, a language tag; nil when there is none.
    let language: String?
    let markdown: String

    init(_ html: String) {
        var scan = Scan(html)
        scan.run()
        self.title = scan.title.isEmpty ? nil : scan.title
        self.language = scan.language
        self.markdown = scan.output
    }

    /// Elements whose content is not for readers.
    private static let skipped: Set<String> = [
        "script", "style", "head", "nav", "footer", "svg", "noscript", "template",
    ]
    private static let blocks: Set<String> = [
        "p", "div", "section", "article", "main", "header", "ul", "ol", "table", "tr", "blockquote", "pre", "dl", "dt",
        "dd", "figure", "hr",
    ]
    private static let entities: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ", "euro": "€", "pound": "£",
        "ndash": "–", "mdash": "—", "hellip": "…", "copy": "©", "reg": "®", "rsquo": "’", "lsquo": "‘", "rdquo": "”",
        "ldquo": "“", "auml": "ä", "ouml": "ö", "uuml": "ü", "Auml": "Ä", "Ouml": "Ö", "Uuml": "Ü", "szlig": "ß",
        "eacute": "é", "egrave": "è", "agrave": "à", "ccedil": "ç",
    ]

    private struct Scan {
        private let text: [Character]
        private var place = 0
        private var skipping: String?
        private var linkTarget: String?
        private var isInTitle = false
        var title = ""
        var language: String?
        var output = ""

        init(_ html: String) { self.text = Array(html) }

        mutating func run() {
            while self.place < self.text.count {
                switch self.text[self.place] {
                case "<": self.tag()
                case "&": self.emit(self.entity())
                case let character:
                    self.emit(String(character))
                    self.place += 1
                }
            }
            self.output = self.output.split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.hasSuffix(" ") ? String($0.dropLast()) : String($0) }.joined(separator: "\n")
            while self.output.last == "\n" { self.output.removeLast() }
        }

        private mutating func emit(_ piece: String) {
            if self.isInTitle {
                self.title += piece == "\n" ? " " : piece
                return
            }
            guard self.skipping == nil else { return }
            if piece.allSatisfy(\.isWhitespace) {
                if let last = self.output.last, !last.isWhitespace { self.output += " " }
            } else {
                self.output += piece
            }
        }

        private mutating func breakLines(_ count: Int) {
            guard self.skipping == nil, !self.output.isEmpty else { return }
            while self.output.last == " " { self.output.removeLast() }
            let present = self.output.reversed().prefix { $0 == "\n" }.count
            self.output += String(repeating: "\n", count: max(0, count - present))
        }

        private mutating func tag() {
            if self.text[self.place...].starts(with: "<!--") {
                self.skipComment()
                return
            }
            guard let end = self.text[self.place...].firstIndex(of: ">") else {
                self.place = self.text.count
                return
            }
            let inside = String(self.text[(self.place + 1)..<end])
            self.place = end + 1
            let isClosing = inside.hasPrefix("/")
            let name = String(inside.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber }).lowercased()
            if name == "html", !isClosing {
                self.language = Self.attribute("lang", in: inside)
            } else if name == "title" {
                self.isInTitle = !isClosing
            } else if let skipping = self.skipping {
                if isClosing, name == skipping { self.skipping = nil }
            } else if HTMLArticle.skipped.contains(name) {
                if !isClosing, !inside.hasSuffix("/") { self.skipping = name }
            } else {
                self.markUp(name, isClosing: isClosing, inside: inside)
            }
        }

        private mutating func markUp(_ name: String, isClosing: Bool, inside: String) {
            if name.count == 2, name.first == "h", let level = name.last?.wholeNumberValue, (1...6).contains(level) {
                self.breakLines(2)
                if !isClosing { self.output += String(repeating: "#", count: level) + " " }
            } else if name == "li" {
                self.breakLines(1)
                if !isClosing { self.output += "- " }
            } else if name == "br" {
                self.breakLines(1)
            } else if name == "a" {
                if isClosing, let target = self.linkTarget {
                    self.output += " (\(target))"
                    self.linkTarget = nil
                } else if !isClosing {
                    self.linkTarget = Self.attribute("href", in: inside).flatMap { $0.hasPrefix("http") ? $0 : nil }
                }
            } else if HTMLArticle.blocks.contains(name) {
                self.breakLines(2)
            }
        }

        private mutating func skipComment() {
            var index = self.place + 4
            while index < self.text.count, !self.text[index...].starts(with: "-->") { index += 1 }
            self.place = min(index + 3, self.text.count)
        }

        private mutating func entity() -> String {
            let rest = self.text[(self.place + 1)...].prefix(10)
            guard let end = rest.firstIndex(of: ";") else {
                self.place += 1
                return "&"
            }
            let name = String(rest[..<end])
            self.place = end + 1
            if name.hasPrefix("#") {
                let digits = name.dropFirst()
                let value =
                    digits.lowercased().hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
                return value.flatMap(Unicode.Scalar.init).map { String(Character($0)) } ?? ""
            }
            return HTMLArticle.entities[name] ?? "&\(name);"
        }

        private static func attribute(_ name: String, in tag: String) -> String? {
            guard let range = tag.firstRange(of: "\(name)=") else { return nil }
            let rest = tag[range.upperBound...]
            guard let quote = rest.first, quote == "\"" || quote == "'" else {
                return String(rest.prefix { !$0.isWhitespace })
            }
            return String(rest.dropFirst().prefix { $0 != quote })
        }
    }
}
