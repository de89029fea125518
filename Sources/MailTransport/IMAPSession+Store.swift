package import struct Foundation.Date

extension IMAPSession {
    // MARK: Flags

    /// Changes flags of messages in the selected folder; messages that are gone are passed over.
    package func store(_ uids: [UID], _ update: FlagUpdate, _ flags: [MailFlag]) async throws(MailError) {
        let verb =
            switch update {
            case .add: "+FLAGS.SILENT"
            case .remove: "-FLAGS.SILENT"
            case .replace: "FLAGS.SILENT"
            }
        let list = flags.map(\.name).joined(separator: " ")
        for set in UIDSet.texts(of: uids) {
            _ = try await self.run(IMAPCommand("UID STORE \(set) \(verb) (\(list))"), causesChanges: true)
        }
    }

    /// Flags of the messages that changed after `modSeq`; new messages are among them. RFC 7162 §3.1.4.
    /// - Throws: `.notSupported` without CONDSTORE.
    package func flags(changedSince modSeq: ModSeq) async throws(MailError) -> [FlagState] {
        guard self.capabilities.hasCondStore else { throw MailError(.notSupported, "the server lacks CONDSTORE") }
        let command = IMAPCommand("UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE \(modSeq))")
        var states: [UID: FlagState] = [:]
        for case .fetch(let item) in try await self.run(command, causesChanges: true).responses {
            guard let uid = item.uid, let flags = item.flags else { continue }
            states[uid] = FlagState(uid: uid, flags: flags, modSeq: item.modSeq)
        }
        return states.values.sorted { $0.uid < $1.uid }
    }

    // MARK: Adding

    /// Files a message.
    /// - Returns: where it went; nil when the server does not tell (no UIDPLUS).
    /// - Throws: `.folderMissing`, `.overQuota`, `.rejected`.
    package func append(
        _ bytes: [UInt8], to folder: FolderName, flags: [MailFlag], date: Date? = nil
    ) async throws(MailError) -> AppendedUID? {
        try await self.append([AppendItem(bytes: bytes, flags: flags, date: date)], to: folder)[0].get()
    }

    /// Files messages in order, several under way at once where the server takes literals unasked (LITERAL+).
    /// - Returns: for each message where it went, or why the server refused it.
    /// - Throws: what ended the session; then it is unknown which messages were filed.
    package func append(
        _ batch: [AppendItem], to folder: FolderName
    ) async throws(MailError) -> [Result<AppendedUID?, MailError>] {
        try await self.begin()
        defer { self.end() }
        self.causesChanges = true
        do throws(MailError) {
            var results: [Result<AppendedUID?, MailError>] = []
            var inFlight: [(tag: String, bytes: Int)] = []
            for item in batch {
                let bytes = CanonicalText.lines(of: item.bytes)
                // Answers are small; what we have not read stays well within the buffers of the link.
                let pipelines = self.sendsAtOnce(bytes.count)
                while let first = inFlight.first, !pipelines || inFlight.count >= 32 {
                    inFlight.removeFirst()
                    results.append(try await self.appended(first.tag, bytes: first.bytes))
                }
                let command = Self.append(item, bytes: bytes, to: folder)
                let deadline = ContinuousClock.now + self.timeouts.transfer(of: bytes.count)
                let (tag, early) = try await self.send(command, until: deadline)
                if let early {
                    results.append(.failure(Self.refusal(early)))
                } else {
                    inFlight.append((tag, bytes.count))
                }
            }
            for (tag, bytes) in inFlight { results.append(try await self.appended(tag, bytes: bytes)) }
            return results
        } catch {
            throw self.fail(error)
        }
    }

    private func appended(_ tag: String, bytes: Int) async throws(MailError) -> Result<AppendedUID?, MailError> {
        let deadline = ContinuousClock.now + self.timeouts.transfer(of: bytes)
        let completion = try await self.completion(of: tag, from: self.framer.consumed, until: deadline)
        guard completion.status == .ok else { return .failure(Self.refusal(completion)) }
        guard completion.text.codeName == "APPENDUID" else { return .success(nil) }
        let numbers = completion.text.codeArguments.split(separator: " ").compactMap { UInt32($0) }
        guard numbers.count == 2, let uid = UID(numbers[1]) else { return .success(nil) }
        return .success(AppendedUID(uidValidity: UIDValidity(numbers[0]), uid: uid))
    }

    private static func append(_ item: AppendItem, bytes: [UInt8], to folder: FolderName) -> IMAPCommand {
        var command = IMAPCommand("APPEND").appending(string: folder.raw)
        if !item.flags.isEmpty { command.append(" (\(item.flags.map(\.name).joined(separator: " ")))") }
        if let date = item.date { command.append(" \"\(InternalDate.dateTime(date))\"") }
        command.append(" ")
        command.append(literal: bytes)
        return command
    }

    // MARK: Moving and removing

    /// Moves messages out of the selected folder: MOVE (RFC 6851) where offered, else copy, mark and `expunge`.
    /// - Returns: the new numbers, where the server tells them (UIDPLUS).
    package func move(_ uids: [UID], to folder: FolderName) async throws(MailError) -> MovedMessages {
        let moves = self.capabilities.contains("MOVE")
        var result = MovedMessages()
        for set in UIDSet.texts(of: uids) {
            let command = IMAPCommand("UID \(moves ? "MOVE" : "COPY") \(set)").appending(string: folder.raw)
            let completion = try await self.run(command, causesChanges: true)
            try Self.note(completion.text, in: &result)
            for case .status(.ok, let text) in completion.responses { try Self.note(text, in: &result) }
        }
        if !moves, !uids.isEmpty { try await self.expunge(uids) }
        return result
    }

    /// `COPYUID validity source-set destination-set`, RFC 4315.
    private static func note(_ text: IMAPResponse.Text, in result: inout MovedMessages) throws(MailError) {
        guard text.codeName == "COPYUID" else { return }
        let words = text.codeArguments.split(separator: " ")
        guard words.count == 3, let validity = UInt32(words[0]), let from = UIDSet.parse(words[1]),
            let to = UIDSet.parse(words[2])
        else { return }
        result.uidValidity = UIDValidity(validity)
        for (source, destination) in zip(try UIDSet.members(of: from), try UIDSet.members(of: to)) {
            result.destinations[source] = destination
        }
    }

    /// Removes messages from the selected folder, and no others: with UIDPLUS for good, without it they are only marked
    /// `\Deleted`, because a plain EXPUNGE would also remove what people have marked. RFC 4315.
    package func expunge(_ uids: [UID]) async throws(MailError) {
        try await self.store(uids, .add, [.deleted])
        guard self.capabilities.contains("UIDPLUS") else { return }
        for set in UIDSet.texts(of: uids) {
            _ = try await self.run(IMAPCommand("UID EXPUNGE \(set)"), causesChanges: true)
        }
    }
}
