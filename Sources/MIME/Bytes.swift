internal import Glibc

extension [UInt8] {
    /// The bytes with LF for CR when there is no other line end at all.
    func withLineFeeds() -> [UInt8] {
        guard self.first(0x0A, from: 0) == self.count, self.first(0x0D, from: 0) < self.count else { return self }
        return self.map { $0 == 0x0D ? 0x0A : $0 }
    }

    /// The bytes with LF for CR LF.
    func withoutReturnsBeforeFeeds() -> [UInt8] {
        var next = self.first(0x0D, from: 0)
        guard next < self.count else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(self.count)
        var start = 0
        while next < self.count {
            if next + 1 < self.count, self[next + 1] == 0x0A {
                result += self[start..<next]
                start = next + 1
            }
            next = self.first(0x0D, from: next + 1)
        }
        result += self[start...]
        return result
    }

    /// The index of the next `byte` at or after `position`, or `count`.
    borrowing func first(_ byte: UInt8, from position: Int) -> Int {
        let count = self.count
        guard position < count else { return count }
        return self.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return count }
            guard let found = memchr(base + position, Int32(byte), count - position) else { return count }
            return UnsafeRawPointer(found) - UnsafeRawPointer(base)
        }
    }

    /// Whether the bytes at `position` are `text`, which is lower-case ASCII; case does not count.
    borrowing func matches(_ text: StaticString, at position: Int) -> Bool {
        let length = text.utf8CodeUnitCount
        guard position + length <= self.count else { return false }
        for offset in 0..<length {
            let byte = self[position + offset]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if lower != text.utf8Start[offset] { return false }
        }
        return true
    }

    /// Where `text` (lower-case ASCII) first stands in the range, without case; nil when it does not.
    borrowing func firstIndex(of text: StaticString, in range: Range<Int>) -> Int? {
        let length = text.utf8CodeUnitCount
        guard range.count >= length else { return nil }
        let head = text.utf8Start[0]
        for position in range.lowerBound...(range.upperBound - length) {
            let byte = self[position]
            if (byte == head || byte | 0x20 == head), self.matches(text, at: position) { return position }
        }
        return nil
    }
}
