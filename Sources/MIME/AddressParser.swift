internal import DeskModel

/// Reads an address field in one pass with a flat state, so that no nesting of groups or comments can exhaust a stack.
///
/// RFC 5322 §3.4, read liberally: unbalanced quotes, missing brackets, names with commas in encoded words.
struct AddressParser {
    /// What is read of one field at most.
    static let limit = 1_000

    /// One mailbox while it is being read.
    private struct Element {
        /// Text outside brackets and comments, quotes kept.
        var raw: [UInt8] = []
        /// The same without quotes.
        var shown: [UInt8] = []
        var comment: [UInt8] = []
        var angle: [UInt8]?
        var hasAt = false

        mutating func append(_ byte: UInt8, isShown: Bool = true) {
            self.raw.append(byte)
            if isShown { self.shown.append(byte) }
            if byte == 0x40 { self.hasAt = true }
        }
    }

    private(set) var mailboxes: [WrittenAddress] = []
    private(set) var repair: String?
    private var element = Element()

    init(_ value: [UInt8]) {
        if !self.read(value, honoursQuotes: true) {
            self.mailboxes = []
            self.element = Element()
            self.repair = "unbalanced quote in an address field"
            _ = self.read(value, honoursQuotes: false)
        }
    }

    /// - Returns: false when a quote is left open.
    private mutating func read(_ value: [UInt8], honoursQuotes: Bool) -> Bool {
        var index = 0
        var isQuoted = false
        var commentDepth = 0
        var inAngle = false
        while index < value.count {
            let byte = value[index]
            if isQuoted {
                if byte == 0x5C, index + 1 < value.count {
                    index += 1
                    self.put(0x5C, inAngle, isShown: false)
                    self.put(value[index], inAngle)
                } else if byte == 0x22 {
                    isQuoted = false
                    self.put(byte, inAngle, isShown: false)
                } else {
                    self.put(byte, inAngle)
                }
            } else if commentDepth > 0 {
                if byte == 0x28 { commentDepth += 1 }
                if byte == 0x29 { commentDepth -= 1 }
                if commentDepth > 0 { self.element.comment.append(byte) }
            } else if byte == 0x22, honoursQuotes {
                isQuoted = true
                self.put(byte, inAngle, isShown: false)
            } else if byte == 0x28 {
                commentDepth = 1
                if !self.element.comment.isEmpty { self.element.comment.append(0x20) }
            } else if inAngle {
                if byte == 0x3E { inAngle = false } else { self.element.angle?.append(byte) }
            } else if byte == 0x3C {
                // A second bracket wins only when the first held nothing of use.
                if self.element.angle?.contains(0x40) == true {
                    self.element.append(byte)
                } else {
                    inAngle = true
                    if let earlier = self.element.angle { self.element.shown += earlier }
                    self.element.angle = []
                }
            } else if byte == 0x2C || byte == 0x3B {
                self.finish()
            } else if byte == 0x3A, !self.element.hasAt {
                self.startGroup()
            } else if byte == 0x3D, let end = EncodedWords.wordEnd(value, at: index) {
                self.element.raw += value[index..<end]
                self.element.shown += value[index..<end]
                index = end
                continue
            } else {
                self.element.append(byte)
            }
            if self.mailboxes.count >= Self.limit {
                self.repair = "more than 1,000 addresses; the rest left out"
                return true
            }
            index += 1
        }
        self.finish()
        return !isQuoted
    }

    private mutating func put(_ byte: UInt8, _ inAngle: Bool, isShown: Bool = true) {
        if inAngle { self.element.angle?.append(byte) } else { self.element.append(byte, isShown: isShown) }
    }

    /// `name:` opens a group, whose name is of no use; nesting needs no stack since nothing is kept of it.
    private mutating func startGroup() {
        self.element = Element()
    }

    private mutating func finish() {
        defer { self.element = Element() }
        let comment = Self.text(self.element.comment)
        if let angle = self.element.angle {
            let address = Self.address(angle)
            let shown = Self.text(self.element.shown)
            if address.isEmpty, shown.contains("@"), !shown.contains(" ") {
                self.mailboxes.append(WrittenAddress(name: comment, address: shown))
            } else if !address.isEmpty || !shown.isEmpty {
                self.mailboxes.append(WrittenAddress(name: shown.isEmpty ? comment : shown, address: address))
            }
            return
        }
        let raw = Self.text(self.element.raw)
        guard !raw.isEmpty else { return }
        let words = raw.split(separator: " ")
        if let last = words.last, words.count > 1, last.contains("@"), !raw.hasPrefix("\"") {
            // `Some Name user@host` without brackets.
            self.mailboxes.append(
                WrittenAddress(name: words.dropLast().joined(separator: " "), address: Self.address(Array(last.utf8))))
        } else if words.count > 1, !raw.contains("@") {
            self.mailboxes.append(WrittenAddress(name: Self.text(self.element.shown), address: ""))
        } else {
            self.mailboxes.append(WrittenAddress(name: comment, address: Self.address(Array(raw.utf8))))
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        var previous: UInt8 = 0x20
        let isClean = bytes.allSatisfy { byte in
            defer { previous = byte }
            return byte >= 0x20 && byte < 0x7F && byte != 0x3D && !(byte == 0x20 && previous == 0x20)
        }
        if isClean {
            return String(decoding: bytes.last == 0x20 ? bytes.dropLast() : bytes[...], as: UTF8.self)
        }
        let decoded = EncodedWords.decode(bytes).text
        return decoded.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    }

    private static func address(_ bytes: [UInt8]) -> String {
        var text = String(decoding: bytes, as: UTF8.self)
        let isPlain = bytes.allSatisfy { byte in
            (byte >= 0x2B && byte <= 0x39 && byte != 0x2C) || (byte >= 0x40 && byte <= 0x5A)
                || (byte >= 0x5E && byte <= 0x7A)
        }
        if isPlain, bytes.first != 0x40 { return text }
        if text.holds("=?") { text = EncodedWords.decode(bytes).text }
        if !text.holds("\""), text.contains(where: \.isWhitespace) {
            // Blanks around the parts are noise; a local part of several words is no address, and shown as it is.
            let words = text.split(whereSeparator: \.isWhitespace)
            let isNoise =
                words.count <= 3
                && words.contains { $0.hasPrefix("@") || $0.hasSuffix("@") || $0.hasPrefix(".") || $0.hasSuffix(".") }
            text = words.joined(separator: isNoise ? "" : " ")
        }
        if text.lowercased().hasPrefix("mailto:") { text = String(text.dropFirst(7)) }
        if text.hasPrefix("@"), let colon = text.lastIndex(of: ":") { text = String(text[text.index(after: colon)...]) }
        return text.trimmingCharacters { $0 == "<" || $0 == ">" || $0 == " " || $0 == "'" }
    }
}

extension StringProtocol {
    func trimmingCharacters(where isTrimmed: (Character) -> Bool) -> String {
        var text = self[self.startIndex..<self.endIndex]
        while let first = text.first, isTrimmed(first) { text.removeFirst() }
        while let last = text.last, isTrimmed(last) { text.removeLast() }
        return String(text)
    }
}
