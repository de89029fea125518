internal import Crypto
internal import DeskModel

/// Chooses which leaves are the text that a person reads and which are files.
struct BodyReader {
    /// A file written into a text part (uuencode).
    struct EncodedFile {
        let filename: String
        let bytes: [UInt8]
    }

    private struct Segment {
        let leaf: Int
        /// Text as the part has it, LF line ends.
        let text: String
        let isHTML: Bool
        /// The HTML as text, once somebody asked for it.
        var rendered: HTMLText.Rendered?
    }

    private let tree: PartTree
    private var segments: [Segment] = []
    private var bodies: Set<Int> = []
    private var repairs: [String] = []
    private var html: String?
    private(set) var encodedFiles: [EncodedFile] = []

    init(_ tree: PartTree) { self.tree = tree }

    mutating func read() {
        let leaves = self.tree.leaves
        var texts = leaves.indices.filter { leaves[$0].embedding == 0 && Self.isBody(leaves[$0]) }
        if texts.isEmpty {
            // Nothing else to read: a named text part, then the text of an embedded message.
            let named = leaves.indices.filter {
                leaves[$0].embedding == 0 && (Self.isText(leaves[$0].type) || Self.isEnriched(leaves[$0].type))
            }
            let first =
                named.first { leaves[$0].disposition != "attachment" }
                ?? leaves.indices.first { leaves[$0].embedding > 0 && Self.isBody(leaves[$0]) }
            texts = first.map { [$0] } ?? []
        }
        for index in texts { self.segments.append(self.segment(index)) }
        self.bodies = Set(texts)
        self.html = self.segments.first { $0.isHTML }?.text
        self.dropAlternatives()
    }

    func fill(_ message: inout InboundMessage) {
        message.leafTypes = self.tree.leaves.map(\.type)
        message.bodyHTML = self.html
        var replies: [ReplyText] = []
        var texts: [String] = []
        for segment in self.segments {
            if segment.isHTML {
                let rendered = segment.rendered ?? HTMLText.render(segment.text)
                message.hasHiddenText = message.hasHiddenText || rendered.hasHiddenText
                texts.append(rendered.text)
                replies.append(ReplyParser.split(rendered))
            } else {
                texts.append(segment.text)
                replies.append(ReplyParser.split(segment.text))
            }
        }
        message.bodyParts = texts.filter { $0.contains { !$0.isWhitespace } }
        message.bodyText = message.bodyParts.joined(separator: "\n\n")
        message.reply =
            replies.count == 1
            ? replies[0]
            : replies.isEmpty ? message.reply : ReplyParser.split(message.bodyText)
        message.repairs += self.repairs
        self.addFiles(to: &message)
    }

    // MARK: - Choice

    private static func isText(_ type: String) -> Bool {
        switch type {
        case "text/plain", "text/html", "text/x-plain": true
        default: false
        }
    }

    private static func isEnriched(_ type: String) -> Bool { type == "text/enriched" || type == "text/richtext" }

    private static func isBody(_ leaf: PartTree.Leaf) -> Bool {
        guard Self.isText(leaf.type), leaf.disposition != "attachment" else { return false }
        if leaf.isRelated, leaf.contentID != nil, leaf.type != "text/plain" { return false }
        return leaf.filename.isEmpty || (leaf.alternative != nil && leaf.type != "text/plain")
    }

    /// Of each multipart/alternative, keeps the plain text unless it says less than the HTML.
    private mutating func dropAlternatives() {
        let leaves = self.tree.leaves
        let groups = Set(self.segments.compactMap { leaves[$0.leaf].alternative })
        for group in groups {
            let members = self.segments.filter { leaves[$0.leaf].alternative == group }
            guard let rich = members.first(where: \.isHTML), let plain = members.first(where: { !$0.isHTML }) else {
                continue
            }
            let text = members.filter { !$0.isHTML }.map(\.text).joined(separator: "\n")
            let wrapsAnywhere = Charset.isEastAsian(leaves[plain.leaf].charset)
            let choice = AlternativeChoice(plain: text, html: rich.text, wrapsAnywhere: wrapsAnywhere)
            self.segments.removeAll { leaves[$0.leaf].alternative == group && $0.isHTML != choice.takesHTML }
            for index in self.segments.indices where self.segments[index].leaf == rich.leaf {
                self.segments[index].rendered = choice.rendered
            }
        }
    }

    // MARK: - Text

    private mutating func segment(_ index: Int) -> Segment {
        let leaf = self.tree.leaves[index]
        var bytes = self.tree.bytes(of: leaf)
        if bytes.count > MIMEParser.bodyLimit {
            bytes.removeSubrange(MIMEParser.bodyLimit...)
            while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
            if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
            self.repairs.append("text over 1 MB cut")
        }
        let isHTML = leaf.type == "text/html"
        var charset = leaf.charset
        if isHTML, Charset.canonical(charset).isEmpty { charset = Self.metaCharset(bytes) ?? charset }
        let decoded = Charset.decode(bytes, declared: charset)
        if let repair = decoded.repair { self.repairs.append(repair) }
        var text = self.normalized(decoded.text)
        if !isHTML {
            if leaf.isFlowed { text = FlowedText.unfolded(text, deletesSpace: leaf.deletesSpace) }
            text = self.withoutEncodedFiles(text)
            if Self.isEnriched(leaf.type) { text = HTMLText.render(text).text }
        }
        return Segment(leaf: index, text: text, isHTML: isHTML)
    }

