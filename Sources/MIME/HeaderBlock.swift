internal import DeskModel

/// The header of one message, cut out of the raw bytes without recursion and without trust in line ends.
struct HeaderBlock {
    struct Field {
        let name: String
        /// The bytes after the colon, unfolded; no CR, LF or NUL.
        let value: [UInt8]
        /// True when the value went over the limit and was cut.
        let isCut: Bool
    }

    /// Limits of a header that is believed without a second look (A1, A2).
    static let fieldLimit = 64 << 10
    static let blockLimit = 256 << 10
    static let countLimit = 1_000

    private(set) var fields: [Field] = []
    /// Where the body starts; the length of the bytes when there is none.
    private(set) var bodyStart = 0
    private(set) var repairs: [String] = []
    private var skipped = 0

    /// Reads the header that starts at `start`.
    init(_ bytes: borrowing [UInt8], from start: Int = 0) {
        var position = Self.skipLead(bytes, from: start)
        if position > start { self.repairs.append("text before the header skipped") }
        var total = 0
        while position < bytes.count {
            let end = Self.lineEnd(bytes, from: position)
            if end.content == position {
                self.bodyStart = end.next
                return
            }
            guard let colon = Self.colon(bytes, position, end.content) else {
                if !self.fields.isEmpty || self.skipped < 50, Self.isSkippable(bytes, position, end) {
                    self.skipped += 1
                    self.note("line without a field name skipped")
                    position = end.next
                    continue
                }
                // Body text without the blank line that should stand before it.
                self.note("blank line after the header is missing")
                self.bodyStart = position
                return
            }
            var value: [UInt8] = []
            var line = (start: colon + 1, end: end)
            while line.start < end.content, bytes[line.start] == 0x20 || bytes[line.start] == 0x09 { line.start += 1 }
            var isCut = false
            while true {
                if value.count + line.end.content - line.start > Self.fieldLimit { isCut = true }
                if !isCut { value.append(contentsOf: bytes[line.start..<line.end.content]) }
                position = line.end.next
                guard position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 else { break }
                let next = Self.lineEnd(bytes, from: position)
                if Self.isBlank(bytes, position, next.content) { break }
                line = (position, next)
            }
            let name = Self.name(bytes, end: colon, from: bytes.startIndex)
            total += value.count + name.utf8.count
            if isCut { self.note("field over 64 KB cut") }
            if self.fields.count >= Self.countLimit {
                self.note("more than 1,000 fields; the rest left out")
            } else if total > Self.blockLimit {
                self.note("header over 256 KB; the rest left out")
            } else {
                self.fields.append(Field(name: name, value: self.cleaned(value), isCut: isCut))
            }
            // A line of blanks ends the header as an empty one does: clients differ, and text is safer in the body.
            if position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 {
                let blank = Self.lineEnd(bytes, from: position)
                self.bodyStart = blank.next
                self.note("header ended by a line of blanks")
                return
            }
        }
        self.bodyStart = bytes.count
    }

    /// The first field of that name (lower case).
    func first(_ name: String) -> Field? {
        self.fields.first { $0.name.isSameName(as: name) }
    }

    private mutating func note(_ repair: String) {
        if !self.repairs.contains(repair) { self.repairs.append(repair) }
    }

    private mutating func cleaned(_ value: [UInt8]) -> [UInt8] {
        var first = 0
        var last = value.count
        while first < last, value[first] == 0x20 || value[first] == 0x09 { first += 1 }
        while last > first, value[last - 1] <= 0x20 { last -= 1 }
        guard
            value.first(0, from: first) < last || value.first(0x0D, from: first) < last
                || value.first(0x0A, from: first) < last
        else {
            return first == 0 && last == value.count ? value : Array(value[first..<last])
        }
        self.note("NUL or bare CR in a field removed")
        return value[first..<last].compactMap { $0 == 0 ? nil : $0 == 0x0D || $0 == 0x0A ? 0x20 : $0 }
    }
}

// MARK: - Lines

extension HeaderBlock {
    struct LineEnd {
        /// End of the line without its terminator.
        let content: Int
        /// Start of the next line.
        let next: Int
    }

    /// The end of the line at `position`; LF and CR LF end a line.
    static func lineEnd(_ bytes: borrowing [UInt8], from position: Int) -> LineEnd {
        let feed = bytes.firstLineFeed(from: position)
        let content = feed > position && feed <= bytes.count && bytes[feed - 1] == 0x0D ? feed - 1 : feed
        return LineEnd(content: content, next: min(feed + 1, bytes.count))
    }

    /// Skips blank lines and the `From ` line of an mbox before the first field.
    private static func skipLead(_ bytes: borrowing [UInt8], from start: Int) -> Int {
        var position = start
        if bytes.count >= position + 3, bytes[position] == 0xEF, bytes[position + 1] == 0xBB,
            bytes[position + 2] == 0xBF
        {
            position += 3
        }
        while position < bytes.count {
            let end = Self.lineEnd(bytes, from: position)
            let isFrom = Self.matches(bytes, at: position, "From ") || Self.matches(bytes, at: position, ">From ")
            guard Self.isBlank(bytes, position, end.content) || isFrom else { return position }
            position = end.next
        }
        // Only blanks: an empty header, and the text is all there is.
        return start
    }

    private static func matches(_ bytes: borrowing [UInt8], at position: Int, _ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard position + length <= bytes.count else { return false }
        for offset in 0..<length where bytes[position + offset] != text.utf8Start[offset] { return false }
        return true
    }

    private static func isBlank(_ bytes: borrowing [UInt8], _ start: Int, _ end: Int) -> Bool {
        var index = start
        while index < end {
            if bytes[index] != 0x20 && bytes[index] != 0x09 && bytes[index] != 0x0D { return false }
            index += 1
        }
        return true
    }

    /// The index of the colon when the line starts with a field name (RFC 5322 §2.2; blanks before the colon are
    /// tolerated).
    private static func colon(_ bytes: borrowing [UInt8], _ start: Int, _ end: Int) -> Int? {
        var index = start
        while index < end, bytes[index] > 0x20, bytes[index] < 0x7F, bytes[index] != 0x3A { index += 1 }
        guard index > start, index - start <= 256 else { return nil }
        while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        return index < end && bytes[index] == 0x3A ? index : nil
    }

    private static func name(_ bytes: borrowing [UInt8], end colon: Int, from limit: Int) -> String {
        var end = colon
        while end > limit, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        var start = end
        while start > limit, bytes[start - 1] > 0x20, bytes[start - 1] < 0x7F { start -= 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// A line that is no field stands between fields rather than at the start of the text when a field follows.
    private static func isSkippable(_ bytes: borrowing [UInt8], _ start: Int, _ end: LineEnd) -> Bool {
        guard end.next < bytes.count else { return false }
        if bytes[start] == 0x20 || bytes[start] == 0x09 { return true }
        var line = (start: end.next, end: Self.lineEnd(bytes, from: end.next))
        if line.end.content == line.start { return true }
        for _ in 0..<50 {
            if Self.colon(bytes, line.start, line.end.content) != nil { return true }
            guard line.end.next < bytes.count else { return false }
            line = (line.end.next, Self.lineEnd(bytes, from: line.end.next))
            if line.end.content == line.start { return false }
        }
        return false
    }
}

extension [UInt8] {
    /// The index of the next LF at or after `position`, or `count`.
    borrowing func firstLineFeed(from position: Int) -> Int { self.first(0x0A, from: position) }
}
