internal import struct Foundation.Date

/// Reads one framed response. Never traps: every octet is checked, every number is bounded, nesting is limited.
///
/// RFC 3501 §9 and RFC 9051 §9, as liberal as servers need and no further.
struct ResponseParser {
    let bytes: [UInt8]
    let limits: IMAPLimits
    var at: Int
    /// Right behind the last octet before the line end.
    let end: Int

    /// - Parameter range: a whole response with its line end, from `ResponseFramer`.
    static func parse(
        _ bytes: [UInt8], _ range: Range<Int>, limits: IMAPLimits
    ) throws(MailError) -> IMAPResponse {
        var end = range.upperBound - 1
        if end > range.lowerBound, bytes[end - 1] == 0x0D { end -= 1 }
        var parser = ResponseParser(bytes: bytes, limits: limits, at: range.lowerBound, end: end)
        return try parser.response()
    }

    private mutating func response() throws(MailError) -> IMAPResponse {
        switch self.peek {
        case 0x2B:  // +
            self.at += 1
            self.skipSpaces()
            return .continuation(try self.rest())
        case 0x2A:  // *
            self.at += 1
            try self.expect(0x20)
            return try self.untagged()
        default:
            let tag = try self.atom()
            try self.expect(0x20)
            let word = try self.atom().uppercased()
            guard let status = IMAPResponse.Status(rawValue: word), [.ok, .no, .bad].contains(status) else {
                throw self.violation("an answer without OK, NO or BAD")
            }
            return .tagged(tag, status, try self.text())
        }
    }

    private mutating func untagged() throws(MailError) -> IMAPResponse {
        if let byte = self.peek, (0x30...0x39).contains(byte) {
            let number = Int(try self.number32())
            try self.expect(0x20)
            switch try self.atom().uppercased() {
            case "EXISTS": return .exists(number)
            case "EXPUNGE": return .expunge(number)
            case "FETCH":
                try self.expect(0x20)
                return .fetch(try self.fetchItems())
            default: return .other
            }
        }
        let word = try self.atom().uppercased()
        if let status = IMAPResponse.Status(rawValue: word) { return .status(status, try self.text()) }
        self.skipSpaces()
        switch word {
        case "CAPABILITY": return .capability(try self.rest().uppercased().split(separator: " ").map(String.init))
        case "LIST", "LSUB", "XLIST": return try self.list()
        case "STATUS": return .folderStatus(try self.folderStatus())
        case "SEARCH": return .search(try self.search())
        case "ESEARCH": return .search(try self.extendedSearch())
        case "VANISHED": return .vanished
        case "NAMESPACE": return try self.namespace()
        default: return .other
        }
    }

    // MARK: Words

    var peek: UInt8? { self.at < self.end ? self.bytes[self.at] : nil }

    func violation(_ text: String) -> MailError { MailError(.protocolViolation, text) }

    mutating func expect(_ byte: UInt8) throws(MailError) {
        guard self.peek == byte else { throw self.violation("a response is malformed") }
        self.at += 1
    }

    mutating func skipSpaces() {
        while self.peek == 0x20 { self.at += 1 }
    }

    /// Octets up to a space, bracket, parenthesis, quote or brace; at least one.
    mutating func atom() throws(MailError) -> String {
        let start = self.at
        while let byte = self.peek, IMAPCommand.isAtomByte(byte) || byte == 0x5C || byte == 0x5D { self.at += 1 }
        guard self.at > start else { throw self.violation("a word is missing") }
        return String(decoding: self.bytes[start..<self.at], as: UTF8.self)
    }