    /// LF line ends, no NUL; other controls go except tab.
    private mutating func normalized(_ text: String) -> String {
        guard Self.holdsControls(text.utf8Span.span) else { return text }
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        var wasReturn = false
        for byte in text.utf8 {
            switch byte {
            case 0x0D: result.append(0x0A)
            case 0x0A: if !wasReturn { result.append(byte) }
            case 0x09: result.append(byte)
            case 0: self.repairs.append("NUL removed")
            case 0..<0x20, 0x7F: break
            default: result.append(byte)
            }
            wasReturn = byte == 0x0D
            if self.repairs.count > 50 { self.repairs.removeLast() }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func holdsControls(_ bytes: borrowing Span<UInt8>) -> Bool {
        for position in 0..<bytes.count {
            let byte = bytes[position]
            if byte < 0x20 ? byte != 0x0A && byte != 0x09 : byte == 0x7F { return true }
        }
        return false
    }

    private static func metaCharset(_ bytes: [UInt8]) -> String? {
        let head = 0..<min(bytes.count, 4_096)
        guard var index = bytes.firstIndex(of: "charset=", in: head) else { return nil }
        index += 8
        while index < head.upperBound, bytes[index] == 0x22 || bytes[index] == 0x27 { index += 1 }
        let rest = bytes[index..<head.upperBound].prefix {
            $0 > 0x20 && $0 != 0x22 && $0 != 0x27 && $0 != 0x3E && $0 != 0x3B
        }
        return rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
    }

    // MARK: - Files

    private func addFiles(to message: inout InboundMessage) {
        for (index, leaf) in self.tree.leaves.enumerated() where !self.bodies.contains(index) {
            let isReport = (leaf.embedding == 0 || leaf.type.hasPrefix("message/")) && Self.isReport(leaf.type)
            guard leaf.embedding == 0 || isReport else { continue }
            let bytes = self.tree.bytes(of: leaf)
            if isReport { self.addReport(leaf.type, bytes, to: &message) }
            guard leaf.embedding == 0 else { continue }
            message.attachments.append(
                Attachment(
                    filename: leaf.filename.isEmpty ? Self.name(for: leaf, bytes) : leaf.filename,
                    contentType: leaf.type, size: bytes.count, sha256: Self.sha256(bytes),
                    contentID: leaf.contentID, isInline: leaf.disposition == "inline" || leaf.isRelated, part: index))
        }
        for (offset, file) in self.encodedFiles.enumerated() {
            message.attachments.append(
                Attachment(
                    filename: file.filename, contentType: "application/octet-stream", size: file.bytes.count,
                    sha256: Self.sha256(file.bytes), contentID: nil, isInline: false,
                    part: self.tree.leaves.count + offset))
        }
    }

    /// A name for a part that has none, from what it says of itself.
    private static func name(for leaf: PartTree.Leaf, _ bytes: [UInt8]) -> String {
        if leaf.type == "message/rfc822" {
            let subject = HeaderBlock(bytes).first("subject").map { EncodedWords.decode($0.value).text } ?? ""
            return (subject.isEmpty ? "message" : subject) + ".eml"
        }
        if leaf.type.hasPrefix("message/"), !leaf.summary.isEmpty { return leaf.summary + ".txt" }
        let kind = leaf.type.split(separator: "/")
        if kind.count == 2, ["image", "audio", "video"].contains(kind[0]) { return "\(kind[0]).\(kind[1])" }
        if let id = leaf.contentID, let local = id.split(separator: "@").first { return String(local) }
        return "file"
    }

    private static func isReport(_ type: String) -> Bool {
        switch type {
        case "message/delivery-status", "message/feedback-report", "text/rfc822-headers", "message/rfc822-headers",
            "message/global-delivery-status", "message/disposition-notification", "message/rfc822",
            "message/global-headers", "message/global", "text/rfc822", "text/rfc822-header", "message/partial":
            true
        default: false
        }
    }

    private func addReport(_ type: String, _ bytes: [UInt8], to message: inout InboundMessage) {
        guard message.reports.count < 20 else { return }
        var text = bytes.count > 64 << 10 ? Array(bytes.prefix(64 << 10)) : bytes
        if text.first(0, from: 0) < text.count || text.first(0x0D, from: 0) < text.count {
            text.removeAll { $0 == 0 || $0 == 0x0D }
        }
        message.reports.append(ReportPart(contentType: type, text: String(decoding: text, as: UTF8.self)))
    }

    private static func sha256(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        let digits = Array("0123456789abcdef".utf8)
        for byte in SHA256.hash(data: bytes) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func withoutEncodedFiles(_ text: String) -> String {
        guard text.holds("begin ") else { return text }
        let result = Uuencode.extract(text)
        guard !result.files.isEmpty else { return text }
        self.encodedFiles += result.files
        self.repairs.append("uuencoded file taken out of the text")
        return result.text
    }
}
