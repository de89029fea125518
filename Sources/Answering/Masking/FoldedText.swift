import Foundation

/// A text as it is compared, letter by letter, with the way back to what was written.
///
/// Invisible characters and accents are dropped, letters are lower case, digits of every script are ASCII, wide and
/// styled letters and the look-alikes of other alphabets are the Latin letters that a reader takes them for.
struct FoldedText: Sendable {
    /// As written.
    let original: [Unicode.Scalar]
    let scalars: [Unicode.Scalar]
    /// Position in `original` of each of `scalars`.
    private let origins: [Int]
    /// Whether it is written with a capital letter.
    let isCapital: [Bool]

    init(_ text: String) {
        let original = Array(text.unicodeScalars)
        var scalars: [Unicode.Scalar] = []
        var origins: [Int] = []
        var capitals: [Bool] = []
        scalars.reserveCapacity(original.count)
        for (position, scalar) in original.enumerated() {
            for folded in Self.folded(scalar) {
                scalars.append(folded)
                origins.append(position)
                capitals.append(scalar.properties.isUppercase)
            }
        }
        self.original = original
        self.scalars = scalars
        self.origins = origins
        self.isCapital = capitals
    }

    /// What was written at `range`, with the invisible characters behind it.
    func written(_ range: Range<Int>) -> Range<Int> {
        guard let last = range.last else { return 0..<0 }
        var end = self.origins[last] + 1
        while end < self.original.count, Self.folded(self.original[end]).isEmpty { end += 1 }
        return self.origins[range.lowerBound]..<end
    }

    func text(_ range: Range<Int>) -> String { Self.text(self.scalars[range]) }

    static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    func isDigit(_ index: Int) -> Bool { self.scalars.indices.contains(index) && self.scalars[index].isFoldedDigit }
    func isLetter(_ index: Int) -> Bool { self.scalars.indices.contains(index) && self.scalars[index].isFoldedLetter }
    func isAlphanumeric(_ index: Int) -> Bool { self.isDigit(index) || self.isLetter(index) }
    func scalar(_ index: Int) -> Unicode.Scalar? { self.scalars.indices.contains(index) ? self.scalars[index] : nil }

    // MARK: - Folding

    private static func folded(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if scalar.isASCII {
            if ("A"..."Z").contains(scalar) { return [Unicode.Scalar(UInt8(scalar.value) + 32)] }
            if scalar == "\t" { return [" "] }
            return scalar == "\r" ? [] : scalar == "`" ? ["'"] : [scalar]
        }
        if let latin = Self.lookAlikes[scalar] { return [latin] }
        switch scalar.properties.generalCategory {
        case .format, .nonspacingMark, .enclosingMark: return []
        case .dashPunctuation: return ["-"]
        case .spaceSeparator: return [" "]
        case .lineSeparator, .paragraphSeparator: return ["\n"]
        case .initialPunctuation, .finalPunctuation: return ["'"]
        default: break
        }
        if scalar == "−" { return ["-"] }
        if scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue {
            return [Unicode.Scalar(UInt8(ascii: "0") + UInt8(value))]
        }
        let plain = String(scalar).decomposedStringWithCompatibilityMapping.lowercased()
        return plain.unicodeScalars.flatMap { part -> [Unicode.Scalar] in
            if part.properties.generalCategory == .nonspacingMark { return [] }
            if let latin = Self.lookAlikes[part] { return [latin] }
            return Self.ligatures[part].map { Array($0.unicodeScalars) } ?? [part]
        }
    }

    private static let ligatures: [Unicode.Scalar: String] = [
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
    ]

    /// Cyrillic and Greek letters that look like Latin ones, capitals included where they differ in shape.
    private static let lookAlikes: [Unicode.Scalar: Unicode.Scalar] = {
        let pairs: [(String, String)] = [
            ("аеорсхуіјѕԁԛԝһӏ", "aeopcxyijsdqwhl"), ("АВЕКМНОРСТХУІЈЅԌ", "abekmhopctxyijsg"),
            ("αονικρτυχ", "aovikptux"), ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
        ]
        var table: [Unicode.Scalar: Unicode.Scalar] = [:]
        for (foreign, latin) in pairs {
            for (from, to) in zip(foreign.unicodeScalars, latin.unicodeScalars) { table[from] = to }
        }
        return table
    }()
}

extension Unicode.Scalar {
    /// ASCII digit, as folding leaves it.
    var isFoldedDigit: Bool { ("0"..."9").contains(self) }
    var isFoldedLetter: Bool {
        self.isASCII ? ("a"..."z").contains(self) : self.properties.isAlphabetic
    }
}
