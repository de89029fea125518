internal import CGMime
package import DeskModel

internal import struct Foundation.Date

/// What the look at a mail before parsing says.
package enum InspectionVerdict: Sendable, Hashable {
    case plain
    /// A limit was met: long or many header fields, nested groups, depth, number of parts.
    case suspicious(reason: String)
}

/// Bytes of a received mail to values. Never fails and never traps, whatever a stranger wrote; callable from any thread.
///
/// Limits: header 256 KB and 1,000 fields of 64 KB, 1,000 addresses a field, depth 50, 1,000 parts, 1 MB of body text.
/// What goes over is cut and named in `repairs`. RFC 5322, 2045–2047, 2231, 3676.
package enum MIMEParser {
    /// Octets of text that are kept of one body.
    package static let bodyLimit = 1 << 20

    /// Looks whether the mail stays within the limits, in time linear in its length.
    package static func inspect(_ bytes: [UInt8]) -> InspectionVerdict {
        let bytes = bytes.withLineFeeds()
        let header = HeaderBlock(bytes)
        for field in header.fields where Self.addressFields.contains(field.name.lowercased()) {
            if field.value.count(where: { $0 == 0x3A }) > MailMender.groupLimit {
                return .suspicious(reason: "nested groups in an address field")
            }
            if field.value.count(where: { $0 == 0x2C }) > AddressParser.limit {
                return .suspicious(reason: "more than 1,000 addresses")
            }
        }
        let limits = (header.repairs + MailMender(bytes, header: header).repairs).first { repair in
            ["over ", "more than", "nested"].contains { repair.contains($0) }
        }
        return limits.map { .suspicious(reason: $0) } ?? .plain
    }

    /// The mail as values; `repairs` names what was broken.
    package static func parse(_ bytes: [UInt8]) -> InboundMessage {
        var message = InboundMessage()
        let bytes = bytes.withLineFeeds()
        let header = HeaderBlock(bytes)
        message.repairs = header.repairs
        Self.readHeader(header, into: &message)
        let mender = MailMender(bytes, header: header)
        let tree = PartTree(mender.bytes)
        message.repairs += mender.repairs + tree.repairs
        var reader = BodyReader(tree)
        reader.read()
        reader.fill(&message)
        var seen: Set<String> = []
        message.repairs = message.repairs.filter { seen.insert($0).inserted }
        return message
    }

    /// The decoded bytes of an attachment; nil when the mail has no such part.
    /// - Parameter part: `Attachment.part` of the same raw bytes.
    package static func attachmentBytes(of raw: [UInt8], part: Int) -> [UInt8]? {
        guard part >= 0 else { return nil }
        let raw = raw.withLineFeeds()
        let tree = PartTree(MailMender(raw, header: HeaderBlock(raw)).bytes)
        if part < tree.leaves.count { return tree.bytes(of: tree.leaves[part]) }
        var reader = BodyReader(tree)
        reader.read()
        return reader.encodedFiles.indices.contains(part - tree.leaves.count)
            ? reader.encodedFiles[part - tree.leaves.count].bytes : nil
    }
}

// MARK: - Header

extension MIMEParser {
    private static let addressFields: Set<String> = [
        "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-to", "resent-cc",
    ]

    private static func readHeader(_ header: HeaderBlock, into message: inout InboundMessage) {
        message.headers = header.fields.map { HeaderField(name: $0.name, value: Self.latin($0.value)) }
        if let subject = header.first("subject") {
            let decoded = EncodedWords.decode(subject.value)
            message.subject = decoded.text.trimmingCharacters { $0 == " " }
            message.repairs += decoded.repair.map { [$0] } ?? []
        }
        message.messageID = header.first("message-id").flatMap { Self.messageIDs($0.value).first }
        message.inReplyTo = header.first("in-reply-to").map { Self.messageIDs($0.value) } ?? []
        message.references = header.first("references").map { Self.messageIDs($0.value) } ?? []
        message.writtenFrom = Self.written("from", header, &message.repairs)
        message.writtenTo = Self.written("to", header, &message.repairs)
        message.writtenCc = Self.written("cc", header, &message.repairs)
        message.from = Self.usable(message.writtenFrom)
        if message.writtenFrom.isEmpty {
            let sender = Self.written("sender", header, &message.repairs)
            if !sender.isEmpty {
                message.repairs.append("From is missing; Sender used")
                message.from = Self.usable(sender)
                message.writtenFrom = sender
            } else {
                message.repairs.append("From is missing")
            }
        } else if message.writtenFrom.count > 1 {
            message.repairs.append("several addresses in From")
        }
        message.replyTo = Self.usable(Self.written("reply-to", header, &message.repairs))
        message.to = Self.usable(message.writtenTo)
        message.cc = Self.usable(message.writtenCc)
        message.date = header.first("date").flatMap { Self.date($0.value) }
        message.received = header.first("received").flatMap { field in
            field.value.lastIndex(of: 0x3B).flatMap { Self.date(Array(field.value[($0 + 1)...])) }
        }
    }

    /// All fields of that name together: some programs repeat To.
    private static func written(_ name: String, _ header: HeaderBlock, _ repairs: inout [String]) -> [WrittenAddress] {
        var result: [WrittenAddress] = []
        for field in header.fields where field.name.isSameName(as: name) {
            guard result.count < AddressParser.limit else { break }
            if !result.isEmpty { repairs.append("several \(name) fields") }
            let parser = AddressParser(field.value)
            result += parser.mailboxes
            if let repair = parser.repair { repairs.append(repair) }
        }
        return result
    }

    private static func usable(_ written: [WrittenAddress]) -> [MailAddress] {
        written.compactMap { MailAddress($0.address, displayName: $0.name) }
    }

    private static func latin(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// The ids between angle brackets; without any, the words that could be ids.
    private static func messageIDs(_ value: [UInt8]) -> [MessageID] {
        var ids: [MessageID] = []
        var start: Int?
        for index in value.indices {
            let byte = value[index]
            if byte == 0x3C {
                start = index + 1
            } else if byte == 0x3E, let first = start {
                let text = String(decoding: value[first..<index].filter { $0 > 0x20 }, as: UTF8.self)
                if let id = MessageID(text) { ids.append(id) }
                start = nil
                if ids.count >= 1_000 { break }
            }
        }
        if ids.isEmpty {
            let words = String(decoding: value, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "," })
            ids = words.compactMap { $0.contains("@") || words.count == 1 ? MessageID($0) : nil }
        }
        return ids
    }

    private static func date(_ value: [UInt8]) -> Date? {
        guard value.count < 1_000 else { return nil }
        return value.withUnsafeBufferPointer { buffer -> Date? in
            var text = buffer.map { CChar(bitPattern: $0) }
            text.append(0)
            guard let parsed = g_mime_utils_header_decode_date(text) else { return nil }
            defer { g_date_time_unref(parsed) }
            return Date(timeIntervalSince1970: Double(g_date_time_to_unix(parsed)))
        }
    }
}
