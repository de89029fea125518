internal import CGMime
internal import DeskModel
internal import Glibc

/// Turns bytes of a named or unnamed charset into text; never fails.
enum Charset {
    struct Decoded {
        let text: String
        /// What was wrong with the declaration; nil when it was right.
        let repair: String?
    }

    /// - Parameter declared: as it stands in the mail; nil or empty when nothing is declared.
    static func decode(_ bytes: some Collection<UInt8>, declared: String?) -> Decoded {
        let bytes = Array(bytes)
        let name = Self.canonical(declared)
        let isPlain = !bytes.contains { $0 >= 0x80 || $0 == 0x1B }
        if isPlain, Self.isASCIICompatible(name) {
            return Decoded(text: String(decoding: bytes, as: UTF8.self), repair: nil)
        }
        if let text = String(validating: bytes, as: UTF8.self), bytes.contains(where: { $0 >= 0x80 }) {
            // Text in another charset is hardly ever valid UTF-8 by accident, except the two-byte ones of the East.
            switch name {
            case "utf-8": return Decoded(text: text, repair: nil)
            case "": return Decoded(text: text, repair: "no charset declared; read as utf-8")
            case "windows-1252", "us-ascii", "iso-8859-15", "iso-8859-2", "windows-1250", "windows-1251":
                return Decoded(text: text, repair: "charset \(name) declared; read as utf-8")
            default: break
            }
        }
        if name == "utf-8" { return Self.brokenUTF8(bytes) }
        if !name.isEmpty, name != "us-ascii" {
            if let result = Self.convert(bytes, from: name) {
                guard result.errors * 20 > bytes.count, name != "iso-2022-jp",
                    let text = String(validating: bytes, as: UTF8.self)
                else {
                    return Decoded(
                        text: result.text, repair: result.errors == 0 ? nil : "bytes that are not \(name) replaced")
                }
                return Decoded(text: text, repair: "charset \(name) declared; read as utf-8")
            }
        }
        let guess = Self.guess(bytes)
        let text = Self.convert(bytes, from: guess)?.text ?? String(decoding: bytes, as: UTF8.self)
        let why = name.isEmpty || name == "us-ascii" ? "no charset declared" : "unknown charset declared"
        return Decoded(text: text, repair: "\(why); read as \(guess)")
    }

    /// Mostly UTF-8 with some bad bytes stays UTF-8; otherwise the declaration is wrong.
    private static func brokenUTF8(_ bytes: [UInt8]) -> Decoded {
        let text = String(decoding: bytes, as: UTF8.self)
        let good = bytes.count { $0 >= 0xC0 }
        let bad = text.unicodeScalars.count { $0 == "\u{FFFD}" }
        if bad * 2 <= good { return Decoded(text: text, repair: "bytes that are not utf-8 replaced") }
        let guess = Self.guess(bytes)
        return Decoded(
            text: Self.convert(bytes, from: guess)?.text ?? text, repair: "charset utf-8 declared; read as \(guess)")
    }

    /// Whether the charset is one of those whose programs break lines between any two characters.
    static func isEastAsian(_ declared: String?) -> Bool {
        switch Self.canonical(declared) {
        case "gb18030", "cp949", "cp932", "iso-2022-jp", "big5-hkscs", "euc-jp", "iso-2022-kr", "hz-gb-2312": true
        default: false
        }
    }

    private static func isASCIICompatible(_ name: String) -> Bool {
        !(name.hasPrefix("utf-16") || name.hasPrefix("utf-32") || name.hasPrefix("utf-7") || name.hasPrefix("hz")
            || name.hasPrefix("ucs") || name.holds("ebcdic") || name.hasPrefix("unicode-1-1"))
    }

