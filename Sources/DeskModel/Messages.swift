package import struct Foundation.Date

/// One header field of a received mail, in the order of the message.
package struct HeaderField: Hashable, Sendable, Codable {
    /// As written.
    package let name: String
    /// Unfolded; bytes that are not UTF-8 are read as ISO 8859-1. RFC 2047 words are not decoded.
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A file that came with a mail. The bytes stay in the raw mail; this says where they are.
package struct Attachment: Hashable, Sendable, Codable {
    /// Decoded (RFC 2047, RFC 2231); empty when the mail names none. Data, never a path.
    package let filename: String
    /// Lower case, `type/subtype`.
    package let contentType: String
    /// Octets after transfer decoding.
    package let size: Int
    /// SHA-256 of the decoded bytes, lower-case hexadecimal.
    package let sha256: String
    /// Without angle brackets; nil when the part has none.
    package let contentID: String?
    /// Whether the part asks to be shown within the text.
    package let isInline: Bool
    /// Position among the leaf parts of the mail, from 0.
    package let part: Int

    package init(
        filename: String, contentType: String, size: Int, sha256: String, contentID: String?, isInline: Bool, part: Int
    ) {
        self.filename = filename
        self.contentType = contentType
        self.size = size
        self.sha256 = sha256
        self.contentID = contentID
        self.isInline = isInline
        self.part = part
    }
}

/// What the sender newly wrote, apart from the quoted conversation and the signature.
package struct ReplyText: Hashable, Sendable, Codable {
    package var visible: String
    package var signature: String
    package var quoted: String

    package init(visible: String, signature: String, quoted: String) {
        self.visible = visible
        self.signature = signature
        self.quoted = quoted
    }
}

/// A received mail as values: what the parser could make of the bytes. Never fails to exist; what had to be mended is
/// named in `repairs`.
package struct InboundMessage: Sendable, Codable {
    /// All fields of the top-level header, in order.
    package var headers: [HeaderField]
    package var messageID: MessageID?
    package var inReplyTo: [MessageID]
    /// Oldest first, as in the field.
    package var references: [MessageID]
    /// Decoded, one line; empty when there is none.
    package var subject: String
    /// All mailboxes of From; usually one. Sender stands in where From is missing.
    package var from: [MailAddress]
    package var replyTo: [MailAddress]
    package var to: [MailAddress]
    package var cc: [MailAddress]
    /// From, To and Cc as they were written, for showing: also what is no address that mail can be sent to.
    package var writtenFrom: [WrittenAddress] = []
    package var writtenTo: [WrittenAddress] = []
    package var writtenCc: [WrittenAddress] = []
    /// Whether the HTML holds text that a reader does not see; a sign of planted instructions.
    package var hasHiddenText = false
    /// The sender's claim; never used for service levels.
    package var date: Date?
    /// Of the topmost Received field, written by our own server; nil when there is none.
    package var received: Date?
    /// The chosen body as text: LF line ends, no NUL.
    package var bodyText: String
    /// The texts that make up `bodyText`, where a mail has several (text, picture, text); the first is the main one.
    package var bodyParts: [String] = []
    /// The HTML part as it came, for showing; nil when there is none.
    package var bodyHTML: String?
    package var reply: ReplyText
    /// Content types of the leaf parts in order, lower case; `message/rfc822` counts as a leaf and its own leaves follow.
    package var leafTypes: [String]
    package var attachments: [Attachment]
    /// Text of the machine-readable parts: `message/delivery-status`, `message/feedback-report`, and the header of the
    /// returned message (`text/rfc822-headers` or the start of `message/rfc822`).
    package var reports: [ReportPart]
    /// What was broken and mended, one short phrase each.
    package var repairs: [String]

    package init() {
        self.headers = []
        self.messageID = nil
        self.inReplyTo = []
        self.references = []
        self.subject = ""
        self.from = []
        self.replyTo = []
        self.to = []
        self.cc = []
        self.date = nil
        self.received = nil
        self.bodyText = ""
        self.bodyHTML = nil
        self.reply = ReplyText(visible: "", signature: "", quoted: "")
        self.leafTypes = []
        self.attachments = []
        self.reports = []
        self.repairs = []
    }

    /// The first value of a field, by name without case; nil when the field is missing.
    package func header(_ name: String) -> String? {
        let name = name.lowercasedASCII()
        return self.headers.first { $0.name.isSameName(as: name) }?.value
    }

    /// All values of a field, topmost first.
    package func allHeaders(_ name: String) -> [String] {
        let name = name.lowercasedASCII()
        return self.headers.filter { $0.name.isSameName(as: name) }.map(\.value)
    }
}

/// A part of a report that machines read.
package struct ReportPart: Hashable, Sendable, Codable {
    /// Lower case, for example `message/delivery-status`.
    package let contentType: String
    package let text: String

    package init(contentType: String, text: String) {
        self.contentType = contentType
        self.text = text
    }
}

/// What sort of sender wrote a mail, and what follows from it. RFC 3834, 3464, 5965, 2919.
package struct MessageClassification: Hashable, Sendable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case human
        case autoReply = "auto_reply"
        case bounce
        case successDSN = "success_dsn"
        case feedback
        case list
        case spam
        case other
    }

    package var kind: Kind
    /// One short phrase for each sign that decided, strongest first.
    package var reasons: [String]
    /// True when nothing automatic may be sent because of this mail.
    package var suppressAutoReply: Bool
    package var bounce: Bounce?
    /// True when nothing but the mail's words decided that it is automatic: a guess that must cost no customer a ticket.
    package var isByWords = false

    package init(kind: Kind, reasons: [String], suppressAutoReply: Bool, bounce: Bounce? = nil) {
        self.kind = kind
        self.reasons = reasons
        self.suppressAutoReply = suppressAutoReply
        self.bounce = bounce
    }
}

