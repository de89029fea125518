package import DeskModel

/// Who a mail goes to on the wire; what its header says is another matter. RFC 5321 §2.3.1.
package struct SMTPEnvelope: Sendable {
    /// When the server should report on a recipient. RFC 3461 §4.1. Sent only to servers that offer DSN.
    package enum Notify: Sendable, Hashable {
        /// The server's own default.
        case standard
        case never
        case on(success: Bool, failure: Bool, delay: Bool)
    }

    /// nil is the null return path `<>`, for mail that must not cause bounces.
    package var from: MailAddress?
    /// At least one.
    package var recipients: [MailAddress]
    package var notify: Notify
    /// Comes back in reports (ENVID); ASCII without spaces is the sane choice.
    package var envelopeID: String?

    package init(
        from: MailAddress?, recipients: [MailAddress], notify: Notify = .standard, envelopeID: String? = nil
    ) {
        self.from = from
        self.recipients = recipients
        self.notify = notify
        self.envelopeID = envelopeID
    }
}

/// A reply of an SMTP server. RFC 5321 §4.2.
package struct SMTPReply: Sendable, Hashable, CustomStringConvertible {
    /// 200…599
    package let code: Int
    /// Such as `5.1.1` (RFC 3463); nil when the server gives none.
    package let enhanced: String?
    /// For people: the lines joined by spaces, without codes.
    package let text: String
    let lines: [String]

    package var isPositive: Bool { (200..<400).contains(self.code) }
    /// 4xx: the same may work later.
    package var isTransient: Bool { (400..<500).contains(self.code) }
    package var isPermanent: Bool { self.code >= 500 }
    package var description: String {
        MailError.printable("\(self.code) \(self.enhanced.map { "\($0) " } ?? "")\(self.text)")
    }

    init(code: Int, lines: [String]) {
        self.code = code
        self.lines = lines
        var enhanced: String?
        let texts = lines.map { line -> Substring in
            let word = line.prefix { $0 != " " }
            let numbers = word.split(separator: ".", omittingEmptySubsequences: false)
            let isStatus =
                numbers.count == 3 && numbers[0] == String(code / 100)
                && numbers.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy(\.isWholeNumber) }
            guard isStatus else { return line[...] }
            enhanced = enhanced ?? String(word)
            return line.dropFirst(word.count).drop { $0 == " " }
        }
        self.enhanced = enhanced
        self.text = texts.joined(separator: " ")
    }
}

/// What became of a mail.
package struct SMTPDelivery: Sendable {
    package struct Recipient: Sendable {
        package let address: MailAddress
        package let reply: SMTPReply
    }

    /// One for each recipient, in order; empty when the server refused the sender.
    package let replies: [Recipient]
    /// The server's word on the whole mail: after the final dot, or where it refused the sender or DATA. nil when no
    /// recipient was accepted and nothing was sent.
    package let final: SMTPReply?

    /// Recipients for whom the server now answers.
    package var accepted: [MailAddress] {
        self.final?.isPositive == true ? self.replies.filter(\.reply.isPositive).map(\.address) : []
    }
    /// Refused one by one, although the mail may have gone to others.
    package var refused: [Recipient] { self.replies.filter { !$0.reply.isPositive } }
}

/// What an SMTP server offers after EHLO.
package struct SMTPCapabilities: Sendable {
    /// Keyword in upper case → its parameters in upper case.
    package let parameters: [String: [String]]

    package func contains(_ keyword: String) -> Bool { self.parameters[keyword] != nil }
    /// Octets of the largest mail; nil when not stated or unlimited.
    package var maximumSize: Int? {
        self.parameters["SIZE"]?.first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
    package var mechanisms: Set<String> { Set(self.parameters["AUTH"] ?? []) }

    init(_ reply: SMTPReply?) {
        var parameters: [String: [String]] = [:]
        for line in (reply?.lines ?? []).dropFirst() {
            // Some old servers write AUTH=LOGIN.
            let words = line.uppercased().replacing("AUTH=", with: "AUTH ").split(separator: " ").map(String.init)
            if let keyword = words.first { parameters[keyword, default: []] += words.dropFirst() }
        }
        self.parameters = parameters
    }
}

/// Cuts the byte stream of an SMTP server into replies, within bounds.
struct SMTPReplyParser {
    private static let lineLimit = 4 << 10
    private static let lineCount = 200
    private var buffer: [UInt8] = []
    private var lines: [String] = []
    private var code: Int?

    mutating func append(_ bytes: [UInt8]) { self.buffer += bytes }

    /// Whether octets have come that belong to no reply yet.
    var isEmpty: Bool { self.buffer.isEmpty && self.lines.isEmpty }

    /// The next whole reply; nil when more octets are needed.
    mutating func next() throws(MailError) -> SMTPReply? {
        while let lineFeed = self.buffer.firstIndex(of: 0x0A) {
            var line = self.buffer[..<lineFeed]
            if line.last == 0x0D { line = line.dropLast() }
            guard line.count <= Self.lineLimit, self.lines.count < Self.lineCount, !line.contains(0) else {
                throw MailError(.protocolViolation, "a reply is too long or holds NUL")
            }
            let digits = line.prefix(3)
            guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let code = Int(String(decoding: digits, as: UTF8.self)), (200...599).contains(code),
                self.code == nil || self.code == code
            else { throw MailError(.protocolViolation, "a reply is malformed") }
            let rest = line.dropFirst(3)
            guard rest.isEmpty || rest.first == 0x20 || rest.first == 0x2D else {
                throw MailError(.protocolViolation, "a reply is malformed")
            }
            self.lines.append(String(decoding: rest.dropFirst(), as: UTF8.self))
            self.code = code
            self.buffer.removeSubrange(...lineFeed)
            guard rest.first == 0x2D else {
                defer { (self.lines, self.code) = ([], nil) }
                return SMTPReply(code: code, lines: self.lines)
            }
        }
        guard self.buffer.count <= Self.lineLimit else {
            throw MailError(.protocolViolation, "a reply is too long or holds NUL")
        }
        return nil
    }
}
