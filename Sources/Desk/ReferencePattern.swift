internal import Crypto
internal import DeskModel
internal import DeskStore
internal import Foundation

/// How mail of a program that keeps no thread (a marketplace, a ticket system) says what it is about: who sends it, and
/// the words around the number. Written `@market.example Order {ref}`.
///
/// No regular expressions: a pattern that somebody writes must not be able to take for ever over a mail that somebody
/// else writes.
package struct ReferencePattern: Sendable, Hashable {
    /// What the sender's address ends with; lower case.
    package let sender: String
    private let before: String
    private let after: String

    /// - Returns: nil unless the text is a sender with an `@`, white space, and words with one `{ref}`.
    package init?(_ text: String) {
        let parts = text.split(maxSplits: 1, whereSeparator: \.isWhitespace)
        guard parts.count == 2, parts[0].contains("@") else { return nil }
        let pieces = parts[1].components(separatedBy: "{ref}")
        guard pieces.count == 2, !pieces[0].trimmingCharacters(in: .whitespaces).isEmpty else { return nil }
        self.sender = parts[0].lowercased()
        self.before = pieces[0].lowercased()
        self.after = pieces[1].lowercased()
    }

    /// The reference in the subject or the beginning of the body; nil when the sender or the words are others.
    func reference(in message: InboundMessage, from sender: String) -> ForeignReference? {
        guard sender.hasSuffix(self.sender) else { return nil }
        for text in [message.subject, String(message.bodyText.prefix(2_000))] {
            if let value = self.value(in: text.lowercased()) {
                return ForeignReference(sender: self.sender, value: value)
            }
        }
        return nil
    }

    /// Letters, digits and hyphens, at least one digit, right between the words.
    private func value(in text: String) -> String? {
        var rest = text[...]
        while let start = rest.range(of: self.before) {
            let value = rest[start.upperBound...].prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "-"
            }
            if value.count >= 4, value.contains(where: \.isNumber),
                self.after.isEmpty || rest[value.endIndex...].hasPrefix(self.after)
            {
                return String(value)
            }
            rest = rest[start.upperBound...]
        }
        return nil
    }
}

/// A number of somebody else's that stands for a matter.
struct ForeignReference: Hashable {
    let sender: String
    let value: String

    var text: String { self.value }

    /// Stands beside the ids of mails; the prefix keeps it apart from every Message-ID.
    var digest: ContentDigest {
        ContentDigest(SHA256.hash(data: Data("reference\n\(self.sender)\n\(self.value)".utf8)))
    }
}