    /// Lower case, aliases resolved to the widest charset that people mean by them; empty when nothing is meant.
    static func canonical(_ declared: String?) -> String {
        guard let declared else { return "" }
        var name = declared.lowercasedASCII()
        if !name.utf8.allSatisfy({ $0 > 0x22 && $0 < 0x7F && $0 != 0x27 }) {
            name = name.filter { $0.isASCII && !$0.isWhitespace && $0 != "\"" && $0 != "'" }
        }
        if let star = name.utf8.firstIndex(of: 0x2A) { name = String(name[..<star]) }
        if name.hasPrefix("charset=") { name = String(name.dropFirst(8)) }
        if name.hasPrefix("koi8_") || name.hasPrefix("windows_") || name.hasPrefix("utf_") {
            name = name.replacing("_", with: "-")
        }
        switch name {
        case "utf8", "utf-8", "unicode-2-0-utf-8", "x-utf-8", "utf-8mb4", "utf8mb4": return "utf-8"
        case "ascii", "us-ascii", "ansi_x3.4-1968", "usascii", "7bit", "iso-ir-6", "us": return "us-ascii"
        case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "cp1252", "windows1252", "windows-1252",
            "iso-88591",
            "iso88591", "8859-1":
            return "windows-1252"
        case "gb2312", "gbk", "gb_2312-80", "cp936", "gb18030", "x-gbk", "windows-936", "csgb2312", "chinesegb":
            return "gb18030"
        case "ks_c_5601-1987", "ks_c_5601", "euc-kr", "cp949", "ksc5601", "windows-949", "korean", "ks_c_5601-1989":
            return "cp949"
        case "shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "cp932", "ms_kanji": return "cp932"
        case "iso-2022-jp", "csiso2022jp", "iso-2022-jp-ms", "cp50220", "cp50221": return "iso-2022-jp"
        case "big5", "cp950", "x-x-big5", "big5-eten": return "big5-hkscs"
        case "iso-8859-8-i", "iso-8859-8-e": return "iso-8859-8"
        case "iso-8859-9": return "windows-1254"
        case "iso-8859-11", "tis-620", "windows-874": return "cp874"
        case "unicode-1-1-utf-7", "utf7", "utf-7": return "utf-7"
        case "cp-850", "ibm850", "cp850": return "cp850"
        case "unknown", "unknown-8bit", "x-unknown", "x-user-defined", "default", "none", "default_charset", "binary",
            "8bit",
            "", "_autodetect_all", "_autodetect", "undefined", "null", "ansi", "text/plain", "default-charset",
            "iso-8859":
            return ""
        default:
            if name.hasPrefix("cp-125") { return "windows-" + name.dropFirst(3) }
            if name.hasPrefix("cp125") { return "windows-" + name.dropFirst(2) }
            return name
        }
    }
}

// MARK: - Conversion

extension Charset {
    private static func convert(_ bytes: [UInt8], from name: String) -> (text: String, errors: Int)? {
        if name == "windows-1252" { return (Self.fromWindows1252(bytes), 0) }
        if name == "utf-8" { return (String(decoding: bytes, as: UTF8.self), 0) }
        if name == "iso-2022-jp" {
            // Programs write characters of the vendor's extension, 8-bit Shift JIS too, under the plain name.
            return Self.iconv(ShiftedJIS.from2022(bytes), from: "cp932")
        }
        return Self.iconv(bytes, from: name)
    }

    private static func fromWindows1252(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + bytes.count / 4)
        for byte in bytes {
            if byte < 0x80 {
                text.append(byte)
                continue
            }
            let scalar = byte >= 0xA0 ? UInt16(byte) : Self.windowsC1[Int(byte) - 0x80]
            if scalar < 0x800 {
                text.append(0xC0 | UInt8(scalar >> 6))
            } else {
                text.append(0xE0 | UInt8(scalar >> 12))
                text.append(0x80 | UInt8(scalar >> 6 & 0x3F))
            }
            text.append(0x80 | UInt8(scalar & 0x3F))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// 0x80…0x9F of windows-1252; the five unassigned positions keep their control code.
    static let windowsC1: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D,
        0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153,
        0x9D,
        0x017E, 0x0178,
    ]

    /// Converts with the C library; a bad byte becomes U+FFFD. nil when the charset is not known.
    private static func iconv(_ bytes: [UInt8], from name: String) -> (text: String, errors: Int)? {
        guard !name.isEmpty, name.utf8.count < 64, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }) else {
            return nil
        }
        let invalid = iconv_t(bitPattern: -1)
        var handle = iconv_open("UTF-8", name)
        if handle == invalid { handle = g_mime_iconv_open("UTF-8", name) }
        guard let descriptor = handle, descriptor != invalid else { return nil }
        defer { iconv_close(descriptor) }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + bytes.count / 2 + 16)
        var errors = 0
        var input = bytes
        input.withUnsafeMutableBytes { source in
            guard let base = source.baseAddress else { return }
            var next: UnsafeMutablePointer<CChar>? = base.assumingMemoryBound(to: CChar.self)
            var left = source.count
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 8_192) { chunk in
                while true {
                    var target: UnsafeMutablePointer<CChar>? = chunk.baseAddress
                    var room = chunk.count
                    let status =
                        left > 0
                        ? Glibc.iconv(descriptor, &next, &left, &target, &room)
                        : Glibc.iconv(descriptor, nil, nil, &target, &room)
                    let failure = errno
                    output.append(
                        contentsOf: UnsafeRawBufferPointer(
                            rebasing: UnsafeRawBufferPointer(chunk)[..<(chunk.count - room)]))
                    if status != -1 {
                        if left == 0 && target == chunk.baseAddress { return }
                        continue
                    }
                    if failure == E2BIG { continue }
                    guard left > 0 else { return }
                    output.append(contentsOf: [0xEF, 0xBF, 0xBD])
                    errors += 1
                    if failure == EINVAL { return }
                    next = next.map { $0 + 1 }
                    left -= 1
                }
            }
        }
        return (String(decoding: output, as: UTF8.self), errors)
    }
}
