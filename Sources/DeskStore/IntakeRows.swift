package import DeskModel

package import struct Foundation.Date

/// SHA-256 of a Message-ID or of a mail's content; 32 octets.
package typealias ContentDigest = [UInt8]

/// A ticket as far as threading needs to know it.
package struct TicketCandidate: Sendable, Hashable {
    package var id: TicketID
    package var number: Int64
    package var mailboxID: MailboxID
    package var status: TicketStatus
    package var resolvedAt: Date?
    /// Lower case.
    package var customerEmail: String
    /// Lower case; without the customer.
    package var participants: Set<String>
    package var subject: String
    /// Whether the desk has answered by itself: what comes back is for a person, ahead of the queue.
    package var wasAnsweredAutomatically: Bool

    package init(
        id: TicketID, number: Int64, mailboxID: MailboxID, status: TicketStatus, resolvedAt: Date?,
        customerEmail: String, participants: Set<String>, subject: String = "", wasAnsweredAutomatically: Bool = false
    ) {
        self.wasAnsweredAutomatically = wasAnsweredAutomatically
        self.id = id
        self.number = number
        self.mailboxID = mailboxID
        self.status = status
        self.resolvedAt = resolvedAt
        self.customerEmail = customerEmail
        self.participants = participants
        self.subject = subject
    }

    /// Nobody knows whose ticket it is.
    package var isUnsigned: Bool { self.customerEmail == MailAddress.unknown }

    package func isParticipant(_ address: String) -> Bool {
        address == self.customerEmail || self.participants.contains(address)
    }
}

/// What the database knows of a batch before it is planned.
package struct IntakeLookup: Sendable {
    /// Stored messages by dedupe key.
    package var messages: [ContentDigest: StoredMessageID] = [:]
    /// Of our own notes, drafts and sent copies: Message-ID → kind and ticket.
    package var ownWrites: [String: OwnWrite] = [:]
    /// Tickets a Message-ID leads to, by its digest; ascending by ticket.
    package var threads: [ContentDigest: [TicketCandidate]] = [:]
    /// Message-IDs (digests) of mail that is stored, for "same id, other content".
    package var receivedIDs: Set<ContentDigest> = []
    package var ticketsByID: [TicketID: TicketCandidate] = [:]
    package var ticketsByNumber: [Int64: TicketCandidate] = [:]
    /// Of mail that left our mailboxes: the ticket it belongs to; nil for one that belongs to none.
    package var sentIDs: [ContentDigest: TicketID?] = [:]
    /// Failures that people know of already.
    package var knownFailures: Set<FailedDelivery> = []

    package init() {}

    /// An address that a mail of a ticket did not reach.
    package struct FailedDelivery: Sendable, Hashable {
        package var ticketID: TicketID
        /// Lower case.
        package var address: String

        package init(ticketID: TicketID, address: String) {
            self.ticketID = ticketID
            self.address = address
        }
    }

    package struct OwnWrite: Sendable {
        package var kind: String
        package var ticketID: TicketID
        package var writeID: Int64

        package init(kind: String, ticketID: TicketID, writeID: Int64) {
            self.kind = kind
            self.ticketID = ticketID
            self.writeID = writeID
        }
    }
}

