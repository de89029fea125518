/// HTML of a mail as plain text for people and models, in one pass that is linear in the length whatever the input is.
///
/// Keeps lists, links (`text <url>` where they differ), the order of tables and quotation (`> `); drops scripts,
/// styles, the head, tracking pixels and what a reader does not see, and reports the last.
package enum HTMLText {
    package struct Rendered: Sendable, Hashable {
        /// LF line ends, no trailing blanks, at most one empty line in a row.
        package var text: String
        /// Whether there was text that a reader does not see; a sign of planted instructions.
        package var hasHiddenText: Bool
        /// Octet offset in `text` from which on everything is what an earlier mail said, by the mail program's own
        /// mark; nil when there is no such mark.
        package var quoteStart: Int?
        /// Octet offset in `text` of the marked signature; nil when there is none.
        package var signatureStart: Int?
    }

    /// Renders a document or a fragment of any quality.
    package static func render(_ html: String) -> Rendered {
        var scanner = HTMLScanner(Array(html.utf8))
        var renderer = HTMLRenderer()
        while let token = scanner.next() { renderer.take(token) }
        return renderer.finish()
    }
}

/// Cuts HTML into tokens. Unclosed constructs end at the end of the input.
struct HTMLScanner {
    struct Tag {
        /// Lower case.
        var name: String
        var isEnd: Bool
        /// Octets between name and `>`.
        var attributes: ArraySlice<UInt8>
    }

    enum Token {
        case text(ArraySlice<UInt8>)
        case tag(Tag)
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> Token? {
        while self.position < self.bytes.count {
            let start = self.position
            if self.bytes[start] != 0x3C || !self.opensMarkup(start) {
                self.position = start + 1
                while self.position < self.bytes.count, self.bytes[self.position] != 0x3C { self.position += 1 }
                return .text(self.bytes[start..<self.position])
            }
            if self.bytes[start + 1] == 0x21 {
                self.skipDeclaration()
            } else if self.bytes[start + 1] == 0x3F {
                self.position = self.index(of: 0x3E, from: start) + 1
            } else if let tag = self.tag() {
                return .tag(tag)
            }
        }
        return nil
    }

    private func opensMarkup(_ start: Int) -> Bool {
        guard start + 1 < self.bytes.count else { return false }
        let next = self.bytes[start + 1]
        return next == 0x21 || next == 0x2F || next == 0x3F || (next | 0x20 >= 0x61 && next | 0x20 <= 0x7A)
    }

    private func index(of byte: UInt8, from start: Int) -> Int {
        var index = start
        while index < self.bytes.count, self.bytes[index] != byte { index += 1 }
        return index
    }

    /// Comments, also conditional ones, and doctypes.
    private mutating func skipDeclaration() {
        let start = self.position
        guard start + 3 < self.bytes.count, self.bytes[start + 2] == 0x2D, self.bytes[start + 3] == 0x2D else {
            self.position = self.index(of: 0x3E, from: start) + 1
            return
        }
        var index = start + 4
        // `<!-->` and `<!--->` are whole comments.
        if index < self.bytes.count, self.bytes[index] == 0x3E { self.position = index + 1; return }
        while index + 2 < self.bytes.count {
            if self.bytes[index] == 0x2D, self.bytes[index + 1] == 0x2D, self.bytes[index + 2] == 0x3E {
                self.position = index + 3
                return
            }
            index += 1
        }
        self.position = self.bytes.count
    }

    private mutating func tag() -> Tag? {
        var index = self.position + 1
        let isEnd = self.bytes[index] == 0x2F
        if isEnd { index += 1 }
        let nameStart = index
        while index < self.bytes.count, self.bytes[index] > 0x20, self.bytes[index] != 0x3E, self.bytes[index] != 0x2F {
            index += 1
        }
        let name = String(decoding: self.bytes[nameStart..<min(index, nameStart + 32)], as: UTF8.self).lowercasedASCII()
        let attributesStart = index
        var quote: UInt8 = 0
        var closing = index
        while closing < self.bytes.count {
            let byte = self.bytes[closing]
            if quote != 0 {
                if byte == quote { quote = 0 }
            } else if byte == 0x3E {
                break
            } else if (byte == 0x22 || byte == 0x27), self.bytes[closing - 1] == 0x3D {
                quote = byte
            }
            closing += 1
        }
        if closing == self.bytes.count {
            // A quote that is never closed: the tag ends at the first `>`.
            closing = self.index(of: 0x3E, from: attributesStart)
            self.position = closing + 1
            if closing == self.bytes.count { return nil }
        }
        self.position = closing + 1
        let tag = Tag(name: name, isEnd: isEnd, attributes: self.bytes[attributesStart..<closing])
        if !isEnd { self.skipRaw(name) }
        return tag
    }

