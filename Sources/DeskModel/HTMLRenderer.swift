/// Turns HTML tokens into text: block elements to lines, quotation to `> `, the unseen to nothing.
struct HTMLRenderer {
    private struct Element {
        let name: String
        let kind: HTMLElementKind
        var isHidden = false
        var isQuote = false
        var isPreformatted = false
        var link: Link?
        var list: ListState?
    }

    private struct Link {
        let url: String
        let textStart: Int
    }

    private struct ListState {
        /// nil for bullets, else the next number.
        var number: Int?
    }

    private var output: [UInt8] = []
    private var stack: [Element] = []
    private var hiddenDepth = 0
    private var unseenDepth = 0
    private var quoteDepth = 0
    private var preformattedDepth = 0
    private var newlines = 0
    private var wantsSpace = false
    /// The quote depth of the line that is being written.
    private var lineDepth = 0
    private var hasHiddenText = false
    private var quoteStart: Int?
    private var signatureStart: Int?
    private var wantsQuoteMark = false
    private var wantsSignatureMark = false

    mutating func take(_ token: HTMLScanner.Token) {
        switch token {
        case .text(let bytes): self.text(bytes)
        case .tag(let tag) where tag.isEnd: self.close(tag.name)
        case .tag(let tag): self.open(tag)
        }
    }

    mutating func finish() -> HTMLText.Rendered {
        while let last = self.output.last, last <= 0x20 { self.output.removeLast() }
        return HTMLText.Rendered(
            text: String(decoding: self.output, as: UTF8.self), hasHiddenText: self.hasHiddenText,
            quoteStart: self.quoteStart.map { min($0, self.output.count) },
            signatureStart: self.signatureStart.map { min($0, self.output.count) })
    }

    // MARK: - Elements

    private mutating func open(_ tag: HTMLScanner.Tag) {
        let name = tag.name
        if name == "br" {
            if self.isSeen { self.newlines += 1; self.wantsSpace = false }
            return
        }
        let kind = HTMLElementKind.of(name)
        if kind.contains(.block) { self.breakLine(kind.contains(.spaced) ? 2 : 1) }
        if name == "td" || name == "th" { self.wantsSpace = true }
        if name == "img" { self.image(tag) }
        let marks = tag.marks
        if name == "hr" { self.mark(tag, marks) }
        // A new item ends the one before it; few close their `li`.
        if name == "li", self.stack.last?.name == "li" { self.close("li") }
        if name == "p", self.stack.last?.name == "p" { self.close("p") }
        guard !kind.contains(.void), self.stack.count < 20_000 else { return }
        var element = Element(name: name, kind: kind)
        if kind.contains(.unseen) {
            self.unseenDepth += 1
        } else if Self.isHidden(marks) {
            element.isHidden = true
            self.hiddenDepth += 1
        }
        if self.isSeen { self.openSeen(tag, marks, &element) }
        self.stack.append(element)
    }

    private mutating func openSeen(_ tag: HTMLScanner.Tag, _ marks: HTMLScanner.Tag.Marks, _ element: inout Element) {
        switch tag.name {
        case "a":
            if let url = tag.attribute("href") { element.link = Link(url: url, textStart: self.output.count) }
        case "ul": element.list = ListState(number: nil)
        case "ol": element.list = ListState(number: Int(tag.attribute("start") ?? "1") ?? 1)
        case "li": self.bullet()
        case "pre":
            element.isPreformatted = true
            self.preformattedDepth += 1
        case "blockquote":
            element.isQuote = true
        default: break
        }
        self.mark(tag, marks)
        if Self.isQuoteContainer(tag, marks) { element.isQuote = true }
        if element.isQuote {
            self.breakLine(1)
            self.quoteDepth += 1
        }
    }

