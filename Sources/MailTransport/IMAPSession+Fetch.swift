extension IMAPSession {
    /// One pipelined FETCH.
    private struct Batch {
        var uids: [UID]
        /// Expected octets.
        var bytes: Int
        var tag = ""
    }

    private enum Section: String {
        case all = "BODY.PEEK[]"
        /// Headers are cut here: a mail whose header is larger is no mail for people.
        case header = "BODY.PEEK[HEADER]<0.262144>"
    }

    /// Sizes, dates and flags of all messages in `range`, ascending.
    package func overview(_ range: UIDRange) async throws(MailError) -> [MessageOverview] {
        // A range with `*` also names the last message when that is below the start.
        try await self.overview(set: range.text).filter { range.contains($0.uid) }
    }

    /// The same for single messages; those that are gone are missing.
    package func overview(_ uids: [UID]) async throws(MailError) -> [MessageOverview] {
        var result: [MessageOverview] = []
        for set in UIDSet.texts(of: uids) { result += try await self.overview(set: set) }
        return result
    }

    private func overview(set: String) async throws(MailError) -> [MessageOverview] {
        let modSeq = self.capabilities.hasCondStore ? " MODSEQ" : ""
        let command = IMAPCommand("UID FETCH \(set) (UID RFC822.SIZE INTERNALDATE FLAGS\(modSeq))")
        var found: [UID: MessageOverview] = [:]
        for case .fetch(let item) in try await self.run(command, causesChanges: true).responses {
            guard let uid = item.uid else { continue }
            // A server may tell of one message in several responses, and leave out what it cannot tell.
            let known = found[uid]
            found[uid] = MessageOverview(
                uid: uid, size: item.size ?? known?.size ?? 0, internalDate: item.internalDate ?? known?.internalDate,
                flags: item.flags ?? known?.flags ?? [], modSeq: item.modSeq ?? known?.modSeq)
        }
        return found.values.sorted { $0.uid < $1.uid }
    }

    /// Hands each message to `body`, in order of UIDs, without marking it as seen.
    ///
    /// Several commands are under way at once, as many as `maximumBytesInFlight` allows, at least one message. A message
    /// that vanished meanwhile is passed over in silence. The time that `body` takes does not count against the server.
    /// - Parameters:
    ///   - messages: from `overview`; leave out what is too large to hold.
    ///   - maximumBytesInFlight: octets asked for and not yet received, by the sizes in `messages`.
    /// - Throws: what `body` throws, after which the session is usable unless the task was cancelled.
    package func fetch(
        _ messages: [MessageOverview], maximumBytesInFlight: Int = 8 << 20,
        _ body: @Sendable (FetchedMessage) async throws -> Void
    ) async throws {
        try await self.fetch(messages, .all, maximumBytesInFlight: maximumBytesInFlight, body)
    }

    /// The same for messages by number; asks for their sizes first.
    package func fetch(
        _ uids: [UID], maximumBytesInFlight: Int = 8 << 20, _ body: @Sendable (FetchedMessage) async throws -> Void
    ) async throws {
        try await self.fetch(
            try await self.overview(uids), .all, maximumBytesInFlight: maximumBytesInFlight, body)
    }

    /// Hands the header of each message to `body`, cut at 256 KB, in order of UIDs.
    package func fetchHeaders(
        _ uids: [UID], _ body: @Sendable (FetchedMessage) async throws -> Void
    ) async throws {
        // Headers are some kilobytes; the overview would cost another round trip.
        let messages = uids.map { MessageOverview(uid: $0, size: 8 << 10, internalDate: nil, flags: [], modSeq: nil) }
        try await self.fetch(messages, .header, maximumBytesInFlight: 8 << 20, body)
    }

    private func fetch(
        _ messages: [MessageOverview], _ section: Section, maximumBytesInFlight: Int,
        _ body: @Sendable (FetchedMessage) async throws -> Void
    ) async throws {
        guard !messages.isEmpty else { return }
        try await self.begin()
        defer { self.end() }
        self.causesChanges = true
        var batches = Self.batches(of: messages, maximumBytes: maximumBytesInFlight / 2)[...]
        var order = FetchOrder(batches.flatMap(\.uids))
        var inFlight: [Batch] = []
        var failure: (any Error)?
        let from = self.framer.consumed
        let expected = batches.reduce(0) { $0 + $1.bytes }
        var deadline = ContinuousClock.now + self.timeouts.command
        do {
            while true {
                while failure == nil, let batch = batches.first,
                    inFlight.isEmpty || batch.bytes + inFlight.reduce(0, { $0 + $1.bytes }) <= maximumBytesInFlight
                {
                    inFlight.append(try await self.request(batch, section, until: deadline))
                    batches.removeFirst()
                    deadline = .now + self.timeouts.transfer(of: inFlight.reduce(0) { $0 + $1.bytes })
                }
                guard !inFlight.isEmpty else { break }
                let response = try await self.next(until: deadline)
                guard self.framer.consumed - from <= expected + self.limits.command else {
                    throw MailError(.protocolViolation, "a command brought more than allowed")
                }
                switch response {
                case .fetch(let item):
                    guard let uid = item.uid, let bytes = item.body else { continue }
                    order.take(
                        FetchedMessage(
                            uid: uid, internalDate: item.internalDate, flags: item.flags ?? [], bytes: bytes))
                case .tagged(let tag, let status, let text):
                    guard let index = inFlight.firstIndex(where: { $0.tag == tag }) else {
                        throw MailError(.protocolViolation, "an answer to no command")
                    }
                    order.settle(inFlight.remove(at: index).uids)
                    if status != .ok, text.codeName != "EXPUNGEISSUED", failure == nil {
                        failure = Self.refusal(Completion(status: status, text: text))
                    }
                    deadline = .now + self.timeouts.transfer(of: inFlight.reduce(0) { $0 + $1.bytes })
                case .continuation: throw MailError(.protocolViolation, "an answer to no command")
                default: continue
                }
                while failure == nil, let message = order.next() {
                    let started = ContinuousClock.now
                    do { try await body(message) } catch { failure = error }
                    deadline += .now - started
                }
            }
        } catch let error as MailError {
            throw self.fail(error)
        }
        if let failure { throw failure }
    }

    private func request(
        _ batch: Batch, _ section: Section, until deadline: ContinuousClock.Instant
    ) async throws(MailError) -> Batch {
        let set = UIDSet.texts(of: batch.uids, limit: .max).joined()
        var batch = batch
        (batch.tag, _) = try await self.send(
            IMAPCommand("UID FETCH \(set) (UID INTERNALDATE FLAGS \(section.rawValue))"), until: deadline)
        return batch
    }

    /// Ascending, each batch at most `maximumBytes` or one message, and a command line that every server takes.
    private static func batches(of messages: [MessageOverview], maximumBytes: Int) -> [Batch] {
        var batches: [Batch] = []
        var seen: Set<UID> = []
        for message in messages.sorted(by: { $0.uid < $1.uid }) where seen.insert(message.uid).inserted {
            let size = max(0, message.size)
            if let last = batches.last, last.bytes + size <= maximumBytes, last.uids.count < 250 {
                batches[batches.count - 1].uids.append(message.uid)
                batches[batches.count - 1].bytes += size
            } else {
                batches.append(Batch(uids: [message.uid], bytes: size))
            }
        }
        return batches
    }
}
