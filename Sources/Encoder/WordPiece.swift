internal import Foundation

/// The tokenizer of uncased BERT models: same ids as the reference `BertTokenizerFast` for ordinary text.
///
/// Clean, lower-case, strip accents, split at white space, punctuation and CJK characters, then greedy longest match.
/// Special tokens written out in a text (`[SEP]`) are ordinary punctuation here, so that a mail cannot forge them.
struct WordPiece: Sendable {
    /// Words with more characters become one `[UNK]`.
    private static let maximumWord = 100

    private let vocabulary: Vocabulary
    private let cls: Int32
    private let sep: Int32
    private let unknown: Int32

    init(path: String) throws(EncoderError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw EncoderError(.missingFile, "\(path) cannot be read")
        }
        let vocabulary = Vocabulary(lines: [UInt8](data))
        func special(_ name: String) throws(EncoderError) -> Int32 {
            guard let id = vocabulary.id(ofWord: Array(name.utf8)) else {
                throw EncoderError(.malformedVocabulary, "\(path) has no \(name)")
            }
            return id
        }
        self.vocabulary = vocabulary
        self.cls = try special("[CLS]")
        self.sep = try special("[SEP]")
        self.unknown = try special("[UNK]")
    }

    var size: Int { self.vocabulary.count }

    /// Ids of `text` between `[CLS]` and `[SEP]`, at most `limit` in all; reading stops there.
    func ids(_ text: String, limit: Int) -> [Int32] {
        var ids = [self.cls]
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            while start < bytes.count, ids.count < limit - 1 {
                // A run without ASCII white space. Normalisation never reaches across it.
                if Self.isSpace(bytes[start]) {
                    start += 1
                    continue
                }
                var end = start
                var isASCII = true
                while end < bytes.count, !Self.isSpace(bytes[end]) {
                    isASCII = isASCII && bytes[end] < 0x80
                    end += 1
                }
                let run = UnsafeBufferPointer(rebasing: bytes[start..<end])
                if isASCII {
                    self.appendASCII(run, to: &ids, limit: limit)
                } else {
                    self.appendUnicode(String(decoding: run, as: UTF8.self), to: &ids, limit: limit)
                }
                start = end
            }
        }
        if ids.count > limit - 1 { ids.removeLast(ids.count - (limit - 1)) }
        ids.append(self.sep)
        return ids
    }

    // MARK: Words

    private func appendASCII(_ run: UnsafeBufferPointer<UInt8>, to ids: inout [Int32], limit: Int) {
        var word: [UInt8] = []
        for byte in run where byte >= 0x20 && byte != 0x7F {
            if Self.isPunctuation(byte) {
                self.append(word: &word, to: &ids)
                word.append(byte)
                self.append(word: &word, to: &ids)
                if ids.count >= limit { return }
            } else {
                word.append(byte &- 0x41 < 26 ? byte | 0x20 : byte)
            }
        }
        self.append(word: &word, to: &ids)
    }

    private func appendUnicode(_ run: String, to ids: inout [Int32], limit: Int) {
        var cleaned = String.UnicodeScalarView()
        for scalar in run.unicodeScalars where !Self.isControl(scalar) {
            if Self.isCJK(scalar) {
                cleaned.append(contentsOf: [" ", scalar, " "])
            } else {
                cleaned.append(scalar.properties.isWhitespace ? " " : scalar)
            }
        }
        var word: [UInt8] = []
        for scalar in String(cleaned).decomposedStringWithCanonicalMapping.unicodeScalars {
            if scalar.properties.generalCategory == .nonspacingMark { continue }
            if scalar == " " {
                self.append(word: &word, to: &ids)
            } else if Self.isPunctuation(scalar) {
                self.append(word: &word, to: &ids)
                word.append(contentsOf: String(scalar).utf8)
                self.append(word: &word, to: &ids)
            } else {
                word.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
            }
            if ids.count >= limit { return }
        }
        self.append(word: &word, to: &ids)
    }

    /// Greedy longest match; empties `word`.
    private func append(word: inout [UInt8], to ids: inout [Int32]) {
        guard !word.isEmpty else { return }
        defer { word.removeAll(keepingCapacity: true) }
        let characters = word.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
        if characters > Self.maximumWord || !self.vocabulary.appendPieces(of: word, to: &ids) {
            ids.append(self.unknown)
        }
    }

    // MARK: Characters

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// All ASCII characters that are neither letter nor digit count, also `$` and `^`.
    private static func isPunctuation(_ byte: UInt8) -> Bool {
        (0x21...0x2F).contains(byte) || (0x3A...0x40).contains(byte) || (0x5B...0x60).contains(byte)
            || (0x7B...0x7E).contains(byte)
    }

    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return Self.isPunctuation(UInt8(scalar.value)) }
        return switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            true
        default: false
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "\t" || scalar == "\n" || scalar == "\r" { return false }
        if scalar == "\u{FFFD}" { return true }
        return switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate: true
        default: false
        }
    }

    private static func isCJK(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}
