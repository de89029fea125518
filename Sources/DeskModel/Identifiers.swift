/// The primary key of one row (`bigint`); `Entity` only keeps keys of different tables apart.
package struct RowID<Entity>: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let rawValue: Int64

    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    package init(from decoder: any Decoder) throws {
        self.rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.rawValue)
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(self.rawValue) }
}

package enum MailboxRow {}
package enum FolderRow {}
package enum MessageRow {}
package enum TicketRow {}
package enum CustomerRow {}
package enum DraftRow {}
package enum OutboxRow {}
package enum ArticleRow {}
package enum ChunkRow {}

package typealias MailboxID = RowID<MailboxRow>
package typealias FolderID = RowID<FolderRow>
package typealias StoredMessageID = RowID<MessageRow>
package typealias TicketID = RowID<TicketRow>
package typealias CustomerID = RowID<CustomerRow>
package typealias DraftID = RowID<DraftRow>
package typealias OutboxID = RowID<OutboxRow>
package typealias ArticleID = RowID<ArticleRow>
package typealias ChunkID = RowID<ChunkRow>

/// What people call a ticket: `MT-` and its number, for example `MT-1042`.
package struct TicketNumber: Hashable, Sendable, CustomStringConvertible {
    package static let prefix = "MT-"

    /// 1 or more.
    package let value: Int64

    package init(_ value: Int64) { self.value = value }

    /// Reads `MT-1042`, `mt-1042` or `1042`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let digits =
            text.lowercased().hasPrefix(Self.prefix.lowercased()) ? text.dropFirst(Self.prefix.count) : text[...]
        guard let value = Int64(digits), value > 0, digits.allSatisfy(\.isNumber) else { return nil }
        self.value = value
    }

    package var description: String { "\(Self.prefix)\(self.value)" }
}
