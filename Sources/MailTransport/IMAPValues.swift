package import struct Foundation.Date

/// The number of a message within a folder, 1…4294967295, ascending in order of arrival and never reused while
/// `UIDValidity` stays. RFC 9051 §2.3.1.1.
package struct UID: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: UInt32

    /// - Returns: nil for 0, which names no message.
    package init?(_ rawValue: UInt32) {
        guard rawValue > 0 else { return nil }
        self.rawValue = rawValue
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(self.rawValue) }
    /// The next number; nil after the highest.
    package var next: UID? { self.rawValue == .max ? nil : UID(self.rawValue + 1) }
}

/// Changes when the server can no longer keep the UIDs of a folder; then all known UIDs are void. RFC 9051 §2.3.1.1.
package struct UIDValidity: Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: UInt32
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }
    package var description: String { String(self.rawValue) }
}

/// Grows with every change in a folder, up to 2^63 − 1. RFC 7162 §3.1.
package struct ModSeq: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: Int64

    package init?(_ rawValue: Int64) {
        guard rawValue >= 0 else { return nil }
        self.rawValue = rawValue
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(self.rawValue) }
}

/// Messages with consecutive numbers, both ends included.
package struct UIDRange: Hashable, Sendable {
    package let first: UID
    /// nil means: to the last message that there is.
    package let last: UID?

    /// - Returns: nil when `last` is below `first`.
    package init?(_ first: UID, through last: UID?) {
        if let last, last < first { return nil }
        self.first = first
        self.last = last
    }

    package static func from(_ first: UID) -> UIDRange { UIDRange(first) }
    private init(_ first: UID) {
        self.first = first
        self.last = nil
    }

    package func contains(_ uid: UID) -> Bool { uid >= self.first && self.last.map { uid <= $0 } ?? true }
    var text: String { "\(self.first):\(self.last.map(\.description) ?? "*")" }
}

/// A flag or keyword of a message; compared without case. RFC 9051 §2.3.2.
package struct MailFlag: Hashable, Sendable, CustomStringConvertible {
    package static let seen = MailFlag(known: "\\Seen")
    package static let answered = MailFlag(known: "\\Answered")
    package static let flagged = MailFlag(known: "\\Flagged")
    package static let deleted = MailFlag(known: "\\Deleted")
    package static let draft = MailFlag(known: "\\Draft")

    /// As it stands on the wire.
    package let name: String

    /// A keyword such as `$label1`, or a system flag with its backslash.
    /// - Returns: nil when `name` is no atom of 1…100 ASCII characters and so cannot be sent.
    package init?(_ name: some StringProtocol) {
        let keyword = name.hasPrefix("\\") ? name.dropFirst() : name[...]
        guard !keyword.isEmpty, keyword.utf8.count <= 100, keyword.utf8.allSatisfy(IMAPCommand.isAtomByte) else {
            return nil
        }
        self.name = String(name)
    }

    private init(known: String) { self.name = known }

    package var isKeyword: Bool { !self.name.hasPrefix("\\") }
    package var description: String { self.name }
    package static func == (left: Self, right: Self) -> Bool { left.name.lowercased() == right.name.lowercased() }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.name.lowercased()) }
}

/// What SELECT or EXAMINE told about a folder.
package struct SelectedFolder: Sendable {
    package var name: FolderName
    package var uidValidity: UIDValidity
    /// nil when the server does not predict it.
    package var uidNext: UID?
    /// Messages in the folder.
    package var exists: Int
    /// nil without CONDSTORE, or when the folder keeps none (`NOMODSEQ`).
    package var highestModSeq: ModSeq?
    /// Flags that can be changed for good.
    package var permanentFlags: Set<MailFlag>
    /// Whether any keyword can be made up (`\*`).
    package var canStoreKeywords: Bool
    package var isReadOnly: Bool
}

/// What STATUS told about a folder; nil where the server did not say.
package struct FolderStatus: Sendable, Hashable {
    package var messages: Int?
    package var uidNext: UID?
    package var uidValidity: UIDValidity?
    package var unseen: Int?
    package var highestModSeq: ModSeq?
}

/// What is known of a message without its contents.
package struct MessageOverview: Sendable, Hashable {
    package var uid: UID
    /// Octets, as the server counts (RFC822.SIZE); some servers count wrong.
    package var size: Int
    /// When the server received it.
    package var internalDate: Date?
    package var flags: Set<MailFlag>
    /// nil without CONDSTORE.
    package var modSeq: ModSeq?

    package init(uid: UID, size: Int, internalDate: Date?, flags: Set<MailFlag>, modSeq: ModSeq?) {
        self.uid = uid
        self.size = size
        self.internalDate = internalDate
        self.flags = flags
        self.modSeq = modSeq
    }
}

/// A message with its contents as stored: all of it, or its header where headers were asked for.
package struct FetchedMessage: Sendable {
    package var uid: UID
    package var internalDate: Date?
    package var flags: Set<MailFlag>
    package var bytes: [UInt8]
}

/// The flags of a message after a change.
package struct FlagState: Sendable, Hashable {
    package var uid: UID
    package var flags: Set<MailFlag>
    package var modSeq: ModSeq?
}

package enum FlagUpdate: Sendable { case add, remove, replace }

/// Where an appended message ended up; only servers with UIDPLUS tell. RFC 4315.
package struct AppendedUID: Sendable, Hashable {
    package var uidValidity: UIDValidity
    package var uid: UID
}

/// A message to append.
package struct AppendItem: Sendable {
    /// With CRLF or LF line ends.
    package var bytes: [UInt8]
    package var flags: [MailFlag]
    /// Becomes INTERNALDATE; nil means now.
    package var date: Date?

    package init(bytes: [UInt8], flags: [MailFlag], date: Date? = nil) {
        self.bytes = bytes
        self.flags = flags
        self.date = date
    }
}

/// Where moved messages ended up; nil validity and an empty map when the server does not tell.
package struct MovedMessages: Sendable {
    package var uidValidity: UIDValidity?
    package var destinations: [UID: UID] = [:]
}

/// How an IDLE ended.
package enum IdleEvent: Sendable, Hashable {
    /// Messages came or went, or flags changed.
    case changed(exists: Int)
    case deadline
    /// The task was cancelled; the session is still usable.
    case cancelled
    /// Another command on this session wanted its turn.
    case interrupted
}