    mutating func number64() throws(MailError) -> Int64 {
        var value: Int64 = 0
        let start = self.at
        while let byte = self.peek, (0x30...0x39).contains(byte) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(byte - 0x30))
            guard !overflow, !carry else { throw self.violation("a number is too large") }
            value = sum
            self.at += 1
        }
        guard self.at > start else { throw self.violation("a number is missing") }
        return value
    }

    mutating func number32() throws(MailError) -> UInt32 {
        guard let value = UInt32(exactly: try self.number64()) else { throw self.violation("a number is too large") }
        return value
    }

    /// What is left of the line, as text.
    mutating func rest() throws(MailError) -> String {
        let line = self.bytes[min(self.at, self.end)..<self.end]
        guard !line.contains(0) else { throw self.violation("a line holds NUL") }
        self.at = self.end
        return String(decoding: line, as: UTF8.self)
    }

    private mutating func text() throws(MailError) -> IMAPResponse.Text {
        self.skipSpaces()
        let line = try self.rest()
        guard line.first == "[", let close = line.firstIndex(of: "]") else {
            return IMAPResponse.Text(code: "", human: line)
        }
        // A flag in PERMANENTFLAGS may hold a bracket; then the list's end counts.
        let code = line[line.index(after: line.startIndex)..<close]
        if code.contains("("), !code.contains(")"), let end = line.firstRange(of: ")]") {
            return IMAPResponse.Text(
                code: String(line[line.index(after: line.startIndex)...end.lowerBound]),
                human: String(line[end.upperBound...].drop { $0 == " " }))
        }
        let human = line[line.index(after: close)...].drop { $0 == " " }
        return IMAPResponse.Text(code: String(code), human: String(human))
    }

    /// A quoted string, a literal or NIL.
    mutating func nstring() throws(MailError) -> [UInt8]? {
        switch self.peek {
        case 0x22: return try self.quoted()
        case 0x7B, 0x7E: return try self.literal()
        default:
            guard try self.atom().uppercased() == "NIL" else { throw self.violation("a string is missing") }
            return nil
        }
    }

    mutating func astring() throws(MailError) -> String {
        switch self.peek {
        case 0x22: return String(decoding: try self.quoted(), as: UTF8.self)
        case 0x7B, 0x7E: return String(decoding: try self.literal(), as: UTF8.self)
        default:
            let start = self.at
            while let byte = self.peek, byte > 0x20, byte != 0x28, byte != 0x29 { self.at += 1 }
            guard self.at > start else { throw self.violation("a string is missing") }
            return String(decoding: self.bytes[start..<self.at], as: UTF8.self)
        }
    }

    private mutating func quoted() throws(MailError) -> [UInt8] {
        try self.expect(0x22)
        var result: [UInt8] = []
        while let byte = self.peek {
            self.at += 1
            switch byte {
            case 0x22: return result
            case 0x5C:
                guard let escaped = self.peek else { throw self.violation("a quoted string does not end") }
                self.at += 1
                result.append(escaped)
            case 0: throw self.violation("a line holds NUL")
            default: result.append(byte)
            }
        }
        throw self.violation("a quoted string does not end")
    }

    private mutating func literal() throws(MailError) -> [UInt8] {
        if self.peek == 0x7E { self.at += 1 }
        try self.expect(0x7B)
        let length = Int(try self.number32())
        try self.expect(0x7D)
        if self.peek == 0x0D { self.at += 1 }
        try self.expect(0x0A)
        guard length <= self.end - self.at else { throw self.violation("a literal is out of place") }
        defer { self.at += length }
        return Array(self.bytes[self.at..<(self.at + length)])
    }

    /// Passes over one value of any form.
    mutating func skipValue() throws(MailError) {
        var depth = 0
        repeat {
            switch self.peek {
            case 0x28:
                depth += 1
                guard depth <= self.limits.depth else { throw self.violation("lists are nested too deeply") }
                self.at += 1
            case 0x29 where depth > 0:
                depth -= 1
                self.at += 1
            case 0x20 where depth > 0: self.at += 1
            case 0x22, 0x7B, 0x7E: _ = try self.astring()
            default: try self.skipWord()
            }
        } while depth > 0
    }

    /// Passes over an atom, including a section such as `BODY[HEADER.FIELDS (X)]<0>`.
    private mutating func skipWord() throws(MailError) {
        _ = try self.atom()
        if self.peek == 0x5B { try self.skipSection() }
    }

    mutating func skipSection() throws(MailError) {
        while let byte = self.peek, byte != 0x5D {
            if byte == 0x22 || byte == 0x7B { _ = try self.astring() } else { self.at += 1 }
        }
        try self.expect(0x5D)
        if self.peek == 0x3C {
            while let byte = self.peek, byte != 0x3E { self.at += byte == 0x20 ? self.end : 1 }
            try self.expect(0x3E)
        }
    }
}
