internal import DeskModel

/// One mail as triage reads it.
package struct TriageInput: Sendable, Hashable {
    package var subject: String
    /// What the customer newly wrote, without quotes and signature.
    package var body: String
    package var context: TriageContext

    package init(subject: String, body: String, context: TriageContext = TriageContext()) {
        self.subject = subject
        self.body = body
        self.context = context
    }

    /// The text that is encoded and read: subject without reply prefixes, then the body, cut at a fixed length.
    package var text: String { TriageText.join(subject: self.subject, body: self.body) }
}

enum TriageText {
    /// Characters that are read; the encoder stops earlier.
    static let limit = 4_000

    static func join(subject: String, body: String) -> String {
        let subject = String(BaseSubject.of(String(subject.prefix(400))).prefix(300))
        let body = Self.trimmed(String(body.unicodeScalars.prefix(Self.limit)))
        if subject.isEmpty { return body }
        // Many mail clients repeat the first line as subject.
        return body.hasPrefix(subject) || body.isEmpty ? (body.isEmpty ? subject : body) : "\(subject)\n\(body)"
    }

    /// Without white space at the ends and without control characters.
    private static func trimmed(_ text: String) -> String {
        func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x0A && byte != 0x09 }
        var scalars = text.unicodeScalars[...]
        if text.utf8.contains(where: isControl) {
            scalars.removeAll { isControl(UInt8(truncatingIfNeeded: min($0.value, 0xFF))) }
        }
        while scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
        while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
        return String(scalars)
    }
}
