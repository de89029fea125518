internal import DeskModel

/// Makes a copy of a message that GMime can take whatever a stranger wrote, and says what had to be changed.
///
/// GMime 3.2 reads address groups, nested multiparts and nested messages by recursion, and keeps every part and address
/// as an object. So before it sees the bytes:
/// - the top header is reduced to the fields that describe the body (addresses are read by `AddressParser`);
/// - an address field further down with many nested groups loses its name, so that nobody parses it;
/// - `Content-Type` below a depth of 50 loses its name, so that what it opens is a text leaf: recursion stays under
///   about 100 frames of a few hundred bytes and fits any thread's stack, also one of 512 KB;
/// - bytes after the 1,000th part are cut off.
/// One pass, linear in the length, memory bounded by the message.
struct MailMender {
    static let depthLimit = 50
    static let partLimit = 1_000
    static let groupLimit = 8
    /// Address fields of inner headers that are longer are not parsed.
    static let innerAddressLimit = 32 << 10

    private(set) var bytes: [UInt8] = []
    private(set) var repairs: [String] = []

    private struct Level {
        let boundary: [UInt8]
        var isUsed: Bool
    }

    private var open: [Level] = []
    private var known: Set<[UInt8]> = []
    /// Messages opened since the last delimiter line.
    private var openMessages = 0
    private var parts = 0
    /// Declared by the top header.
    private var topBoundary: [UInt8]?
    private var topIsUsed = false

    /// - Parameter header: of `message`; its body starts at `header.bodyStart`.
    init(_ message: borrowing [UInt8], header: borrowing HeaderBlock) {
        self.bytes.reserveCapacity(message.count - header.bodyStart + 512)
        var seen: Set<String> = []
        for field in header.fields {
            guard (field.name.utf8.first ?? 0) | 0x20 == 0x63 else { continue }
            let name = field.name.lowercasedASCII()
            guard name.hasPrefix("content-"), seen.insert(name).inserted, field.value.count <= 16 << 10 else {
                continue
            }
            self.bytes += field.name.utf8
            self.bytes += [0x3A, 0x20]
            self.bytes += field.value
            self.bytes.append(0x0A)
        }
        let isMultipart = self.bytes.firstIndex(of: "multipart/", in: 0..<self.bytes.count) != nil
        self.declareBoundaries(0..<self.bytes.count)
        self.topBoundary = self.open.first?.boundary
        self.bytes.append(0x0A)
        let start = self.bytes.count
        self.bytes += message[header.bodyStart...]
        if self.bytes.first(0x0A, from: start) == self.bytes.count,
            self.bytes.first(0x0D, from: start) < self.bytes.count
        {
            for index in start..<self.bytes.count where self.bytes[index] == 0x0D { self.bytes[index] = 0x0A }
            self.note("bare CR read as line ends")
        }
        self.scan(from: start)
        if isMultipart ? !self.topIsUsed : header.first("content-type") == nil { self.findBoundary(from: start) }
    }

    private mutating func note(_ repair: String) {
        if !self.repairs.contains(repair) { self.repairs.append(repair) }
    }

    private mutating func scan(from start: Int) {
        var position = start
        while position < self.bytes.count {
            let end = self.bytes.firstLineFeed(from: position)
            switch self.bytes[position] {
            case 0x2D:
                if position + 2 < end, self.bytes[position + 1] == 0x2D, !self.delimiter(position + 2, end) { return }
            case 0x43, 0x63:
                self.content(position, end)
                self.address(position, end)
            case 0x54, 0x74, 0x42, 0x62, 0x46, 0x66, 0x53, 0x73, 0x52, 0x72: self.address(position, end)
            default: break
            }
            position = end + 1
        }
    }

    /// The end of the field whose first line ends at `end`, folded lines included.
    private borrowing func fieldEnd(_ end: Int) -> Int {
        var end = end
        while end + 1 < self.bytes.count, self.bytes[end + 1] == 0x20 || self.bytes[end + 1] == 0x09 {
            end = self.bytes.firstLineFeed(from: end + 1)
        }
        return min(end, self.bytes.count)
    }
}

// MARK: - Structure

extension MailMender {
    /// - Returns: false when the bytes were cut here.
    private mutating func delimiter(_ start: Int, _ lineEnd: Int) -> Bool {
        guard !self.known.isEmpty, lineEnd - start <= 1_000 else { return true }
        var end = lineEnd
        while end > start, self.bytes[end - 1] <= 0x20 { end -= 1 }
        var boundary = Array(self.bytes[start..<end])
        var isClosing = false
        if !self.known.contains(boundary), boundary.count > 2, boundary.suffix(2) == [0x2D, 0x2D] {
            boundary.removeLast(2)
            isClosing = true
        }
        guard self.known.contains(boundary), let level = self.open.lastIndex(where: { $0.boundary == boundary }) else {
            return true
        }
        self.open.removeSubrange((level + 1)...)
        self.openMessages = 0
        if isClosing {
            if boundary == self.topBoundary { self.topIsUsed = true }
            self.open.removeLast()
            return true
        }
        self.open[level].isUsed = true
        if boundary == self.topBoundary { self.topIsUsed = true }
        self.parts += 1
        if self.parts > Self.partLimit {
            self.bytes.removeSubrange((start - 2)...)
            self.note("more than 1,000 parts; the rest left out")
            return false
        }
        return true
    }