/// One batch of mails as the rows that it becomes: written and committed together with its cursor, or not at all.
package struct IntakeBatch: Sendable {
    package struct Ticket: Sendable {
        package var id: TicketID
        package var customerEmail: String
        package var customerName: String?
        package var subject: String
        package var description: String
        package var priority: Analysis.Priority.Level
        package var createdAt: Date
        package var isHistory: Bool
        package var linkedTicketID: TicketID?
        package var answerFrom: String

        package init(
            id: TicketID, customerEmail: String, customerName: String?, subject: String, description: String,
            priority: Analysis.Priority.Level, createdAt: Date, isHistory: Bool, linkedTicketID: TicketID?,
            answerFrom: String
        ) {
            self.id = id
            self.customerEmail = customerEmail
            self.customerName = customerName
            self.subject = subject
            self.description = description
            self.priority = priority
            self.createdAt = createdAt
            self.isHistory = isHistory
            self.linkedTicketID = linkedTicketID
            self.answerFrom = answerFrom
        }
    }

    package struct Message: Sendable {
        package var id: StoredMessageID
        package var ticketID: TicketID?
        package var direction: String
        package var dedupeKey: ContentDigest
        package var isFlagged: Bool
        package var parsed: InboundMessage
        package var classification: MessageClassification
        package var isVerified: Bool?
        package var threadReason: String
        package var internalDate: Date
        package var raw: [UInt8]
        /// "Thank you" and nothing else.
        package var isThanks = false
        /// Of its words; nil for a short text.
        package var textKey: Int64?

        package init(
            id: StoredMessageID, ticketID: TicketID?, direction: String, dedupeKey: ContentDigest, isFlagged: Bool,
            parsed: InboundMessage, classification: MessageClassification, isVerified: Bool?, threadReason: String,
            internalDate: Date, raw: [UInt8]
        ) {
            self.id = id
            self.ticketID = ticketID
            self.direction = direction
            self.dedupeKey = dedupeKey
            self.isFlagged = isFlagged
            self.parsed = parsed
            self.classification = classification
            self.isVerified = isVerified
            self.threadReason = threadReason
            self.internalDate = internalDate
            self.raw = raw
        }
    }

    package enum Disposition: String, Sendable {
        case message
        case duplicateOf = "duplicate_of"
        case ownNote = "own_note"
        case ownDraft = "own_draft"
        case ownSent = "own_sent"
        case oversized, quarantined, history, vanished
    }

    package struct Item: Sendable {
        package var uid: UInt32
        package var disposition: Disposition
        package var messageID: StoredMessageID?

        package init(uid: UInt32, disposition: Disposition, messageID: StoredMessageID? = nil) {
            self.uid = uid
            self.disposition = disposition
            self.messageID = messageID
        }
    }

    package struct ThreadKey: Sendable, Hashable {
        package enum Source: String, Sendable { case received, sent, referenced }
        package var digest: ContentDigest
        package var ticketID: TicketID
        package var source: Source

        package init(digest: ContentDigest, ticketID: TicketID, source: Source) {
            self.digest = digest
            self.ticketID = ticketID
            self.source = source
        }
    }

    package struct Event: Sendable {
        package var ticketID: TicketID?
        package var messageID: StoredMessageID?
        package var kind: String
        /// Flat facts, written as a JSON object.
        package var detail: [String: String]

        package init(
            ticketID: TicketID?, messageID: StoredMessageID?, kind: String, detail: [String: String] = [:]
        ) {
            self.ticketID = ticketID
            self.messageID = messageID
            self.kind = kind
            self.detail = detail
        }
    }

    package struct Quarantined: Sendable {
        package var uid: UInt32
        package var ticketID: TicketID?
        package var reason: String
        package var raw: [UInt8]

        package init(uid: UInt32, ticketID: TicketID?, reason: String, raw: [UInt8]) {
            self.uid = uid
            self.ticketID = ticketID
            self.reason = reason
            self.raw = raw
        }
    }

    /// What a believed report says about a mail that left our mailboxes.
    package struct Failure: Sendable {
        package var delivery: IntakeLookup.FailedDelivery
        /// The report.
        package var messageID: StoredMessageID
        /// Of the mail that came back; nil when the report does not say.
        package var original: MessageID?
        package var status: String?
        package var isPermanent: Bool

        package init(
            delivery: IntakeLookup.FailedDelivery, messageID: StoredMessageID, original: MessageID?, status: String?,
            isPermanent: Bool
        ) {
            self.delivery = delivery
            self.messageID = messageID
            self.original = original
            self.status = status
            self.isPermanent = isPermanent
        }
    }

    /// A mail that left one of our mailboxes.
    package struct SentID: Sendable {
        package var digest: ContentDigest
        package var ticketID: TicketID?
        package var messageID: StoredMessageID?

        package init(digest: ContentDigest, ticketID: TicketID?, messageID: StoredMessageID?) {
            self.digest = digest
            self.ticketID = ticketID
            self.messageID = messageID
        }
    }

    package var mailboxID: MailboxID
    package var folderID: FolderID
    package var uidValidity: UInt32
    /// The cursor after this batch.
    package var lastUID: UInt32
    /// Of the mailbox lease; the write fails when it is no longer held.
    package var leaseEpoch: Int64
    package var tickets: [Ticket] = []
    package var messages: [Message] = []
    package var items: [Item] = []
    package var threadKeys: [ThreadKey] = []
    package var participants: [(ticketID: TicketID, address: String)] = []
    package var events: [Event] = []
    package var quarantined: [Quarantined] = []
    /// Existing tickets whose status changes, and the status that follows.
    package var statuses: [TicketID: TicketStatus] = [:]
    package var failures: [Failure] = []
    /// Addresses that complained about a mail of ours; lower case.
    package var complaints: Set<String> = []
    /// Addresses from which a verified person wrote: they can be reached.
    package var reachable: Set<String> = []
    package var sentIDs: [SentID] = []

    package init(mailboxID: MailboxID, folderID: FolderID, uidValidity: UInt32, lastUID: UInt32, leaseEpoch: Int64) {
        self.mailboxID = mailboxID
        self.folderID = folderID
        self.uidValidity = uidValidity
        self.lastUID = lastUID
        self.leaseEpoch = leaseEpoch
    }
}
