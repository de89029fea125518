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
        guard let line = message.bodyText.split(separator: "\n").first(where: { $0.hasPrefix("{\"notificationType\"") }),
            let notice = try? JSONDecoder().decode(Notice.self, from: Data(line.utf8))
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

    private static func answer(
        _ kind: MessageClassification.Kind, _ recipients: [Bounce.Recipient], _ original: MessageID?
    ) -> MessageClassification {
        MessageClassification(
            kind: kind, reasons: ["notice of a sending service"], suppressAutoReply: true,
            bounce: Bounce(recipients: recipients, originalMessageID: original))
    }
}
