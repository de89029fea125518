package import DeskModel
internal import MIME

/// Reads raw mail into values, and hands what looks dangerous to a child process that may die in its place (C5).
package struct MailReader: Sendable {
    /// Larger mails are always read by the child.
    static let isolationSize = 2 << 20

    private let ownAddresses: Set<String>
    private let authservIDs: [String]
    /// Parses in a child process under limits; throws when the child died or took too long.
    private let isolated: @Sendable ([UInt8]) async throws -> InboundMessage

    package init(
        settings: DeskSettings, isolated: @escaping @Sendable ([UInt8]) async throws -> InboundMessage
    ) {
        self.ownAddresses = Set(settings.mailboxes.flatMap { [$0.address] + $0.aliases }.map(\.normalized))
        self.authservIDs = settings.authservIDs
        self.isolated = isolated
    }

    /// - Parameter suspect: True when a batch with this mail in it was never finished.
    func read(_ bytes: [UInt8], suspect: Bool) async -> ParsedMail.Content {
        let isSuspicious =
            if case .suspicious = MIMEParser.inspect(bytes) { true } else { false }
        guard suspect || isSuspicious || bytes.count > Self.isolationSize else {
            return self.classified(MIMEParser.parse(bytes))
        }
        do {
            return self.classified(try await self.isolated(bytes))
        } catch {
            return .unreadable(reason: "the parser gave up on it (\(error))")
        }
    }

    /// Of a mail that is too large to fetch, only its header.
    func readHeader(_ bytes: [UInt8], size: Int) -> ParsedMail.Content {
        var message = MIMEParser.parse(bytes)
        message.bodyText =
            "This mail has \(size) octets, more than is fetched. Read it in the mailbox; its attachments are only there."
        message.reply = ReplyText(visible: message.bodyText, signature: "", quoted: "")
        return .oversized(message, self.classification(message), size: size)
    }

    package func classification(_ message: InboundMessage) -> MessageClassification {
        AutomaticMail.classify(message, own: self.ownAddresses, authservIDs: self.authservIDs)
    }

    private func classified(_ message: InboundMessage) -> ParsedMail.Content {
        .parsed(message, self.classification(message))
    }
}
