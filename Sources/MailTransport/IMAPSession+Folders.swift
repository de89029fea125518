package import struct Foundation.Date

extension IMAPSession {
    /// All folders, with their roles where the server knows them (SPECIAL-USE, RFC 6154).
    package func folders() async throws(MailError) -> [IMAPFolder] {
        let asks = self.capabilities.contains("SPECIAL-USE") && self.capabilities.contains("LIST-EXTENDED")
        let command = IMAPCommand(asks ? "LIST \"\" \"*\" RETURN (SPECIAL-USE)" : "LIST \"\" \"*\"")
        return try await self.run(command).responses.compactMap { response in
            if case .list(let folder) = response { folder } else { nil }
        }
    }

    /// Makes a folder; one that exists already is fine.
    package func create(_ folder: FolderName) async throws(MailError) {
        try await self.begin()
        defer { self.end() }
        let command = IMAPCommand("CREATE").appending(string: folder.raw)
        let completion = try await self.perform(command, until: .now + self.timeouts.command)
        guard completion.status == .ok || completion.text.codeName == "ALREADYEXISTS" else {
            throw Self.refusal(completion)
        }
    }

    /// What stands before the names of personal folders, such as `INBOX.`; empty for most servers. RFC 2342.
    package func personalPrefix() async throws(MailError) -> String {
        guard self.capabilities.contains("NAMESPACE") else { return "" }
        for case .namespace(let prefix) in try await self.run(IMAPCommand("NAMESPACE")).responses {
            return FolderName(raw: prefix).text
        }
        return ""
    }

    /// Opens a folder; what follows refers to it.
    /// - Throws: `.folderMissing`, `.protocolViolation` when the server gives no UIDVALIDITY.
    package func select(_ folder: FolderName, readOnly: Bool = false) async throws(MailError) -> SelectedFolder {
        try await self.begin()
        defer { self.end() }
        var command = IMAPCommand(readOnly ? "EXAMINE" : "SELECT").appending(string: folder.raw)
        if self.capabilities.hasCondStore { command.append(" (CONDSTORE)") }
        self.selected = nil
        self.exists = 0
        let completion = try await self.perform(command, until: .now + self.timeouts.command)
        guard completion.status == .ok else {
            let error = Self.refusal(completion)
            // Many servers refuse a missing folder without a code.
            throw error.code == .rejected && completion.status == .no && completion.text.code.isEmpty
                ? MailError(.folderMissing, error.context) : error
        }
        var result = SelectedFolder(
            name: folder, uidValidity: UIDValidity(0), uidNext: nil, exists: self.exists, highestModSeq: nil,
            permanentFlags: [.seen, .answered, .flagged, .deleted, .draft], canStoreKeywords: false,
            isReadOnly: readOnly || completion.text.codeName == "READ-ONLY")
        var validity: UInt32?
        for case .status(.ok, let text) in completion.responses {
            let arguments = text.codeArguments
            switch text.codeName {
            case "UIDVALIDITY": validity = UInt32(arguments)
            case "UIDNEXT": result.uidNext = UInt32(arguments).flatMap { UID($0) }
            case "HIGHESTMODSEQ": result.highestModSeq = Int64(arguments).flatMap { ModSeq($0) }
            case "PERMANENTFLAGS":
                let names = arguments.filter { $0 != "(" && $0 != ")" }.split(separator: " ")
                result.permanentFlags = Set(names.compactMap { MailFlag($0) })
                result.canStoreKeywords = names.contains("\\*")
            default: break
            }
        }
        guard let validity else { throw self.fail(MailError(.protocolViolation, "the folder has no UIDVALIDITY")) }
        result.uidValidity = UIDValidity(validity)
        self.selected = folder
        self.hasChanged = false
        return result
    }

    /// Looks at a folder without opening it; not meant for the selected one.
    package func status(_ folder: FolderName) async throws(MailError) -> FolderStatus {
        let modSeq = self.capabilities.hasCondStore ? " HIGHESTMODSEQ" : ""
        let command = IMAPCommand("STATUS").appending(string: folder.raw)
            .appending(" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN\(modSeq))")
        for case .folderStatus(let status) in try await self.run(command).responses { return status }
        throw self.fail(MailError(.protocolViolation, "STATUS brought no status"))
    }

    // MARK: Searching

    /// Messages that the server received on the day of `since` (UTC) or later, ascending.
    package func searchUIDs(since: Date) async throws(MailError) -> [UID] {
        try await self.search(IMAPCommand("SINCE \(InternalDate.day(since))"), isASCII: true)
    }

    /// Messages whose header field holds `value`, compared without case, ascending.
    package func searchUIDs(header: String, value: String) async throws(MailError) -> [UID] {
        let criteria = IMAPCommand("HEADER").appending(string: header).appending(string: value)
        return try await self.search(criteria, isASCII: (header + value).utf8.allSatisfy { $0 < 0x80 })
    }

    /// The numbers that exist within `range`, ascending.
    package func searchUIDs(in range: UIDRange) async throws(MailError) -> [UID] {
        // A range with `*` also names the last message when that is below the start.
        try await self.search(IMAPCommand("UID \(range.text)"), isASCII: true).filter { range.contains($0) }
    }

    private func search(_ criteria: IMAPCommand, isASCII: Bool) async throws(MailError) -> [UID] {
        // ESEARCH answers with ranges instead of every single number. RFC 4731.
        let wantsRanges = self.capabilities.contains("ESEARCH")
        var command = IMAPCommand("UID SEARCH \(wantsRanges ? "RETURN (ALL) " : "")\(isASCII ? "" : "CHARSET UTF-8 ")")
        for part in criteria.parts {
            switch part {
            case .text(let text): command.append(text)
            case .literal(let literal): command.append(literal: literal)
            }
        }
        var uids: Set<UID> = []
        for case .search(let hits) in try await self.run(command).responses {
            uids.formUnion(try UIDSet.members(of: hits))
        }
        return uids.sorted()
    }
}
