/// A 64-bit key of a text's words: texts that differ in a few words have keys that differ in a few bits (Charikar's
/// similarity hash over words and pairs of words).
enum TextKey {
    /// Fewer words say the same by chance.
    static let wordFloor = 8
    /// Octets that are read; the rest rarely makes a difference.
    private static let octetLimit = 1_500

    /// nil for a short text. Numbers do not count: robots change them from mail to mail.
    static func of(_ text: String) -> Int64? {
        var sums = [Int](repeating: 0, count: 64)
        var words = 0
        var previous: UInt64 = 0
        var word: UInt64 = 0
        var length = 0
        func add(_ feature: UInt64) {
            // The last bits of a running hash are poor: mix them.
            var hash = feature
            hash ^= hash >> 33
            hash &*= 0xff51_afd7_ed55_8ccd
            hash ^= hash >> 33
            for bit in 0..<64 { sums[bit] += (hash >> UInt64(bit)) & 1 == 1 ? 1 : -1 }
        }
        for byte in text.utf8.prefix(Self.octetLimit) {
            let lower = byte >= 0x41 && byte <= 0x5A ? byte + 32 : byte
            if lower >= 0x61 && lower <= 0x7A || lower >= 0x80 {
                if length == 0 { word = 0xcbf2_9ce4_8422_2325 }
                word = (word ^ UInt64(lower)) &* 0x0000_0100_0000_01b3
                length += 1
            } else if length > 0 {
                add(word)
                if words > 0 { add(previous &* 31 &+ word) }
                previous = word
                words += 1
                length = 0
            }
        }
        if length > 0 {
            add(word)
            words += 1
        }
        guard words >= Self.wordFloor else { return nil }
        var key: UInt64 = 0
        for bit in 0..<64 where sums[bit] > 0 { key |= 1 << UInt64(bit) }
        return Int64(bitPattern: key)
    }

    /// Bits in which two keys differ.
    static func distance(_ left: Int64, _ right: Int64) -> Int { (left ^ right).nonzeroBitCount }
}
