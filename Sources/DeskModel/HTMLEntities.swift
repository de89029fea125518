/// Character references of HTML.
enum HTMLEntities {
    /// Latin-1 from U+00A0 on, in order.
    private static let latin = """
        nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro \
        para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil \
        Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave \
        Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
        igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute \
        thorn yuml
        """

    private static let others: [(String, UInt32)] = [
        ("quot", 0x22), ("amp", 0x26), ("lt", 0x3C), ("gt", 0x3E), ("apos", 0x27), ("QUOT", 0x22), ("AMP", 0x26),
        ("LT", 0x3C), ("GT", 0x3E), ("COPY", 0xA9), ("REG", 0xAE), ("OElig", 0x152), ("oelig", 0x153),
        ("Scaron", 0x160), ("scaron", 0x161), ("Yuml", 0x178), ("fnof", 0x192), ("circ", 0x2C6), ("tilde", 0x2DC),
        ("ensp", 0x2002), ("emsp", 0x2003), ("thinsp", 0x2009), ("zwnj", 0x200C), ("zwj", 0x200D), ("lrm", 0x200E),
        ("rlm", 0x200F), ("ndash", 0x2013), ("mdash", 0x2014), ("horbar", 0x2015), ("lsquo", 0x2018), ("rsquo", 0x2019),
        ("sbquo", 0x201A), ("ldquo", 0x201C), ("rdquo", 0x201D), ("bdquo", 0x201E), ("dagger", 0x2020),
        ("Dagger", 0x2021), ("bull", 0x2022), ("hellip", 0x2026), ("permil", 0x2030), ("prime", 0x2032),
        ("Prime", 0x2033), ("lsaquo", 0x2039), ("rsaquo", 0x203A), ("oline", 0x203E), ("frasl", 0x2044),
        ("euro", 0x20AC), ("trade", 0x2122), ("larr", 0x2190), ("uarr", 0x2191), ("rarr", 0x2192), ("darr", 0x2193),
        ("harr", 0x2194), ("rArr", 0x21D2), ("hArr", 0x21D4), ("forall", 0x2200), ("part", 0x2202), ("exist", 0x2203),
        ("empty", 0x2205), ("nabla", 0x2207), ("isin", 0x2208), ("notin", 0x2209), ("ni", 0x220B), ("prod", 0x220F),
        ("sum", 0x2211), ("minus", 0x2212), ("lowast", 0x2217), ("radic", 0x221A), ("infin", 0x221E), ("and", 0x2227),
        ("or", 0x2228), ("cap", 0x2229), ("cup", 0x222A), ("int", 0x222B), ("sim", 0x223C), ("asymp", 0x2248),
        ("ne", 0x2260), ("equiv", 0x2261), ("le", 0x2264), ("ge", 0x2265), ("sub", 0x2282), ("sup", 0x2283),
        ("sdot", 0x22C5), ("loz", 0x25CA), ("spades", 0x2660), ("clubs", 0x2663), ("hearts", 0x2665), ("diams", 0x2666),
        ("check", 0x2713), ("star", 0x2606), ("starf", 0x2605), ("phone", 0x260E), ("hyphen", 0x2010), ("dash", 0x2010),
        ("num", 0x23), ("dollar", 0x24), ("percnt", 0x25), ("lpar", 0x28), ("rpar", 0x29), ("ast", 0x2A),
        ("plus", 0x2B),
        ("comma", 0x2C), ("period", 0x2E), ("sol", 0x2F), ("colon", 0x3A), ("semi", 0x3B), ("equals", 0x3D),
        ("quest", 0x3F), ("commat", 0x40), ("lsqb", 0x5B), ("lbrack", 0x5B), ("bsol", 0x5C), ("rsqb", 0x5D),
        ("rbrack", 0x5D), ("lowbar", 0x5F), ("grave", 0x60), ("lcub", 0x7B), ("lbrace", 0x7B), ("verbar", 0x7C),
        ("vert", 0x7C), ("rcub", 0x7D), ("rbrace", 0x7D), ("Tab", 0x20), ("NewLine", 0x20), ("excl", 0x21),
        ("Ccaron", 0x10C), ("ccaron", 0x10D), ("Zcaron", 0x17D), ("zcaron", 0x17E), ("Ecaron", 0x11A),
        ("ecaron", 0x11B),
        ("Rcaron", 0x158), ("rcaron", 0x159), ("lstrok", 0x142), ("Lstrok", 0x141), ("aogon", 0x105), ("eogon", 0x119),
        ("sacute", 0x15B), ("zacute", 0x17A), ("zdot", 0x17C), ("cacute", 0x107), ("nacute", 0x144), ("inodot", 0x131),
        ("Idot", 0x130), ("scedil", 0x15F), ("Scedil", 0x15E), ("gbreve", 0x11F), ("Gbreve", 0x11E), ("odblac", 0x151),
        ("udblac", 0x171), ("zwsp", 0x200B), ("ZeroWidthSpace", 0x200B), ("NoBreak", 0x2060),
    ]

