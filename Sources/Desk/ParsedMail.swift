internal import DeskModel
internal import DeskStore
internal import Foundation
internal import MailTransport

/// A mail as it came from the server.
struct FetchedMail: Sendable {
    enum Contents: Sendable, Equatable {
        case whole
        /// Too large: only the header was fetched; the size in octets.
        case header(size: Int)
        case vanished
        /// It is there, but the server does not hand it out.
        case withheld
        /// Nobody asked for it.
        case passedOver
    }

    var uid: UInt32
    var internalDate: Date
    var bytes: [UInt8]
    var contents: Contents

    private static let noteStart = Array("The server sent nothing of ".utf8)

    /// What stands for a mail that is withheld: no other has the same octets.
    static func note(withheld uid: UID, _ folder: FolderRecord, _ mailbox: MailboxSettings) -> [UInt8] {
        self.noteStart + "mail \(uid) of \(folder.name) in \(mailbox.name), UIDVALIDITY \(folder.uidValidity)".utf8
    }

    /// Which mail the octets stand for; nil when they are a mail.
    static func withheldMail(_ bytes: [UInt8]) -> String? {
        bytes.starts(with: self.noteStart)
            ? String(decoding: bytes.dropFirst(self.noteStart.count), as: UTF8.self) : nil
    }
}

/// A fetched mail after parsing, before anything is decided.
struct ParsedMail: Sendable {
    enum Content: Sendable {
        case parsed(InboundMessage, MessageClassification)
        /// Only the header was fetched: the mail is larger than allowed.
        case oversized(InboundMessage, MessageClassification, size: Int)
        /// The parser could not take it; the bytes are all there is.
        case unreadable(reason: String)
        /// The server no longer has it.
        case vanished
    }

    var uid: UInt32
    var internalDate: Date
    var raw: [UInt8]
    var content: Content

    /// Addresses that failed, as a report says.
    var namedFailures: Int {
        switch self.content {
        case .parsed(_, let classification), .oversized(_, let classification, _):
            classification.bounce?.recipients.count ?? 0
        case .unreadable, .vanished: 0
        }
    }
}
