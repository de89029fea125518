internal import struct Foundation.Date

/// The responses that carry data.
extension ResponseParser {
    mutating func fetchItems() throws(MailError) -> IMAPResponse.Fetch {
        var fetch = IMAPResponse.Fetch()
        try self.expect(0x28)
        while self.peek != 0x29 {
            let name = try self.atom().uppercased()
            if self.peek == 0x5B {
                try self.skipSection()
                try self.expect(0x20)
                let contents = try self.nstring()
                if fetch.body == nil { fetch.body = contents ?? [] }
            } else {
                try self.expect(0x20)
                try self.fetchItem(name, into: &fetch)
            }
            self.skipSpaces()
        }
        try self.expect(0x29)
        return fetch
    }

    private mutating func fetchItem(_ name: String, into fetch: inout IMAPResponse.Fetch) throws(MailError) {
        switch name {
        case "UID":
            guard let uid = UID(try self.number32()) else { throw self.violation("a UID is zero") }
            fetch.uid = uid
        case "RFC822.SIZE": fetch.size = Int(try self.number64())
        case "FLAGS": fetch.flags = try self.flags()
        case "INTERNALDATE": fetch.internalDate = (try self.nstring()).flatMap { InternalDate.parse($0) }
        case "MODSEQ":
            try self.expect(0x28)
            fetch.modSeq = ModSeq(try self.number64())
            try self.expect(0x29)
        default: try self.skipValue()
        }
    }

    /// Flags that could not be sent back are left out.
    private mutating func flags() throws(MailError) -> Set<MailFlag> {
        var flags: Set<MailFlag> = []
        try self.expect(0x28)
        while self.peek != 0x29 {
            // Some servers write flags with characters that no atom may hold.
            let start = self.at
            while let byte = self.peek, byte != 0x20, byte != 0x29 { self.at += 1 }
            guard self.at > start else { throw self.violation("a list of flags is malformed") }
            if let flag = MailFlag(String(decoding: self.bytes[start..<self.at], as: UTF8.self)) { flags.insert(flag) }
            self.skipSpaces()
        }
        try self.expect(0x29)
        return flags
    }

    mutating func list() throws(MailError) -> IMAPResponse {
        var attributes: Set<String> = []
        try self.expect(0x28)
        while self.peek != 0x29 {
            attributes.insert(try self.atom().lowercased())
            self.skipSpaces()
        }
        try self.expect(0x29)
        try self.expect(0x20)
        let delimiter = (try self.nstring()).map { String(decoding: $0, as: UTF8.self) }
        try self.expect(0x20)
        let name = FolderName(raw: try self.astring())
        return .list(
            IMAPFolder(name: name, delimiter: delimiter.flatMap { $0.isEmpty ? nil : $0 }, attributes: attributes))
    }

    mutating func folderStatus() throws(MailError) -> FolderStatus {
        _ = try self.astring()
        self.skipSpaces()
        var status = FolderStatus()
        try self.expect(0x28)
        while self.peek != 0x29 {
            let name = try self.atom().uppercased()
            try self.expect(0x20)
            switch name {
            case "MESSAGES": status.messages = Int(try self.number32())
            case "UNSEEN": status.unseen = Int(try self.number32())
            case "UIDNEXT": status.uidNext = UID(try self.number32())
            case "UIDVALIDITY": status.uidValidity = UIDValidity(try self.number32())
            case "HIGHESTMODSEQ": status.highestModSeq = ModSeq(try self.number64())
            default: try self.skipValue()
            }
            self.skipSpaces()
        }
        try self.expect(0x29)
        return status
    }

    mutating func search() throws(MailError) -> [ClosedRange<UInt32>] {
        var hits: [ClosedRange<UInt32>] = []
        while let byte = self.peek {
            if byte == 0x28 {  // (MODSEQ n)
                try self.skipValue()
            } else {
                let number = try self.number32()
                hits.append(number...number)
            }
            self.skipSpaces()
        }
        return hits
    }

    /// RFC 4731: `(TAG "x") UID ALL 2,10:11`.
    mutating func extendedSearch() throws(MailError) -> [ClosedRange<UInt32>] {
        if self.peek == 0x28 { try self.skipValue() }
        self.skipSpaces()
        while self.peek != nil {
            let name = try self.atom().uppercased()
            self.skipSpaces()
            if name == "ALL" {
                guard let set = UIDSet.parse(try self.atom()) else { throw self.violation("a set is malformed") }
                return set
            }
            if name != "UID" { try self.skipValue() }
            self.skipSpaces()
        }
        return []
    }

    /// The prefix of the first personal namespace. RFC 2342.
    mutating func namespace() throws(MailError) -> IMAPResponse {
        guard self.peek == 0x28 else { return .other }
        try self.expect(0x28)
        try self.expect(0x28)
        return .namespace(prefix: try self.astring())
    }
}

/// Sets of numbers as IMAP writes them.
enum UIDSet {
    /// - Returns: ranges in the order given; nil when malformed or with `*`.
    static func parse(_ text: some StringProtocol) -> [ClosedRange<UInt32>]? {
        var ranges: [ClosedRange<UInt32>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: ":", omittingEmptySubsequences: false)
            guard let first = ends.first.flatMap({ UInt32($0) }), let last = ends.last.flatMap({ UInt32($0) }),
                ends.count <= 2
            else { return nil }
            ranges.append(min(first, last)...max(first, last))
        }
        return ranges
    }

    /// Compact texts that together name `uids`, each at most `limit` octets, for servers bound the line length.
    static func texts(of uids: [UID], limit: Int = 4000) -> [String] {
        var texts: [String] = []
        var text = ""
        for range in Self.ranges(of: uids) {
            let part = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound):\(range.upperBound)"
            if !text.isEmpty, text.utf8.count + part.utf8.count + 1 > limit {
                texts.append(text)
                text = ""
            }
            text += text.isEmpty ? part : ",\(part)"
        }
        return text.isEmpty ? texts : texts + [text]
    }

    private static func ranges(of uids: [UID]) -> [ClosedRange<UInt32>] {
        var ranges: [ClosedRange<UInt32>] = []
        for uid in Set(uids).sorted() {
            if let last = ranges.last, uid.rawValue > 1, last.upperBound == uid.rawValue - 1 {
                ranges[ranges.count - 1] = last.lowerBound...uid.rawValue
            } else {
                ranges.append(uid.rawValue...uid.rawValue)
            }
        }
        return ranges
    }

    /// The numbers of `ranges`.
    /// - Throws: `.protocolViolation` when they are more than `limit`: a few octets can name four billion.
    static func members(of ranges: [ClosedRange<UInt32>], limit: Int = 8 << 20) throws(MailError) -> [UID] {
        var uids: [UID] = []
        for range in ranges {
            guard range.count <= limit - uids.count else { throw MailError(.protocolViolation, "a set is too large") }
            for number in range { if let uid = UID(number) { uids.append(uid) } }
        }
        return uids
    }
}
