package import DeskModel

internal import struct Foundation.Date

/// Writes a mail of ours as bytes with CR LF line ends: one `text/plain; charset=utf-8` part.
///
/// Nothing in the values can open a new header field: `HeaderValue`, `MailAddress` and `MessageID` hold no line breaks,
/// field names are checked here, and folding breaks only before a word. RFC 5322, 2045, 2047, 6532.
package enum MIMEComposer {
    /// Ids kept in References: the first and the latest.
    package static let referenceLimit = 20

    /// - Returns: the whole message, ending in CR LF. Dots at line starts are the transport's business.
    package static func compose(_ message: OutboundMessage) -> [UInt8] {
        var writer = HeaderWriter()
        writer.raw("Date", Self.date(message.date))
        writer.addresses("From", [message.from])
        writer.addresses("To", message.to)
        writer.addresses("Cc", message.cc)
        writer.addresses("Reply-To", message.replyTo)
        writer.text("Subject", message.subject.text)
        writer.raw("Message-ID", message.messageID.bracketed)
        if let parent = message.inReplyTo { writer.raw("In-Reply-To", parent.bracketed) }
        writer.words("References", Self.capped(message.references).map(\.bracketed), separator: "")
        for (name, value) in message.extraHeaders where Self.isAllowed(name) { writer.text(name, value.text) }
        let body = BodyWriter(message.body)
        writer.raw("MIME-Version", "1.0")
        writer.raw("Content-Type", "text/plain; charset=utf-8")
        writer.raw("Content-Transfer-Encoding", body.encoding)
        return writer.bytes + [0x0D, 0x0A] + body.bytes
    }

    private static let written: Set<String> = [
        "date", "from", "to", "cc", "bcc", "reply-to", "subject", "message-id", "in-reply-to", "references",
        "mime-version", "sender", "return-path", "received",
    ]

    /// A token of RFC 5322 §2.2 that is none of the fields written above.
    private static func isAllowed(_ name: String) -> Bool {
        let lower = name.lowercased()
        return !name.isEmpty && name.utf8.count <= 64 && !Self.written.contains(lower) && !lower.hasPrefix("content-")
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x2D
            }
    }

    private static func capped(_ references: [MessageID]) -> [MessageID] {
        var seen: Set<MessageID> = []
        // Of an id that comes twice the last place counts.
        let unique = Array(references.reversed().filter { seen.insert($0).inserted }.reversed())
        guard unique.count > Self.referenceLimit, let first = unique.first else { return unique }
        return [first] + unique.suffix(Self.referenceLimit - 1)
    }

    /// RFC 5322 §3.3, in UTC.
    private static func date(_ date: Date) -> String {
        let limit = 253_402_300_799.0
        let seconds = Int(min(max(date.timeIntervalSince1970, 0), limit).rounded(.down))
        let days = seconds / 86_400
        let time = seconds % 86_400
        // Civil date from days since 1970, in years that start in March.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let clock = "\(two(time / 3_600)):\(two(time / 60 % 60)):\(two(time % 60))"
        return "\(weekdays[days % 7]), \(day) \(months[month - 1]) \(year) \(clock) +0000"
    }
}

/// Collects header fields, folded at 78 octets where words allow it.
private struct HeaderWriter {
    private(set) var bytes: [UInt8] = []

    mutating func raw(_ name: String, _ value: String) {
        self.bytes += "\(name): \(value)\r\n".utf8
    }

    /// Unstructured text; encoded when it is not plain ASCII that every reader leaves alone.
    mutating func text(_ name: String, _ value: String) {
        let isPlain =
            value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && !value.holds("=?") && !value.holds("  ")
            && !value.hasPrefix(" ") && !value.hasSuffix(" ")
            && !value.split(separator: " ").contains { $0.utf8.count > 200 }
        self.words(
            name, isPlain ? value.split(separator: " ").map(String.init) : Self.encoded(value), separator: "",
            keepsEmpty: true)
    }

    mutating func addresses(_ name: String, _ addresses: [MailAddress]) {
        self.words(name, addresses.map(Self.address), separator: ",")
    }