    private mutating func close(_ name: String) {
        if name == "br" || name == "p", !self.stack.suffix(64).contains(where: { $0.name == name }) {
            if self.isSeen { self.newlines += 1 }
            return
        }
        guard let depth = self.stack.suffix(64).lastIndex(where: { $0.name == name }) else { return }
        // A stray end tag of a span must not close a table.
        let kind = self.stack[depth].kind
        if !kind.contains(.block), self.stack[(depth + 1)...].contains(where: { $0.kind.contains(.block) }),
            !self.stack[depth].isHidden, !kind.contains(.unseen), name != "a"
        {
            return
        }
        while self.stack.count > depth { self.end(self.stack.removeLast()) }
    }

    private mutating func end(_ element: Element) {
        if let link = element.link { self.appendURL(link) }
        if element.kind.contains(.unseen) { self.unseenDepth -= 1 }
        if element.isHidden { self.hiddenDepth -= 1 }
        if element.isPreformatted { self.preformattedDepth -= 1 }
        if element.kind.contains(.block) { self.breakLine(element.kind.contains(.spaced) ? 2 : 1) }
        if element.isQuote {
            self.breakLine(1)
            self.quoteDepth -= 1
        }
        if element.name == "td" || element.name == "th" { self.wantsSpace = true }
    }

    private var isSeen: Bool { self.hiddenDepth == 0 && self.unseenDepth == 0 }

    private mutating func bullet() {
        self.breakLine(1)
        var text = "- "
        let from = self.stack.count - min(self.stack.count, 16)
        if let index = self.stack[from...].lastIndex(where: { $0.list != nil }),
            let number = self.stack[index].list?.number
        {
            text = "\(number). "
            self.stack[index].list?.number = number &+ 1
        }
        self.flush()
        self.output += text.utf8
    }

    private mutating func image(_ tag: HTMLScanner.Tag) {
        guard self.isSeen, let alt = tag.attribute("alt"), alt.contains(where: \.isLetter), alt.utf8.count < 200 else {
            return
        }
        // Pixels that report that a mail was read.
        for side in ["width", "height"] {
            if let size = tag.attribute(side), let pixels = Int(size.prefix { $0.isNumber }), pixels <= 2 { return }
        }
        if Self.isHidden(tag.marks) { return }
        self.wantsSpace = true
        self.flush()
        self.output += "[\(alt)]".utf8.map { $0 < 0x20 ? 0x20 : $0 }
        self.wantsSpace = true
    }

    private mutating func appendURL(_ link: Link) {
        let url = link.url.utf8.prefix(2_000).filter { $0 > 0x20 && $0 != 0x3C && $0 != 0x3E }
        guard self.isSeen, url.starts(with: "http".utf8), link.textStart <= self.output.count else { return }
        let text = self.output[link.textStart...].filter { $0 > 0x20 }
        guard !text.isEmpty, !Self.saysTheSame(Array(text), url) else { return }
        guard let shown = Self.shown(url) else { return }
        self.output += [0x20, 0x3C] + shown + [0x3E]
    }