    /// Greek letters in the order of Unicode; the gap in the capitals is not assigned.
    private static let greek =
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega"

    private static let table: [String: UInt32] = {
        var table = Dictionary(uniqueKeysWithValues: Self.others)
        for (index, name) in Self.latin.split(separator: " ").enumerated() {
            table[String(name)] = 0xA0 + UInt32(index)
        }
        for (index, name) in Self.greek.split(separator: " ").enumerated() {
            table[String(name)] = 0x3B1 + UInt32(index)
            if name != "sigmaf" { table[name.prefix(1).uppercased() + name.dropFirst()] = 0x391 + UInt32(index) }
        }
        return table
    }()

    /// 0x80…0x9F of windows-1252, which numeric references in that range mean.
    private static let windowsC1: [UInt32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D,
        0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153,
        0x9D,
        0x017E, 0x0178,
    ]

    /// Appends text with its references decoded.
    static func append(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == 0x26, let (scalar, end) = Self.reference(text, at: index) {
                output += Array(String(Character(scalar)).utf8)
                index = end
            } else {
                output.append(byte)
                index += 1
            }
        }
    }

    /// The character that the reference at `start` stands for, and where the reference ends; nil when it is none.
    static func reference(_ text: ArraySlice<UInt8>, at start: Int) -> (Unicode.Scalar, Int)? {
        var index = start + 1
        guard index < text.endIndex else { return nil }
        if text[index] == 0x23 { return Self.numeric(text, at: start) }
        while index < text.endIndex, index - start < 24, Self.isAlphanumeric(text[index]) { index += 1 }
        guard index > start + 1 else { return nil }
        let name = String(decoding: text[(start + 1)..<index], as: UTF8.self)
        let isClosed = index < text.endIndex && text[index] == 0x3B
        guard let value = Self.table[name], let scalar = Unicode.Scalar(value) else { return nil }
        // Without the semicolon only the old names count, and not inside a query string.
        guard isClosed || (value <= 0xFF && !(index < text.endIndex && text[index] == 0x3D)) else { return nil }
        return (scalar, isClosed ? index + 1 : index)
    }

    private static func numeric(_ text: ArraySlice<UInt8>, at start: Int) -> (Unicode.Scalar, Int)? {
        var index = start + 2
        let isHexadecimal = index < text.endIndex && text[index] | 0x20 == 0x78
        if isHexadecimal { index += 1 }
        var value: UInt32 = 0
        let first = index
        while index < text.endIndex, index - first < 8 {
            let byte = text[index]
            if byte >= 0x30, byte <= 0x39 {
                value = value * (isHexadecimal ? 16 : 10) + UInt32(byte - 0x30)
            } else if isHexadecimal, byte | 0x20 >= 0x61, byte | 0x20 <= 0x66 {
                value = value * 16 + UInt32((byte | 0x20) - 0x61) + 10
            } else {
                break
            }
            index += 1
            if value > 0x10FFFF { value = 0x110000 }
        }
        guard index > first else { return nil }
        if value >= 0x80, value < 0xA0 { value = Self.windowsC1[Int(value) - 0x80] }
        let isControl = value < 0x20 && value != 0x09 && value != 0x0A
        let scalar = isControl ? Unicode.Scalar(0xFFFD) : Unicode.Scalar(value) ?? "\u{FFFD}"
        return (scalar ?? "\u{FFFD}", index < text.endIndex && text[index] == 0x3B ? index + 1 : index)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
    }
}
