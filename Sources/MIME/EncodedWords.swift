/// RFC 2047 in header values, read as mail programs write it rather than as the standard has it.
///
/// Neighbouring words of one charset are joined as bytes before they become text, since programs split characters
/// between words (and pad each base64 piece).
enum EncodedWords {
    private struct Word {
        let charset: String
        let bytes: [UInt8]
        let end: Int
    }

    /// Decoded text of a field; no line breaks, no NUL.
    static func decode(_ value: [UInt8]) -> (text: String, repair: String?) {
        // Nearly all fields are plain ASCII.
        if value.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x3D }) {
            return (String(decoding: value, as: UTF8.self), nil)
        }
        var text = ""
        var repair: String?
        var plain: [UInt8] = []
        var pending: (charset: String, bytes: [UInt8])?
        var position = 0
        func flushPlain() {
            guard !plain.isEmpty else { return }
            let decoded = Charset.decode(plain, declared: nil)
            if let mend = decoded.repair { repair = "field with raw 8-bit text: \(mend)" }
            text += decoded.text
            plain = []
        }
        func flushWords() {
            guard let words = pending else { return }
            let decoded = Charset.decode(words.bytes, declared: words.charset)
            if let mend = decoded.repair { repair = "encoded word: \(mend)" }
            text += decoded.text
            pending = nil
        }
        while position < value.count {
            if value[position] == 0x3D, let word = Self.word(value, at: position) {
                if plain.allSatisfy({ $0 == 0x20 || $0 == 0x09 }), var words = pending {
                    plain = []
                    if Charset.canonical(words.charset) == Charset.canonical(word.charset) {
                        words.bytes += word.bytes
                        pending = words
                    } else {
                        flushWords()
                        pending = (word.charset, word.bytes)
                    }
                } else {
                    flushWords()
                    flushPlain()
                    pending = (word.charset, word.bytes)
                }
                position = word.end
            } else {
                plain.append(value[position])
                position += 1
                if value[position - 1] != 0x20, value[position - 1] != 0x09 { flushWords() }
            }
        }
        flushWords()
        flushPlain()
        return (Self.oneLine(text), repair)
    }

    /// One line without control characters.
    static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x09, 0x0A, 0x0D: if result.unicodeScalars.last != " " { result += " " }
            case 0..<0x20, 0x7F: continue
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The end of the encoded word at `start`; nil when there is none.
    static func wordEnd(_ value: [UInt8], at start: Int) -> Int? { Self.word(value, at: start)?.end }

    private static func word(_ value: [UInt8], at start: Int) -> Word? {
        guard start + 6 < value.count, value[start + 1] == 0x3F else { return nil }
        var index = start + 2
        while index < value.count, value[index] != 0x3F, value[index] > 0x20, index - start < 80 { index += 1 }
        guard index + 2 < value.count, value[index] == 0x3F, index > start + 2, value[index + 2] == 0x3F else {
            return nil
        }
        let charset = String(decoding: value[(start + 2)..<index], as: UTF8.self)
        let encoding = value[index + 1] | 0x20
        guard encoding == 0x62 || encoding == 0x71 else { return nil }
        let first = index + 3
        var end = first
        // `?=` inside a Q word can be the text "?" before an "=XX"; a word's end is followed by a blank or the value's end.
        while end + 1 < value.count,
            !(value[end] == 0x3F && value[end + 1] == 0x3D && Self.isWordEnd(value, end, encoding))
        {
            end += 1
        }
        // A last word that was cut off keeps what there is.
        let isClosed = end + 1 < value.count
        let text = value[first..<(isClosed ? end : value.count)]
        if !isClosed, text.contains(0x20) { return nil }
        let bytes = encoding == 0x62 ? Self.base64(text) : Self.quoted(text)
        return Word(charset: charset, bytes: bytes, end: isClosed ? end + 2 : value.count)
    }

    private static func isWordEnd(_ value: [UInt8], _ index: Int, _ encoding: UInt8) -> Bool {
        guard encoding == 0x71, index + 3 < value.count else { return true }
        return Self.hex(value[index + 2]) == nil || Self.hex(value[index + 3]) == nil
    }

    static func base64(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text {
            let value: UInt32
            switch byte {
            case 0x41...0x5A: value = UInt32(byte - 0x41)
            case 0x61...0x7A: value = UInt32(byte - 0x61 + 26)
            case 0x30...0x39: value = UInt32(byte - 0x30 + 52)
            case 0x2B, 0x2D: value = 62
            case 0x2F, 0x5F: value = 63
            case 0x3D:
                // Padding inside: another padded piece follows.
                bits = 0
                count = 0
                continue
            default: continue
            }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }

    static func quoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == 0x5F {
                bytes.append(0x20)
            } else if byte == 0x3D, index + 2 < text.endIndex, let high = Self.hex(text[index + 1]),
                let low = Self.hex(text[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 2
            } else {
                bytes.append(byte)
            }
            index += 1
        }
        return bytes
    }

    static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
