/// Splits the text of a mail into what its sender newly wrote, the signature, and the quoted conversation.
///
/// Works on lines, in time linear in the length: at most 20,000 lines are read, 1,000 octets of each, and 500 lines are
/// tried as an attribution or header. Answers between quotes are kept.
/// Never eats everything: where nothing new is left, the whole text counts as new.
package enum ReplyParser {
    private enum Role { case visible, quoted, signature }

    /// Lines that are read; what comes after counts as quoted.
    private static let lineLimit = 20_000
    private static let attemptLimit = 500

    /// Of a plain text; quotation is `>` or an earlier mail below an attribution, a separator or a copied header.
    package static func split(_ text: String) -> ReplyText {
        var lines: [ReplyLine] = []
        for line in Self.lines(text) {
            if let start = ReplyMarks.attributionInside(line) {
                lines.append(ReplyLine(line[..<start]))
                lines.append(ReplyLine(line[start...]))
            } else {
                lines.append(ReplyLine(line))
            }
        }
        return Self.split(lines, quoteFrom: nil, signatureFrom: nil, text: text)
    }

    /// Of HTML, with the marks that mail programs leave in it.
    package static func split(html: String) -> ReplyText { Self.split(HTMLText.render(html)) }

    /// Of rendered HTML.
    package static func split(_ rendered: HTMLText.Rendered) -> ReplyText {
        var offset = 0
        var quoteFrom: Int?
        var signatureFrom: Int?
        var lines: [ReplyLine] = []
        for line in Self.lines(rendered.text) {
            if let mark = rendered.quoteStart, quoteFrom == nil, mark <= offset { quoteFrom = lines.count }
            if let mark = rendered.signatureStart, signatureFrom == nil, mark <= offset { signatureFrom = lines.count }
            lines.append(ReplyLine(line))
            offset += line.utf8.count + 1
        }
        return Self.split(lines, quoteFrom: quoteFrom, signatureFrom: signatureFrom, text: rendered.text)
    }

    private static func split(
        _ lines: [ReplyLine], quoteFrom: Int?, signatureFrom: Int?, text: String
    ) -> ReplyText {
        var roles = [Role](repeating: .visible, count: lines.count)
        Self.markQuotes(lines, &roles)
        if let start = quoteFrom, Self.hasText(lines, roles, before: start) {
            for index in start..<lines.count { roles[index] = .quoted }
        }
        if !Self.hasText(lines, roles, before: lines.count) {
            return ReplyText(visible: Self.trimmed(text), signature: "", quoted: "")
        }
        Self.markSignature(lines, &roles, from: signatureFrom)
        Self.keepAnswered(lines, &roles)
        return ReplyText(
            visible: Self.joined(lines, roles, .visible), signature: Self.joined(lines, roles, .signature),
            quoted: Self.joined(lines, roles, .quoted))
    }

    /// The lines of a text; the rest of an overlong one is left out.
    private static func lines(_ text: String) -> [Substring] {
        let lines = text.lines(upTo: Self.lineLimit)
        return lines.count > Self.lineLimit ? lines.dropLast() : lines
    }

    // MARK: - Quotes

    private static func markQuotes(_ lines: [ReplyLine], _ roles: inout [Role]) {
        var index = 0
        var hasText = false
        var attempts = 0
        let lastQuoted = lines.lastIndex(where: \.isQuoted) ?? -1
        while index < lines.count {
            if lines[index].isQuoted {
                roles[index] = .quoted
                index += 1
                continue
            }
            if lines[index].isBlank {
                index += 1
                continue
            }
            guard attempts < Self.attemptLimit, ReplyMarks.mayAnnounce(lines[index]) else {
                index += 1
                hasText = true
                continue
            }
            attempts += 1
            if let length = ReplyMarks.separator(lines, at: index) {
                // With nothing before it the mail is a forward: its header goes, its text is what there is to read.
                let end = hasText ? lines.count : index + length
                for line in index..<end { roles[line] = .quoted }
                index = end
                continue
            }
            if let length = ReplyMarks.attribution(lines, at: index) {
                let next = Self.nextText(lines, from: index + length)
                if next == lines.count || lines[next].isQuoted {
                    for line in index..<min(index + length, lines.count) { roles[line] = .quoted }
                    index += length
                    continue
                }
                if hasText {
                    for rest in index..<lines.count { roles[rest] = .quoted }
                    return
                }
                // At the top with the answer right below it: only the line itself goes.
                if index + length <= lastQuoted {
                    for line in index..<(index + length) { roles[line] = .quoted }
                    index += length
                    continue
                }
            }
            hasText = true
            index += 1
        }
    }

    /// A quotation with answers on both sides is part of what the sender says: it shows what each answer is about.
    private static func keepAnswered(_ lines: [ReplyLine], _ roles: inout [Role]) {
        let first = lines.indices.first { roles[$0] == .visible && !lines[$0].isBlank } ?? 0
        let last = lines.indices.last { roles[$0] == .visible && !lines[$0].isBlank } ?? 0
        var isAttributed = false
        for index in lines.indices where index > first && index < last && !lines[index].isBlank {
            // A whole mail below its attribution is history, whatever follows it.
            if !lines[index].isQuoted { isAttributed = roles[index] == .quoted }
            if lines[index].isQuoted, !isAttributed { roles[index] = .visible }
        }
    }

    private static func nextText(_ lines: [ReplyLine], from start: Int) -> Int {
        var index = start
        while index < lines.count, lines[index].isBlank { index += 1 }
        return index
    }

    private static func hasText(_ lines: [ReplyLine], _ roles: [Role], before end: Int) -> Bool {
        lines.indices.prefix(end).contains { roles[$0] == .visible && !lines[$0].isBlank }
    }

    // MARK: - Signature

    private static func markSignature(_ lines: [ReplyLine], _ roles: inout [Role], from marked: Int?) {
        var start: Int?
        if let marked, roles.indices.contains(marked), Self.hasText(lines, roles, before: marked) { start = marked }
        let visible = lines.indices.filter { roles[$0] == .visible && !lines[$0].isBlank }
        for (number, index) in visible.enumerated() {
            if let first = start, first <= index { break }
            if number > 0, ReplyMarks.isSignatureStart(lines, at: index, remaining: visible.count - number) {
                start = index
                break
            }
        }
        if let first = start, let name = ReplyMarks.nameLine(lines, above: first, { roles[$0] == .visible }) {
            start = name
        }
        if start == nil { start = ReplyMarks.contactBlock(lines, { roles[$0] == .visible }) }
        guard let start, Self.hasText(lines, roles, before: start) else { return }
        for index in start..<lines.count where roles[index] == .visible { roles[index] = .signature }
    }

    // MARK: - Result

    private static func joined(_ lines: [ReplyLine], _ roles: [Role], _ role: Role) -> String {
        guard roles.contains(role) else { return "" }
        var text = ""
        var isFirst = true
        var isAfterEmpty = false
        var gap = false
        for index in lines.indices {
            guard roles[index] == role else {
                gap = true
                continue
            }
            if !isFirst { text += gap && !isAfterEmpty ? "\n\n" : "\n" }
            gap = false
            text += lines[index].text
            isFirst = false
            isAfterEmpty = lines[index].text.isEmpty
        }
        return Self.trimmed(text)
    }

    /// Without blank lines at both ends and blanks at the end.
    private static func trimmed(_ text: String) -> String {
        let bytes = text.utf8Span.span
        var start = 0
        var end = bytes.count
        while end > 0, bytes[end - 1] <= 0x20 { end -= 1 }
        var position = 0
        while position < end, bytes[position] <= 0x20 {
            if bytes[position] == 0x0A { start = position + 1 }
            position += 1
        }
        guard start > 0 || end < bytes.count else { return text }
        let first = text.utf8.index(text.startIndex, offsetBy: start)
        return String(text[first..<text.utf8.index(first, offsetBy: end - start)])
    }
}

