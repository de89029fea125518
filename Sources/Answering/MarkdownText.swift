/// Markdown as a reader sees it: blocks under their headings, without marks.
struct MarkdownText {
    struct Block: Equatable {
        enum Kind: Equatable { case paragraph, listItem, code }
        var kind: Kind
        /// Headings above, outermost first.
        var headings: [String]
        /// One line without marks; code keeps its line breaks.
        var text: String
    }

    let blocks: [Block]

    init(_ markdown: String) {
        var reader = Reader()
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) { reader.read(line) }
        reader.endBlock()
        self.blocks = reader.blocks
    }

    /// `text` without emphasis, code marks, images and tags; a link keeps its words, and its target when absolute.
    static func inline(_ text: Substring) -> String {
        var result = ""
        var rest = text
        while let character = rest.first {
            if character == "\\", rest.count > 1, let next = rest.dropFirst().first, next.isPunctuation {
                result.append(next)
                rest = rest.dropFirst(2)
            } else if character == "!" || character == "[", let link = Self.link(rest) {
                result += link.text
                rest = link.rest
            } else if character == "<", let tag = Self.tag(rest) {
                result += tag.text
                rest = tag.rest
            } else if character == "`" || (character == "*" && Self.isMark(rest, after: result)) {
                rest = rest.dropFirst()
            } else if rest.hasPrefix("__") || rest.hasPrefix("~~") {
                rest = rest.dropFirst(2)
            } else {
                result.append(character)
                rest = rest.dropFirst()
            }
        }
        return result.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private static func isMark(_ rest: Substring, after result: String) -> Bool {
        let next = rest.dropFirst().first
        // `3 * 4` is a product; `*word*` and `**word**` are emphasis.
        return !(result.last?.isWhitespace ?? true) || !(next?.isWhitespace ?? true)
    }

    private static func link(_ text: Substring) -> (text: String, rest: Substring)? {
        let isImage = text.first == "!"
        let body = isImage ? text.dropFirst() : text
        guard body.first == "[", let close = body.firstIndex(of: "]") else { return nil }
        let label = body[body.index(after: body.startIndex)..<close]
        let after = body[body.index(after: close)...]
        guard after.first == "(", let end = after.firstIndex(of: ")") else { return nil }
        let target = after[after.index(after: after.startIndex)..<end].prefix { !$0.isWhitespace }
        let rest = after[after.index(after: end)...]
        if isImage { return ("", rest) }
        let isAbsolute = target.hasPrefix("http://") || target.hasPrefix("https://")
        let words = Self.inline(label)
        return (isAbsolute && target != label ? "\(words) (\(target))" : words, rest)
    }

    private static func tag(_ text: Substring) -> (text: String, rest: Substring)? {
        guard let end = text.prefix(200).firstIndex(of: ">") else { return nil }
        let inside = text[text.index(after: text.startIndex)..<end]
        let rest = text[text.index(after: end)...]
        if inside.hasPrefix("http") || inside.contains("@") { return (String(inside), rest) }
        guard let first = inside.first, first.isLetter || first == "/" || first == "!" else { return nil }
        return (" ", rest)
    }

    private struct Reader {
        var blocks: [Block] = []
        private var headings: [(level: Int, text: String)] = []
        private var lines: [Substring] = []
        private var kind = Block.Kind.paragraph

        mutating func read(_ line: Substring) {
            let text = line.drop { $0 == " " || $0 == "\t" }
            if text.hasPrefix("```") || text.hasPrefix("~~~") {
                let isEnd = self.kind == .code
                self.endBlock()
                self.kind = isEnd ? .paragraph : .code
            } else if self.kind == .code {
                self.lines.append(line)
            } else if text.isEmpty || Self.isRule(text) {
                self.endBlock()
            } else if let heading = Self.heading(text) {
                self.endBlock()
                self.headings.removeAll { $0.level >= heading.level }
                self.headings.append(heading)
            } else if let item = Self.listItem(text) {
                self.endBlock()
                self.kind = .listItem
                self.lines = [item]
            } else if text.hasPrefix("|") {
                self.endBlock()
                let cells = text.split(separator: "|").map { MarkdownText.inline($0) }.filter { !$0.isEmpty }
                let isRuler = cells.allSatisfy { $0.allSatisfy { "-: ".contains($0) } }
                if !isRuler { self.append(.listItem, cells.joined(separator: ": ")) }
            } else {
                self.lines.append(text.hasPrefix(">") ? text.drop { $0 == ">" || $0 == " " } : text)
            }
        }

        mutating func endBlock() {
            defer {
                self.lines = []
                self.kind = .paragraph
            }
            guard !self.lines.isEmpty else { return }
            if self.kind == .code {
                self.append(.code, self.lines.joined(separator: "\n"))
            } else {
                self.append(self.kind, MarkdownText.inline(self.lines.joined(separator: " ")[...]))
            }
        }

        private mutating func append(_ kind: Block.Kind, _ text: String) {
            guard !text.isEmpty else { return }
            self.blocks.append(Block(kind: kind, headings: self.headings.map(\.text), text: text))
        }

        private static func heading(_ line: Substring) -> (level: Int, text: String)? {
            let level = line.prefix { $0 == "#" }.count
            guard (1...6).contains(level), line.dropFirst(level).first == " " else { return nil }
            var text = line.dropFirst(level)
            while text.last == "#" || text.last == " " { text.removeLast() }
            return (level, MarkdownText.inline(text))
        }

        private static func listItem(_ line: Substring) -> Substring? {
            if let first = line.first, "-*+•".contains(first), line.dropFirst().first == " " {
                return line.dropFirst(2)
            }
            let digits = line.prefix { $0.isNumber }
            guard (1...3).contains(digits.count) else { return nil }
            let rest = line.dropFirst(digits.count)
            guard let mark = rest.first, mark == "." || mark == ")", rest.dropFirst().first == " " else { return nil }
            return rest.dropFirst(2)
        }

        private static func isRule(_ line: Substring) -> Bool {
            line.count >= 3 && (line.allSatisfy { $0 == "-" } || line.allSatisfy { $0 == "*" || $0 == " " })
        }
    }
}
