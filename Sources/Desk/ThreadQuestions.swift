internal import DeskModel
internal import DeskStore
internal import Postgres

/// What has to be looked up about some mails before their threads can be told.
struct ThreadQuestions: Sendable {
    private let dedupeKeys: [ContentDigest]
    private let digests: Set<ContentDigest>
    private let ownIDs: [String]
    private let tokenTickets: [TicketID]
    private let numbers: [Int64]
    /// Ids of mail that reports are about.
    let reported: [ContentDigest]

    init(_ mails: [ParsedMail], threading: Threading) {
        var dedupeKeys: [ContentDigest] = []
        var ids: Set<MessageID> = []
        var digests: Set<ContentDigest> = []
        var ownIDs: [String] = []
        var numbers: [Int64] = []
        var reported: Set<MessageID> = []
        for mail in mails {
            switch mail.content {
            case .parsed(let message, let classification), .oversized(let message, let classification, _):
                dedupeKeys.append(DedupeKey.of(message))
                ids.formUnion(Threading.candidates(of: message).map(\.id))
                digests.formUnion(threading.references(of: message).map(\.digest))
                reported.formUnion(Threading.reportedIDs(message, classification))
                if let id = message.messageID { ownIDs.append(id.text) }
                if let number = Threading.ticketNumber(in: message.subject) { numbers.append(number.value) }
            case .unreadable: dedupeKeys.append(DedupeKey.of(bytes: mail.raw))
            case .vanished: break
            }
        }
        self.dedupeKeys = dedupeKeys
        self.digests = digests.union(ids.map(\.digest))
        self.ownIDs = ownIDs
        self.tokenTickets = ids.union(reported).compactMap { threading.signer.verify($0)?.ticketID }
        self.numbers = numbers
        self.reported = reported.map(\.digest)
    }

    func ask(_ store: DeskStore, in transaction: PostgresTransaction) async throws -> IntakeLookup {
        try await store.lookUp(
            dedupeKeys: self.dedupeKeys, threadDigests: Array(self.digests), ownIDs: self.ownIDs,
            tokenTickets: self.tokenTickets, numbers: self.numbers, reported: self.reported, in: transaction)
    }
}
