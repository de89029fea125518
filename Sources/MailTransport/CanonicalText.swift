/// The form in which mail crosses the wire.
enum CanonicalText {
    /// `bytes` with every line end, also a lone CR or LF, as CRLF.
    ///
    /// A lone LF before a dot would let a mail end early at a lax server (smuggling). RFC 5321 §2.3.8.
    static func lines(of bytes: [UInt8]) -> [UInt8] {
        guard !Self.isCanonical(bytes) else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 32)
        var previous: UInt8 = 0
        for byte in bytes {
            switch byte {
            case 0x0A where previous == 0x0D: break
            case 0x0A, 0x0D:
                result.append(0x0D)
                result.append(0x0A)
            default: result.append(byte)
            }
            previous = byte
        }
        return result
    }

    /// `bytes` in canonical form, dots at the beginning of lines doubled, ended by CRLF, without the final dot.
    /// RFC 5321 §4.5.2.
    static func smtpData(of bytes: [UInt8]) -> [UInt8] {
        let lines = Self.lines(of: bytes)
        var result: [UInt8] = []
        result.reserveCapacity(lines.count + 64)
        var atLineStart = true
        for byte in lines {
            if atLineStart, byte == 0x2E { result.append(0x2E) }
            result.append(byte)
            atLineStart = byte == 0x0A
        }
        if !atLineStart { result += [0x0D, 0x0A] }
        return result
    }

    private static func isCanonical(_ bytes: [UInt8]) -> Bool {
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 0x0A, previous != 0x0D { return false }
            if previous == 0x0D, byte != 0x0A { return false }
            previous = byte
        }
        return previous != 0x0D
    }
}