/// What a delivery report says. RFC 3464.
package struct Bounce: Hashable, Sendable, Codable {
    package struct Recipient: Hashable, Sendable, Codable {
        /// Lower case.
        package var address: String
        /// Enhanced status code such as `5.1.1` (RFC 3463); nil when none is given.
        package var status: String?
        package var permanent: Bool

        package init(address: String, status: String?, permanent: Bool) {
            self.address = address
            self.status = status
            self.permanent = permanent
        }
    }

    package var recipients: [Recipient]
    package var originalMessageID: MessageID?

    package init(recipients: [Recipient], originalMessageID: MessageID?) {
        self.recipients = recipients
        self.originalMessageID = originalMessageID
    }
}

/// A mail that we write: always one plain-text part.
package struct OutboundMessage: Sendable {
    /// Fixed for life, also over retries.
    package var messageID: MessageID
    package var date: Date
    package var from: MailAddress
    package var to: [MailAddress]
    package var cc: [MailAddress]
    package var replyTo: [MailAddress]
    package var subject: HeaderValue
    package var inReplyTo: MessageID?
    package var references: [MessageID]
    /// Further fields in order; names are ASCII tokens.
    package var extraHeaders: [(name: String, value: HeaderValue)]
    /// Plain text with LF line ends.
    package var body: String

    package init(
        messageID: MessageID, date: Date, from: MailAddress, to: [MailAddress], cc: [MailAddress] = [],
        replyTo: [MailAddress] = [], subject: HeaderValue, inReplyTo: MessageID? = nil, references: [MessageID] = [],
        extraHeaders: [(name: String, value: HeaderValue)] = [], body: String
    ) {
        self.messageID = messageID
        self.date = date
        self.from = from
        self.to = to
        self.cc = cc
        self.replyTo = replyTo
        self.subject = subject
        self.inReplyTo = inReplyTo
        self.references = references
        self.extraHeaders = extraHeaders
        self.body = body
    }
}

/// A mailbox as it was written, also one that nothing can be sent to (`root`, a local part with spaces).
package struct WrittenAddress: Hashable, Sendable, Codable {
    /// Decoded; empty when there is none.
    package let name: String
    /// As written; empty for a name without an address.
    package let address: String

    package init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}