    private mutating func content(_ start: Int, _ end: Int) {
        guard self.bytes.matches("content-type:", at: start) else { return }
        let field = start..<self.fieldEnd(end)
        let isMessage = self.bytes.firstIndex(of: "message/", in: field) != nil
        guard isMessage || self.bytes.firstIndex(of: "multipart/", in: field) != nil else { return }
        let depth = self.open.count { $0.isUsed } + self.openMessages
        if depth >= Self.depthLimit {
            self.bytes[start] = 0x58
            self.note("parts nested deeper than 50 left as text")
            return
        }
        if isMessage { self.openMessages += 1 } else { self.declareBoundaries(field) }
    }

    /// Remembers the boundary that a `Content-Type` in the range declares.
    private mutating func declareBoundaries(_ range: Range<Int>) {
        guard var index = self.bytes.firstIndex(of: "boundary", in: range) else { return }
        index += 8
        while index < range.upperBound, self.bytes[index] != 0x3D { index += 1 }
        index += 1
        while index < range.upperBound, self.bytes[index] <= 0x20 { index += 1 }
        guard index < range.upperBound else { return }
        var boundary: [UInt8] = []
        if self.bytes[index] == 0x22 {
            index += 1
            while index < range.upperBound, self.bytes[index] != 0x22 {
                if self.bytes[index] != 0x0D, self.bytes[index] != 0x0A, self.bytes[index] != 0x5C {
                    boundary.append(self.bytes[index])
                }
                index += 1
            }
        } else {
            while index < range.upperBound, self.bytes[index] > 0x20, self.bytes[index] != 0x3B {
                boundary.append(self.bytes[index])
                index += 1
            }
        }
        while boundary.last == 0x20 { boundary.removeLast() }
        guard !boundary.isEmpty, boundary.count <= 256, self.open.count < 4_096 else { return }
        self.known.insert(boundary)
        self.open.append(Level(boundary: boundary, isUsed: false))
    }

    /// When the declared boundary of the top level never appears but another one evidently does, declares that.
    private mutating func findBoundary(from start: Int) {
        var position = start
        while position < self.bytes.count {
            let end = self.bytes.firstLineFeed(from: position)
            if end - position > 4, self.bytes[position] == 0x2D, self.bytes[position + 1] == 0x2D,
                self.bytes.matches("content-", at: end + 1)
            {
                var last = end
                while last > position, self.bytes[last - 1] <= 0x20 { last -= 1 }
                let found = self.bytes[(position + 2)..<last]
                guard !found.contains(0x22), found.count <= 200 else { return }
                // Without any word of multipart in the header, only what is closed again is believed.
                guard self.topBoundary != nil || self.isClosed(found, from: end) else { return }
                let subtype =
                    self.bytes.firstIndex(of: "multipart/alternative", in: 0..<start) == nil ? "mixed" : "alternative"
                let header =
                    "Content-Type: multipart/\(subtype); boundary=\"\(String(decoding: found, as: UTF8.self))\"\n\n"
                self.bytes.replaceSubrange(0..<start, with: header.utf8)
                self.note("declared boundary never appears; another one used")
                return
            }
            position = end + 1
        }
    }

    private borrowing func isClosed(_ boundary: ArraySlice<UInt8>, from start: Int) -> Bool {
        let closing = [0x2D, 0x2D] + Array(boundary) + [0x2D, 0x2D]
        var position = start + 1
        while position < self.bytes.count {
            if self.bytes[position] == 0x2D, self.bytes[position...].starts(with: closing) { return true }
            position = self.bytes.firstLineFeed(from: position) + 1
        }
        return false
    }

    private mutating func address(_ start: Int, _ end: Int) {
        guard self.isAddressField(start) else { return }
        let field = start..<self.fieldEnd(end)
        // Quotes are not looked at: what GMime takes for the end of one is its own affair.
        let colons = self.bytes[field].count { $0 == 0x3A }
        guard colons > Self.groupLimit + 1 || field.count > Self.innerAddressLimit else { return }
        self.bytes[start] = 0x58
        self.note("address field with nested groups or over 32 KB left unread")
    }

    private borrowing func isAddressField(_ start: Int) -> Bool {
        guard self.bytes[start..<Swift.min(start + 20, self.bytes.count)].contains(0x3A) else { return false }
        let start = self.bytes.matches("resent-", at: start) ? start + 7 : start
        for name in ["reply-to", "from", "to", "cc", "bcc", "sender"] as [StaticString]
        where self.bytes.matches(name, at: start) {
            var end = start + name.utf8CodeUnitCount
            while end < self.bytes.count, self.bytes[end] == 0x20 || self.bytes[end] == 0x09 { end += 1 }
            if end < self.bytes.count, self.bytes[end] == 0x3A { return true }
        }
        return false
    }
}
