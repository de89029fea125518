internal import DeskModel
package import DeskStore

/// Matters that customers asked about and no article answers: what to write next, the most frequent first.
package struct KnowledgeGaps: Sendable, Codable {
    package struct Matter: Sendable, Codable {
        /// Of the ticket that stands in the middle of the others.
        package let subject: String
        /// Of most of its tickets; nil when they have none.
        package let category: String?
        /// As `MT-1042`; the one in the middle first, then the newest.
        package let tickets: [String]
    }

    package let matters: [Matter]

    /// Cosine with the middle of a group from which a ticket is about the same.
    private static let sameMatter: Float = 0.6

    package init(_ tickets: [UndraftedTicket]) {
        var groups: [(sum: [Float], members: [UndraftedTicket])] = []
        for ticket in tickets {
            let near = groups.indices.map { (group: $0, cosine: Self.cosine(groups[$0].sum, ticket.vector)) }
                .max { $0.cosine < $1.cosine }
            if let near, near.cosine >= Self.sameMatter {
                groups[near.group].sum = zip(groups[near.group].sum, ticket.vector).map { $0 + $1 }
                groups[near.group].members.append(ticket)
            } else {
                groups.append((ticket.vector, [ticket]))
            }
        }
        self.matters = groups.map { Self.matter($0.sum, $0.members) }
            .enumerated().sorted { ($0.element.tickets.count, $1.offset) > ($1.element.tickets.count, $0.offset) }
            .map(\.element)
    }

    private static func matter(_ sum: [Float], _ members: [UndraftedTicket]) -> Matter {
        let middle = members.indices.max { Self.cosine(sum, members[$0].vector) < Self.cosine(sum, members[$1].vector) }
        let first = middle ?? 0
        let categories = Dictionary(grouping: members.compactMap(\.category), by: { $0 })
        return Matter(
            subject: members[first].subject,
            category: categories.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }?.key,
            tickets: ([first] + members.indices.filter { $0 != first }).map { members[$0].number.description })
    }

    private static func cosine(_ sum: [Float], _ vector: [Float]) -> Float {
        let length = Self.product(sum, sum).squareRoot()
        return length > 0 ? Self.product(sum, vector) / length : 0
    }

    private static func product(_ left: [Float], _ right: [Float]) -> Float {
        zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
