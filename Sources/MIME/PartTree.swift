internal import CGMime
internal import DeskModel

/// The parts of one message as GMime reads them, flattened in order. Frees GMime's objects when it goes.
///
/// GMime is initialised once; its parser and objects have no shared state apart from type registration, so that trees
/// of different messages may be used on different threads, each on one at a time.
final class PartTree {
    /// A part without children, or an embedded message (whose own leaves follow it).
    struct Leaf {
        enum Content {
            case object(UnsafeMutableRawPointer)
            /// An embedded message: the part that holds it.
            case message(UnsafeMutableRawPointer)
            case literal([UInt8])
        }

        var content: Content
        /// Lower case `type/subtype`.
        var type: String
        var charset: String?
        var isFlowed = false
        var deletesSpace = false
        /// `attachment`, `inline` or nil.
        var disposition: String?
        var filename = ""
        /// Content-Description, decoded; empty when there is none.
        var summary = ""
        var contentID: String?
        /// How many embedded messages this is inside of.
        var embedding = 0
        /// The outermost multipart/alternative around it, by number.
        var alternative: Int?
        /// Whether the nearest container is multipart/related and this is not its first part.
        var isRelated = false
    }

    private struct Pending {
        let object: UnsafeMutableRawPointer
        let depth: Int
        let embedding: Int
        let alternative: Int?
        let isRelated: Bool
    }

    private static let options: ParserOptions = {
        g_mime_init()
        return ParserOptions()
    }()

    private(set) var leaves: [Leaf] = []
    private(set) var repairs: [String] = []
    private var messages: [UnsafeMutableRawPointer] = []
    private var pending: [Pending] = []
    private var alternatives = 0

    /// - Parameter bytes: mended, header fields of the body first.
    init(_ bytes: [UInt8]) {
        if !self.open(bytes, depth: 0, embedding: 0) {
            self.leaves = [Leaf(content: .literal(bytes), type: "text/plain")]
            self.repairs.append("no message could be read; shown as text")
        }
        while let next = self.pending.popLast() {
            if self.leaves.count >= MailMender.partLimit * 2 {
                self.repairs.append("more than 2,000 parts; the rest left out")
                break
            }
            self.visit(next)
        }
    }

    deinit {
        for message in self.messages { shim_unref(message) }
    }

    /// The decoded bytes of a leaf. What travelled as lines has LF line ends, so that a file is the same bytes whether its
    /// mail came over IMAP or lay in a folder of this system.
    func bytes(of leaf: Leaf) -> [UInt8] {
        switch leaf.content {
        case .literal(let bytes): return bytes
        case .object(let object):
            let bytes = Self.take(shim_content(object))
            return shim_travels_as_lines(object) == 1 ? bytes.withoutReturnsBeforeFeeds() : bytes
        case .message(let part):
            guard let message = shim_inner_message(part) else { return [] }
            return Self.take(shim_written(message))
        }
    }

    private static func take(_ array: UnsafeMutablePointer<GByteArray>?) -> [UInt8] {
        guard let array else { return [] }
        defer { g_byte_array_unref(array) }
        guard let data = array.pointee.data else { return [] }
        return Array(UnsafeBufferPointer(start: data, count: Int(array.pointee.len)))
    }

    private func open(_ bytes: [UInt8], depth: Int, embedding: Int) -> Bool {
        let parsed = bytes.withUnsafeBytes { shim_parse($0.baseAddress, $0.count, Self.options.raw) }
        guard let parsed else { return false }
        self.messages.append(parsed)
        guard let root = shim_root(parsed) else { return false }
        self.pending.append(
            Pending(object: root, depth: depth, embedding: embedding, alternative: nil, isRelated: false))
        return true
    }

    private func visit(_ item: Pending) {
        guard item.depth <= MailMender.depthLimit * 2 + 10 else {
            self.repairs.append("parts nested too deep left out")
            return
        }
        let object = item.object
        let kind = shim_kind(object)
        if kind == SHIM_PART_MULTIPART {
            self.visitMultipart(item)
            return
        }
        var leaf = Self.describe(object)
        leaf.embedding = item.embedding
        leaf.alternative = item.alternative
        leaf.isRelated = item.isRelated
        if kind == SHIM_PART_MESSAGE {
            leaf.content = .message(object)
            self.leaves.append(leaf)
            if let message = shim_inner_message(object), let root = shim_root(message) {
                self.pending.append(
                    Pending(
                        object: root, depth: item.depth + 1, embedding: item.embedding + 1, alternative: nil,
                        isRelated: false))
            }
            return
        }
        self.leaves.append(leaf)
        // A message in base64 is against the standard, common, and a plain leaf to GMime.
        if leaf.type == "message/rfc822", item.embedding < 3 {
            let inner = self.bytes(of: leaf)
            let header = HeaderBlock(inner)
            let mender = MailMender(inner, header: header)
            self.repairs += mender.repairs
            _ = self.open(mender.bytes, depth: item.depth + 1, embedding: item.embedding + 1)
        }
    }

