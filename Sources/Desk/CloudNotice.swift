internal import DeskModel
internal import Foundation

/// Notices of delivery that a sending service posts as JSON in a mail (`notificationType`).
enum CloudNotice {
    private struct Notice: Decodable {
        struct Recipient: Decodable {
            let emailAddress: String
            let status: String?
        }

        struct Failure: Decodable {
            let bounceType: String?
            let bouncedRecipients: [Recipient]
        }

        struct Complaint: Decodable {
            let complainedRecipients: [Recipient]
        }

        struct Mail: Decodable {
            let commonHeaders: CommonHeaders?
        }

        struct CommonHeaders: Decodable {
            let messageId: String?
        }

        let notificationType: String
        let bounce: Failure?
        let complaint: Complaint?
        let mail: Mail?
    }

    static func read(_ message: InboundMessage) -> MessageClassification? {
        guard message.bodyText.hasPrefix("{\"notificationType\""),
            let notice = try? JSONDecoder().decode(Notice.self, from: Data(Self.json(message.bodyText)))
        else { return nil }
        let original = notice.mail?.commonHeaders?.messageId.flatMap { MessageID($0) }
        switch notice.notificationType {
        case "Bounce":
            let isPermanent = notice.bounce?.bounceType != "Transient"
            let recipients = (notice.bounce?.bouncedRecipients ?? []).map {
                Bounce.Recipient(address: $0.emailAddress.lowercased(), status: $0.status, permanent: isPermanent)
            }
            return Self.answer(.bounce, recipients, original)
        case "Complaint":
            let recipients = (notice.complaint?.complainedRecipients ?? []).map {
                Bounce.Recipient(address: $0.emailAddress.lowercased(), status: nil, permanent: false)
            }
            return Self.answer(.feedback, recipients, original)
        case "Delivery": return Self.answer(.successDSN, [], original)
        default: return nil
        }
    }

    /// The object at the start of the text; mail programs fold its long line.
    private static func json(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for line in text.lines(upTo: 200) {
            if line.utf8.allSatisfy({ $0 <= 0x20 }) || line == "--" { break }
            bytes += line.utf8
        }
        return bytes
    }

    private static func answer(
        _ kind: MessageClassification.Kind, _ recipients: [Bounce.Recipient], _ original: MessageID?
    ) -> MessageClassification {
        MessageClassification(
            kind: kind, reasons: ["notice of a sending service"], suppressAutoReply: true,
            bounce: Bounce(recipients: recipients, originalMessageID: original))
    }
}