/// One line and what can be said of it without its neighbours.
struct ReplyLine {
    /// As it stands, without CR; empty for a line that shows nothing.
    let text: Substring
    /// Trimmed and cut after 1,000 octets, for looking at.
    let content: Substring
    /// Lower case of `content`.
    let lower: Substring
    let isQuoted: Bool
    /// Whether a word for "wrote" stands in it.
    let hasVerb: Bool
    let hasAt: Bool

    var isBlank: Bool { self.content.isEmpty }

    init(_ line: Substring) {
        let shape = Shape(line)
        let text = Self.cut(line, 0, shape.length)
        var content = Self.cut(line, shape.start, shape.end)
        // U+1427 is the mark that a read-receipt extension leaves behind.
        if shape.first >= 0x80,
            content.unicodeScalars.allSatisfy({ [0xA0, 0x200B, 0xFEFF, 0x1427].contains($0.value) })
        {
            content = ""
        }
        self.content = content
        self.text = content.isEmpty ? "" : text
        // `>:` and `> wrote:` are the rest of an attribution that was wrapped inside the brackets.
        let isRest =
            shape.first == 0x3E
            && (content == ">:" || (content.utf8.count < 12 && content.ends(with: "wrote:")))
        self.isQuoted =
            (shape.first == 0x3E && !isRest) || (shape.first == 0x7C && content.begins(with: "|>"))
            || (shape.first >= 0x80 && content.begins(with: "＞"))
        // Nobody looks at the words of quoted lines.
        if self.isQuoted || (shape.isASCII && !shape.hasCapitals) {
            self.lower = content
        } else {
            self.lower = shape.isASCII ? String(content).lowercasedASCII()[...] : content.lowercased()[...]
        }
        self.hasVerb = !self.isQuoted && ReplyMarks.verbSet.matches(self.lower)
        self.hasAt = shape.hasAt
    }

    private static func cut(_ line: Substring, _ start: Int, _ end: Int) -> Substring {
        let bytes = line.utf8
        let first = bytes.index(bytes.startIndex, offsetBy: start)
        return line[first..<bytes.index(first, offsetBy: end - start)]
    }

    /// What one pass over the octets tells.
    private struct Shape {
        /// Without CR.
        var length: Int
        var start = 0
        var end: Int
        var first: UInt8 = 0
        var isASCII = true
        var hasCapitals = false
        var hasAt = false

        init(_ line: Substring) {
            let bytes = line.utf8Span.span
            self.length = bytes.count
            if self.length > 0, bytes[self.length - 1] == 0x0D { self.length -= 1 }
            while self.start < self.length, bytes[self.start] <= 0x20 { self.start += 1 }
            self.end = self.length
            if self.end > self.start + 1_000 {
                self.end = self.start + 1_000
                while bytes[self.end] & 0xC0 == 0x80 { self.end -= 1 }
            }
            while self.end > self.start, bytes[self.end - 1] <= 0x20 { self.end -= 1 }
            guard self.start < self.end else { return }
            self.first = bytes[self.start]
            for position in self.start..<self.end {
                let byte = bytes[position]
                if byte >= 0x80 { self.isASCII = false }
                if byte >= 0x41, byte <= 0x5A { self.hasCapitals = true }
                if byte == 0x40 { self.hasAt = true }
            }
        }
    }
}