    /// What of a link is worth reading: nothing where the host has no dot, since that leads nowhere outside the sender's own
    /// network, and only the host where the rest is long enough to be meant for machines.
    private static func shown(_ url: [UInt8]) -> [UInt8]? {
        guard let scheme = url.firstIndex(of: 0x3A), url[scheme...].starts(with: "://".utf8) else { return nil }
        let end = url[(scheme + 3)...].firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 } ?? url.endIndex
        guard url[(scheme + 3)..<end].contains(where: { $0 == 0x2E || $0 == 0x5D }) else { return nil }
        return url.count <= Self.urlLimit ? url : Array(url[..<end]) + Array("/…".utf8)
    }

    /// Octets of a link that are shown in full.
    private static let urlLimit = 100

    private static func saysTheSame(_ text: [UInt8], _ url: [UInt8]) -> Bool {
        func bare(_ bytes: [UInt8]) -> [UInt8] {
            var slice = bytes[...]
            for prefix in ["https://", "http://", "www."] where slice.starts(with: prefix.utf8) {
                slice = slice.dropFirst(prefix.utf8.count)
            }
            while slice.last == 0x2F { slice.removeLast() }
            return slice.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        }
        return bare(text) == bare(url)
    }

    // MARK: - Marks of mail programs

    private static let hiddenStyles = PhraseSet(["display:none", "visibility:hidden", "mso-hide:all"])
    private static let hidingStyles = PhraseSet([
        "display:none", "visibility:hidden", "mso-hide:all", "font-size", "max-height", "max-width", "opacity",
    ])

    private static func isHidden(_ marks: HTMLScanner.Tag.Marks) -> Bool {
        if marks.isHidden { return true }
        let plain = marks.style
        guard !plain.isEmpty else { return false }
        guard let sign = Self.hidingStyles.first(in: plain) else { return false }
        if sign.utf8.contains(0x3A) || Self.hiddenStyles.matches(plain) { return true }
        for declaration in plain.split(separator: ";") {
            guard let colon = declaration.firstIndex(of: ":") else { continue }
            let value = declaration[declaration.index(after: colon)...]
            switch declaration[..<colon] {
            case "font-size", "max-height", "max-width", "opacity":
                let number = value.prefix { $0.isNumber || $0 == "." }
                if let size = Double(number),
                    size == 0 || (declaration.hasPrefix("font-size") && size < 2 && value.hasSuffix("px"))
                {
                    return true
                }
            default: continue
            }
        }
        return false
    }

    /// Elements that hold an earlier mail with its attribution.
    private static func isQuoteContainer(_ tag: HTMLScanner.Tag, _ marks: HTMLScanner.Tag.Marks) -> Bool {
        guard tag.name == "div" || tag.name == "span" || tag.name == "section" else { return false }
        guard !marks.names.isEmpty || !marks.id.isEmpty else { return false }
        let names = marks.names + " " + marks.id
        return Self.quoteNames.matches(names)
    }

    private static let quoteNames = PhraseSet([
        "gmail_quote", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "gmail_attr", "tutanota_quote",
        "zmail_extra",
    ])
    private static let replyNames = PhraseSet([
        "divrplyfwdmsg", "appendonsend", "stopspelling", "ymail_android_signature_quote",
        "mail-editor-reference-message-container",
    ])

    private mutating func mark(_ tag: HTMLScanner.Tag, _ marks: HTMLScanner.Tag.Marks) {
        let id = marks.id
        let style = marks.style
        let names = marks.names
        guard !id.isEmpty || !style.isEmpty || !names.isEmpty else { return }
        if Self.replyNames.matches(id) || id.hasPrefix("olk_src_body_section") || names.holds("olk_src_body_section")
            || (tag.name == "div" && Self.isReplyRule(style))
        {
            self.wantsQuoteMark = self.quoteStart == nil
        }
        if names.holds("gmail_signature") || names.holds("moz-signature") || id == "signature"
            || id.hasSuffix("_signature")
        {
            self.wantsSignatureMark = self.signatureStart == nil
        }
    }

    /// The thin line on top that Outlook draws over the mail it answers.
    private static func isReplyRule(_ style: String) -> Bool {
        style.holds("border:none") && style.holds("border-top:solid#")
            && (style.holds("1.0pt") || style.holds("1pt")) && style.holds("padding:3")
    }

    // MARK: - Text

    private mutating func breakLine(_ count: Int) {
        guard self.isSeen else { return }
        self.newlines = max(self.newlines, count)
        self.wantsSpace = false
    }

    private mutating func text(_ bytes: ArraySlice<UInt8>) {
        guard self.unseenDepth == 0 else { return }
        guard self.hiddenDepth == 0 else {
            if !self.hasHiddenText {
                var decoded: [UInt8] = []
                HTMLEntities.append(bytes.prefix(4_096), to: &decoded)
                self.hasHiddenText = String(decoding: decoded, as: UTF8.self).unicodeScalars.contains {
                    $0.properties.isAlphabetic
                }
            }
            return
        }
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == 0x26, let (scalar, end) = HTMLEntities.reference(bytes, at: index) {
                index = end
                self.put(scalar)
            } else {
                index += 1
                if byte <= 0x20 {
                    self.blank(byte)
                } else if byte == 0xC2, index < bytes.endIndex, bytes[index] == 0xA0 {
                    index += 1
                    self.put("\u{A0}")
                } else if byte >= 0xC2, let length = Self.invisible(bytes, at: index - 1) {
                    index += length - 1
                } else {
                    self.flush()
                    let start = index - 1
                    while index < bytes.endIndex, bytes[index] > 0x20, bytes[index] < 0xC2, bytes[index] != 0x26 {
                        index += 1
                    }
                    self.output += bytes[start..<index]
                }
            }
        }
    }

    /// The length of a character that shows nothing (soft hyphen, zero width space, byte order mark); nil for others.
    private static func invisible(_ bytes: ArraySlice<UInt8>, at index: Int) -> Int? {
        func byte(_ offset: Int) -> UInt8 { index + offset < bytes.endIndex ? bytes[index + offset] : 0 }
        switch (bytes[index], byte(1), byte(2)) {
        case (0xC2, 0xAD, _): return 2
        case (0xE2, 0x80, 0x8B), (0xE2, 0x80, 0x8C), (0xE2, 0x81, 0xA0), (0xEF, 0xBB, 0xBF): return 3
        default: return nil
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0xA0, 0x09, 0x20:
            if self.newlines == 0 { self.wantsSpace = true }
        case 0x0A, 0x0D: self.blank(0x20)
        case 0xAD, 0x200B, 0x200C, 0xFEFF, 0x034F, 0x2060: break
        default:
            self.flush()
            self.output += Array(String(Character(scalar)).utf8)
        }
    }

    private mutating func blank(_ byte: UInt8) {
        if self.preformattedDepth > 0 {
            if byte == 0x0A { self.newlines += 1 }
            if byte == 0x20 || byte == 0x09 {
                self.flush()
                self.output.append(0x20)
            }
        } else if self.newlines == 0 {
            self.wantsSpace = true
        }
    }

    /// Writes the line breaks and the blank that were asked for before the next character.
    private mutating func flush() {
        guard
            self.newlines > 0 || self.wantsSpace || self.output.isEmpty || self.wantsQuoteMark
                || self.wantsSignatureMark
        else { return }
        let isFirst = self.output.isEmpty
        if self.newlines > 0 || isFirst {
            while self.output.last == 0x20 { self.output.removeLast() }
            if !isFirst {
                let count = min(self.newlines, 2)
                self.output.append(0x0A)
                if count == 2 {
                    self.output += [UInt8](repeating: 0x3E, count: min(self.lineDepth, self.quoteDepth, 20))
                    self.output.append(0x0A)
                }
            }
            if self.wantsQuoteMark { self.quoteStart = self.output.count; self.wantsQuoteMark = false }
            if self.wantsSignatureMark { self.signatureStart = self.output.count; self.wantsSignatureMark = false }
            self.lineDepth = self.quoteDepth
            if self.quoteDepth > 0 {
                self.output += [UInt8](repeating: 0x3E, count: min(self.quoteDepth, 20))
                self.output.append(0x20)
            }
        } else if self.wantsSpace, self.output.last != 0x20, self.output.last != 0x0A {
            self.output.append(0x20)
        }
        if self.wantsQuoteMark { self.quoteStart = self.output.count; self.wantsQuoteMark = false }
        if self.wantsSignatureMark { self.signatureStart = self.output.count; self.wantsSignatureMark = false }
        self.newlines = 0
        self.wantsSpace = false
    }
}