    private func visitMultipart(_ item: Pending) {
        let count = shim_child_count(item.object)
        let subtype = shim_content_type(item.object).flatMap { g_mime_content_type_get_media_subtype($0) }
        let name = subtype.map { String(cString: $0).lowercased() } ?? "mixed"
        if count == 0 {
            guard let prologue = shim_prologue(item.object) else { return }
            let text = Array(String(cString: prologue).utf8)
            guard text.contains(where: { $0 > 0x20 }) else { return }
            self.repairs.append("multipart without parts; its text is used")
            let isHTML = text.firstIndex(of: "<html", in: 0..<text.count) != nil
            var leaf = Leaf(content: .literal(text), type: isHTML ? "text/html" : "text/plain")
            leaf.embedding = item.embedding
            self.leaves.append(leaf)
            return
        }
        var alternative = item.alternative
        if name == "alternative", alternative == nil {
            self.alternatives += 1
            alternative = self.alternatives
        }
        for index in stride(from: count - 1, through: 0, by: -1) {
            guard let child = shim_child(item.object, index) else { continue }
            self.pending.append(
                Pending(
                    object: child, depth: item.depth + 1, embedding: item.embedding, alternative: alternative,
                    isRelated: name == "related" && index > 0))
        }
    }

    private static func describe(_ object: UnsafeMutableRawPointer) -> Leaf {
        var leaf = Leaf(content: .object(object), type: "text/plain")
        if let type = shim_content_type(object), let name = g_mime_content_type_get_mime_type(type) {
            leaf.type = String(cString: name).lowercasedASCII()
            g_free(name)
            if leaf.type == "application/octet-stream", let raw = Self.string(shim_raw_header(object, "Content-Type")) {
                leaf.type = Self.bareType(raw) ?? leaf.type
            }
        }
        leaf.summary =
            Self.string(shim_raw_header(object, "Content-Description")).map {
                EncodedWords.decode(Array($0.utf8)).text.trimmingCharacters { $0.isWhitespace }
            } ?? ""
        leaf.charset = Self.string(shim_type_parameter(object, "charset"))
        leaf.isFlowed = Self.string(shim_type_parameter(object, "format"))?.lowercased() == "flowed"
        leaf.deletesSpace = Self.string(shim_type_parameter(object, "delsp"))?.lowercased() == "yes"
        leaf.disposition = Self.string(shim_disposition(object))?.lowercased()
        let id = Self.string(shim_content_id(object))?.trimmingCharacters { $0 == "<" || $0 == ">" || $0 == " " }
        leaf.contentID = id?.isEmpty == false ? id : nil
        let name =
            Self.string(shim_disposition_parameter(object, "filename"))
            ?? Self.string(shim_type_parameter(object, "name"))
        if let name { leaf.filename = Self.filename(name) }
        return leaf
    }

    /// A type without a subtype, which is against the standard: `text` is plain text, others keep their name.
    private static func bareType(_ raw: String) -> String? {
        let word = raw.prefix { $0 != ";" }.trimmingCharacters { $0.isWhitespace }.lowercased()
        guard !word.isEmpty, word.utf8.count < 80, word.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }) else {
            return nil
        }
        return word == "text" ? "text/plain" : "\(word)/unknown"
    }

    /// GMime decodes parameters; words it left alone (in quotes, padded in the middle) are decoded here.
    private static func filename(_ text: String) -> String {
        guard text.holds("=?") else { return EncodedWords.oneLine(text) }
        return EncodedWords.decode(Array(text.utf8)).text
    }

    private static func string(_ text: UnsafePointer<CChar>?) -> String? { text.map { String(cString: $0) } }
}

/// The options of all parsers, made once and never changed.
///
/// Sendable because GMime only reads options while it parses.
private struct ParserOptions: @unchecked Sendable {
    let raw: OpaquePointer?

    init() {
        self.raw = g_mime_parser_options_new()
        g_mime_parser_options_set_rfc2047_compliance_mode(self.raw, GMIME_RFC_COMPLIANCE_LOOSE)
        g_mime_parser_options_set_parameter_compliance_mode(self.raw, GMIME_RFC_COMPLIANCE_LOOSE)
    }
}
