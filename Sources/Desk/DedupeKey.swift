internal import Crypto
internal import DeskModel
internal import DeskStore
internal import Foundation

/// What makes two copies of a mail the same mail: Message-ID, From, Date, Subject and decoded body, never the trace
/// fields, which differ on every way.
enum DedupeKey {
    static func of(_ message: InboundMessage) -> ContentDigest {
        var hash = SHA256()
        let fields = [
            message.messageID?.text ?? "", message.from.first?.normalized ?? "", message.header("Date") ?? "",
            message.subject, message.bodyText,
        ]
        for field in fields {
            // The length before each field keeps ("ab", "c") apart from ("a", "bc").
            hash.update(data: Self.octets(of: field.utf8.count))
            hash.update(data: Data(field.utf8))
        }
        for attachment in message.attachments { hash.update(data: Data(attachment.sha256.utf8)) }
        return ContentDigest(hash.finalize())
    }

    /// For a mail that could not be parsed.
    static func of(bytes: [UInt8]) -> ContentDigest { ContentDigest(SHA256.hash(data: Data(bytes))) }

    private static func octets(of count: Int) -> Data {
        Data((0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) })
    }
}

extension MessageID {
    /// The form under which foreign ids are indexed: a B-tree row holds no more than 2,704 octets.
    var digest: ContentDigest { ContentDigest(SHA256.hash(data: Data(self.text.utf8))) }
}