    /// The content of elements that hold no markup, up to their end tag.
    private mutating func skipRaw(_ name: String) {
        switch name {
        case "script", "style", "title": break
        default: return
        }
        let wanted = Array("</\(name)".utf8)
        var index = self.position
        while index + wanted.count <= self.bytes.count {
            if self.bytes[index] == 0x3C, self.bytes[index + 1] == 0x2F,
                wanted.indices.allSatisfy({ self.bytes[index + $0] | ($0 < 2 ? 0 : 0x20) == wanted[$0] })
            {
                self.position = index
                return
            }
            index += 1
        }
        self.position = self.bytes.count
    }
}

extension HTMLScanner.Tag {
    /// The attributes that tell what an element is to a reader, found in one pass; empty where missing.
    struct Marks {
        var id = ""
        var names = ""
        /// Lower case, without blanks.
        var style = ""
        var isHidden = false
    }

    var marks: Marks {
        var marks = Marks()
        guard self.attributes.contains(where: { $0 > 0x20 }) else { return marks }
        var bytes = self.attributes
        while let found = Self.nextAttribute(&bytes) {
            switch (found.name.count, found.name.first.map { $0 | 0x20 } ?? 0) {
            case (2, 0x69): marks.id = Self.text(found.value).lowercasedASCII()
            case (5, 0x63): marks.names = Self.text(found.value).lowercasedASCII()
            case (5, 0x73):
                marks.style = String(decoding: Self.style(found.value), as: UTF8.self)
            case (6, 0x68): marks.isHidden = marks.isHidden || Self.text(found.name).lowercased() == "hidden"
            default: continue
            }
        }
        return marks
    }

    private static func style(_ value: ArraySlice<UInt8>) -> [UInt8] {
        var style: [UInt8] = []
        style.reserveCapacity(value.count)
        for byte in value where byte > 0x20 { style.append(byte.lowercasedASCII) }
        return style
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// The value of an attribute (name in lower case), entities decoded; nil when it is missing.
    func attribute(_ wanted: String) -> String? {
        var bytes = self.attributes
        while let found = Self.nextAttribute(&bytes) {
            guard found.name.count == wanted.utf8.count, zip(found.name, wanted.utf8).allSatisfy({ $0 | 0x20 == $1 })
            else {
                continue
            }
            var decoded: [UInt8] = []
            HTMLEntities.append(found.value, to: &decoded)
            return String(decoding: decoded, as: UTF8.self)
        }
        return nil
    }

    /// Takes the first attribute off; nil at the end.
    private static func nextAttribute(_ bytes: inout ArraySlice<UInt8>) -> (
        name: ArraySlice<UInt8>, value: ArraySlice<UInt8>
    )? {
        var index = bytes.startIndex
        while index < bytes.endIndex, bytes[index] <= 0x20 || bytes[index] == 0x2F || bytes[index] == 0x3D {
            index += 1
        }
        guard index < bytes.endIndex else { return nil }
        let start = index
        while index < bytes.endIndex, bytes[index] > 0x20, bytes[index] != 0x3D { index += 1 }
        let name = bytes[start..<index]
        while index < bytes.endIndex, bytes[index] <= 0x20 { index += 1 }
        var value = bytes[index..<index]
        if index < bytes.endIndex, bytes[index] == 0x3D {
            index += 1
            while index < bytes.endIndex, bytes[index] <= 0x20 { index += 1 }
            let quote: UInt8 = index < bytes.endIndex ? bytes[index] : 0
            let isQuoted = quote == 0x22 || quote == 0x27
            if isQuoted { index += 1 }
            let first = index
            while index < bytes.endIndex, isQuoted ? bytes[index] != quote : bytes[index] > 0x20 { index += 1 }
            value = bytes[first..<index]
            if isQuoted, index < bytes.endIndex { index += 1 }
        }
        bytes = bytes[index...]
        return (name, value)
    }
}
