/// Japanese text with escape sequences (RFC 1468) as Shift JIS, the charset with the same characters and no state.
enum ShiftedJIS {
    private enum Set { case ascii, double, halfKana }

    static func from2022(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var set = Set.ascii
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x1B, index + 2 < bytes.count {
                switch (bytes[index + 1], bytes[index + 2]) {
                case (0x24, 0x28) where index + 3 < bytes.count:
                    set = .double
                    index += 4
                    continue
                case (0x24, _): set = .double
                case (0x28, 0x49): set = .halfKana
                case (0x28, _): set = .ascii
                default:
                    index += 1
                    continue
                }
                index += 3
            } else if byte == 0x0A {
                // Each line starts in ASCII, also when a program forgot to say so.
                set = .ascii
                result.append(byte)
                index += 1
            } else if set == .double, byte >= 0x21, byte <= 0x7E, index + 1 < bytes.count {
                result += Self.shifted(byte, bytes[index + 1])
                index += 2
            } else {
                result.append(set == .halfKana && byte >= 0x21 && byte <= 0x5F ? byte | 0x80 : byte)
                index += 1
            }
        }
        return result
    }

    private static func shifted(_ row: UInt8, _ cell: UInt8) -> [UInt8] {
        guard cell >= 0x21, cell <= 0x7E else { return [0x3F] }
        let lead = (row + 1) / 2 + (row <= 0x5E ? 0x70 : 0xB0)
        let trail = row % 2 == 1 ? cell + (cell >= 0x60 ? 0x20 : 0x1F) : cell + 0x7E
        return [lead, trail]
    }
}

/// What undeclared bytes are most likely to be, from how they lie: escape sequences, pairs, and letter case.
extension Charset {
    static func guess(_ bytes: [UInt8]) -> String {
        if bytes.contains(0x1B), Self.hasJapaneseEscape(bytes) { return "iso-2022-jp" }
        let sample = bytes.prefix(64 << 10)
        var high = 0
        var letters = 0
        var evenRuns = 0
        var oddRuns = 0
        var longRuns = 0
        var run = 0
        for byte in sample {
            if byte >= 0x80 {
                high += 1
                run += 1
                continue
            }
            if byte | 0x20 >= 0x61, byte | 0x20 <= 0x7A { letters += 1 }
            if run > 0 {
                if run % 2 == 0 { evenRuns += 1 } else { oddRuns += 1 }
                if run >= 3 { longRuns += run }
            }
            run = 0
        }
        if run > 0 {
            if run % 2 == 0 { evenRuns += 1 } else { oddRuns += 1 }
            if run >= 3 { longRuns += run }
        }
        guard high > 0 else { return "windows-1252" }
        if Self.looksLikeShiftJIS(sample) { return "cp932" }
        // Words wholly of high letters: Cyrillic. Lower case is what most letters are.
        if longRuns * 2 > high, high >= 6, high > letters / 4 {
            let koi = sample.count { $0 >= 0xC0 && $0 <= 0xDF }
            let windows = sample.count { $0 >= 0xE0 }
            if koi + windows > high * 9 / 10, max(koi, windows) * 10 > (koi + windows) * 7 {
                return koi > windows ? "koi8-r" : "windows-1251"
            }
        }
        if evenRuns > oddRuns * 8, high >= 4 { return Self.pairs(sample) }
        return "windows-1252"
    }

    private static func hasJapaneseEscape(_ bytes: [UInt8]) -> Bool {
        for index in bytes.indices.dropLast(2) where bytes[index] == 0x1B {
            if bytes[index + 1] == 0x24 || (bytes[index + 1] == 0x28 && bytes[index + 2] != 0x42) { return true }
        }
        return false
    }

    /// Hiragana and katakana lead with 0x82 and 0x83, which are rare elsewhere.
    private static func looksLikeShiftJIS(_ sample: ArraySlice<UInt8>) -> Bool {
        var kana = 0
        var characters = 0
        var index = sample.startIndex
        while index + 1 < sample.endIndex {
            let byte = sample[index]
            if byte < 0x80 {
                index += 1
                continue
            }
            characters += 1
            let trail = sample[index + 1]
            if byte == 0x82, trail >= 0x9F, trail <= 0xF1 { kana += 1 }
            if byte == 0x83, trail >= 0x40, trail <= 0x96 { kana += 1 }
            index += 2
        }
        return kana >= 2 && kana * 6 > characters
    }

    private static func pairs(_ sample: ArraySlice<UInt8>) -> String {
        var kana = 0
        var hangul = 0
        var hanzi = 0
        var total = 0
        var index = sample.startIndex
        while index + 1 < sample.endIndex {
            let byte = sample[index]
            if byte < 0x80 {
                index += 1
                continue
            }
            total += 1
            if byte == 0xA4 || byte == 0xA5 { kana += 1 }
            if byte >= 0xB0, byte <= 0xC8 { hangul += 1 }
            if byte >= 0xB0, byte <= 0xF7 { hanzi += 1 }
            index += 2
        }
        if kana * 6 > total { return "euc-jp" }
        if hangul * 10 > total * 8, total >= 8 { return "cp949" }
        return hanzi * 2 > total ? "gb18030" : "windows-1252"
    }
}