    /// Words with blanks between them, each kept whole.
    mutating func words(_ name: String, _ words: [String], separator: String, keepsEmpty: Bool = false) {
        guard !words.isEmpty || keepsEmpty else { return }
        self.bytes += "\(name):".utf8
        var column = name.utf8.count + 1
        for (index, word) in words.enumerated() {
            let piece = index + 1 < words.count ? word + separator : word
            if index > 0, column + 1 + piece.utf8.count > 78 {
                self.bytes += [0x0D, 0x0A]
                column = 0
            }
            self.bytes.append(0x20)
            self.bytes += piece.utf8
            column += 1 + piece.utf8.count
        }
        self.bytes += [0x0D, 0x0A]
    }

    private static func address(_ address: MailAddress) -> String {
        guard let name = address.displayName, !name.isEmpty else { return address.address }
        guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !name.holds("=?"), name.utf8.count <= 60 else {
            return "\(Self.encoded(name).joined(separator: "\r\n ")) <\(address.address)>"
        }
        let isAtoms = name.utf8.allSatisfy { byte in
            byte == 0x20 || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2D || byte == 0x5F
        }
        if isAtoms { return "\(name) <\(address.address)>" }
        let escaped = name.reduce(into: "") { $0 += $1 == "\"" || $1 == "\\" ? "\\\($1)" : "\($1)" }
        return "\"\(escaped)\" <\(address.address)>"
    }

    /// RFC 2047 words of at most 75 octets, cut between characters.
    private static func encoded(_ text: String) -> [String] {
        var words: [String] = []
        var piece: [UInt8] = []
        for scalar in text.unicodeScalars {
            let utf8 = Array(String(Character(scalar)).utf8)
            if piece.count + utf8.count > 45 {
                words.append(Self.word(piece))
                piece = []
            }
            piece += utf8
        }
        if !piece.isEmpty { words.append(Self.word(piece)) }
        return words
    }

    private static func word(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var output: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let padded = Array(group) + [UInt8](repeating: 0, count: 3 - group.count)
            let bits = UInt32(padded[0]) << 16 | UInt32(padded[1]) << 8 | UInt32(padded[2])
            for index in 0..<4 {
                output.append(index <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)] : 0x3D)
            }
        }
        return "=?utf-8?B?\(String(decoding: output, as: UTF8.self))?="
    }
}

/// The text of the body, with CR LF line ends, as 7bit where that is safe and as quoted-printable elsewhere.
private struct BodyWriter {
    let encoding: String
    let bytes: [UInt8]

    init(_ body: String) {
        var lines: [[UInt8]] = [[]]
        var wasReturn = false
        for byte in body.utf8 {
            switch byte {
            case 0: break
            case 0x0D: lines.append([])
            case 0x0A: if !wasReturn { lines.append([]) }
            default: lines[lines.count - 1].append(byte)
            }
            wasReturn = byte == 0x0D
        }
        if lines.last?.isEmpty == true, lines.count > 1 { lines.removeLast() }
        // Old mailbox formats change a line that starts with `From `.
        let isSafe = lines.allSatisfy { line in
            line.count <= 900 && line.allSatisfy { ($0 >= 0x20 || $0 == 0x09) && $0 < 0x7F }
                && !line.starts(with: "From ".utf8)
        }
        self.encoding = isSafe ? "7bit" : "quoted-printable"
        self.bytes = lines.flatMap { (isSafe ? $0 : Self.quoted($0)) + [0x0D, 0x0A] }
    }

    private static func quoted(_ line: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        var column = 0
        for (index, byte) in line.enumerated() {
            let isBlank = byte == 0x20 || byte == 0x09
            let isPlain = (byte > 0x20 && byte < 0x7F && byte != 0x3D) || (isBlank && index + 1 < line.count)
            let isFrom = index == 0 && line.starts(with: "From ".utf8)
            let piece = isPlain && !isFrom ? [byte] : [0x3D, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            if column + piece.count > 75 {
                output += [0x3D, 0x0D, 0x0A]
                column = 0
            }
            output += piece
            column += piece.count
        }
        return output
    }
}
