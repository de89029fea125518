/// Cuts the byte stream of an IMAP server into responses, counting off literals instead of reading them.
///
/// Memory stays bounded whatever the server sends; a literal's length is checked before its first octet is awaited.
struct ResponseFramer {
    private let limits: IMAPLimits
    private(set) var buffer: [UInt8] = []
    /// Where the unfinished response begins.
    private var start = 0
    /// Up to here the response has been looked at; may lie beyond the buffer within a literal.
    private var scan = 0
    /// Octets of the unfinished response that belong to literals.
    private var literalBytes = 0
    /// Octets of the whole stream that have been handed out.
    private(set) var consumed = 0

    init(limits: IMAPLimits) { self.limits = limits }

    var hasUnreadBytes: Bool { self.start < self.buffer.count }

    mutating func append(_ bytes: [UInt8]) {
        if self.start == self.buffer.count {
            self.scan -= self.start
            self.start = 0
            // Keep the memory for the next response, unless one large mail made it grow.
            self.buffer.removeAll(keepingCapacity: self.buffer.capacity <= 4 << 20)
        } else if self.start > 256 << 10, self.start > self.buffer.count / 2 {
            self.buffer.removeFirst(self.start)
            self.scan -= self.start
            self.start = 0
        }
        self.buffer.append(contentsOf: bytes)
    }

    /// The next whole response, with its line end; nil when more octets are needed.
    /// - Throws: `.protocolViolation` past a limit or on a malformed literal.
    mutating func next() throws(MailError) -> Range<Int>? {
        while self.scan < self.buffer.count {
            let lineFeed = self.buffer[self.scan...].firstIndex(of: 0x0A)
            let text = (lineFeed ?? self.buffer.count) - self.start - self.literalBytes
            guard text <= self.limits.line || text <= self.lineLimit else {
                throw MailError(.protocolViolation, "a line is too long")
            }
            guard let lineFeed else {
                // A literal's announcement may be cut anywhere: look at the whole line again, or only at what is new.
                self.scan = self.buffer.count
                return nil
            }
            if let length = try self.literalLength(before: lineFeed) {
                self.literalBytes += length
                self.scan = lineFeed + 1 + length
                continue
            }
            let range = self.start..<(lineFeed + 1)
            self.consumed += range.count
            self.start = range.upperBound
            self.scan = range.upperBound
            self.literalBytes = 0
            return range
        }
        return nil
    }

    private var lineLimit: Int {
        let search = Array("* SEARCH".utf8)
        let esearch = Array("* ESEARCH".utf8)
        let line = self.buffer[self.start...]
        return line.starts(with: search) || line.starts(with: esearch) ? self.limits.searchLine : self.limits.line
    }

    /// The length that `{n}` right before the line end announces; nil when there is none.
    private func literalLength(before lineFeed: Int) throws(MailError) -> Int? {
        var at = lineFeed - 1
        if at >= self.start, self.buffer[at] == 0x0D { at -= 1 }
        guard at > self.start, self.buffer[at] == 0x7D, !self.isHumanText else { return nil }
        at -= 1
        var digits: [UInt8] = []
        while at > self.start, self.buffer[at] != 0x7B {
            // Twenty digits are past any limit already.
            guard digits.count < 20 else { throw MailError(.protocolViolation, "a literal has no sound length") }
            digits.append(self.buffer[at])
            at -= 1
        }
        guard self.buffer[at] == 0x7B, !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw MailError(.protocolViolation, "a literal has no sound length")
        }
        let length = Int(String(decoding: digits.reversed(), as: UTF8.self))
        guard let length, length <= self.limits.literal, self.literalBytes + length <= 2 * self.limits.literal else {
            throw MailError(.protocolViolation, "a literal is larger than allowed")
        }
        return length
    }

    /// Status responses end in words for people, which announce no literal whatever they look like.
    private var isHumanText: Bool {
        let line = self.buffer[self.start...].prefix(10)
        guard line.first == 0x2A else { return true }
        return ["* OK ", "* NO ", "* BAD ", "* BYE ", "* PREAUTH "].contains { line.starts(with: $0.utf8) }
    }
}
