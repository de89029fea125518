internal import LinearModel

/// Word and character n-grams as weighted sparse features: hashes of what occurred in training, with how rare it was.
struct LexicalFeatures: Sendable, Hashable {
    /// Hash → feature.
    private var indices: [UInt32: Int32]
    /// By feature.
    private var weights: [Float]
    private var hashes: [UInt32]

    var count: Int { self.hashes.count }

    /// Learns the n-grams of `texts`; those of characters must occur twice.
    init(texts: [String]) {
        var documents: [UInt32: Int32] = [:]
        var isWord: [UInt32: Bool] = [:]
        for text in texts {
            var seen: Set<UInt32> = []
            Self.grams(of: text) { hash, word, _ in
                guard seen.insert(hash).inserted else { return }
                documents[hash, default: 0] += 1
                isWord[hash] = word
            }
        }
        let kept = documents.filter { isWord[$0.key] == true || $0.value > 1 }.keys.sorted()
        let total = Float(texts.count)
        self.init(
            hashes: kept,
            weights: kept.map { 1 + Float(Probability.log(Double((1 + total) / (1 + Float(documents[$0]!))))) })
    }

    private init(hashes: [UInt32], weights: [Float]) {
        self.hashes = hashes
        self.weights = weights
        self.indices = Dictionary(hashes.enumerated().map { ($1, Int32($0)) }) { first, _ in first }
    }

    /// Features of one text: words and characters each of length 0.7.
    func row(_ text: String) -> [FeatureRow.Entry] {
        var words: [Int32: Float] = [:]
        var characters: [Int32: Float] = [:]
        Self.grams(of: text) { hash, isWord, _ in
            guard let index = self.indices[hash] else { return }
            if isWord { words[index, default: 0] += 1 } else { characters[index, default: 0] += 1 }
        }
        return (self.scaled(words) + self.scaled(characters)).sorted { $0.index < $1.index }
    }

    /// What each feature of `text` was made of; for explanations.
    func names(in text: String) -> [Int32: String] {
        var names: [Int32: String] = [:]
        Self.grams(of: text) { hash, isWord, name in
            if isWord, let index = self.indices[hash] { names[index] = name() }
        }
        return names
    }

    private func scaled(_ counts: [Int32: Float]) -> [FeatureRow.Entry] {
        // Counts are damped: the third mention says little more than the second.
        // In a fixed order, or the sum below would differ in its last bits from run to run.
        let entries = counts.sorted { $0.key < $1.key }.map { index, count in
            FeatureRow.Entry(
                index: index, value: (1 + Float(Probability.log(Double(count)))) * self.weights[Int(index)])
        }
        let length = entries.reduce(0) { $0 + $1.value * $1.value }.squareRoot()
        guard length > 0 else { return [] }
        return entries.map { FeatureRow.Entry(index: $0.index, value: $0.value / length * 0.7) }
    }

    // MARK: n-grams

    /// Words, pairs of words, and three to five characters within a word and its borders.
    private static func grams(of text: String, _ visit: (UInt32, _ isWord: Bool, _ name: () -> String) -> Void) {
        var previous: ArraySlice<UInt8>?
        let bytes = Array(text.lowercased().utf8.prefix(TriageText.limit * 2))
        var start = 0
        while start < bytes.count {
            guard Self.isWord(bytes[start]) else {
                start += 1
                continue
            }
            var end = start
            while end < bytes.count, Self.isWord(bytes[end]) { end += 1 }
            let word = bytes[start..<min(end, start + 40)]
            start = end
            visit(Self.hash(word, seed: 0x57), true) { String(decoding: word, as: UTF8.self) }
            if let before = previous {
                visit(Self.hash(word, seed: Self.hash(before, seed: 0x50)), true) {
                    "\(String(decoding: before, as: UTF8.self)) \(String(decoding: word, as: UTF8.self))"
                }
            }
            previous = word
            let padded = [0x20] + word + [0x20]
            for size in 3...5 where padded.count >= size {
                for from in 0...(padded.count - size) {
                    visit(Self.hash(padded[from..<from + size], seed: 0x43), false) { "" }
                }
            }
        }
    }

    /// ASCII letters, digits, the apostrophe, and every byte of a longer character.
    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x27
    }

    private static func hash(_ bytes: ArraySlice<UInt8>, seed: UInt32) -> UInt32 {
        bytes.reduce(2_166_136_261 ^ seed) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.hashes.count)
        for hash in self.hashes { writer.write(hash) }
        for weight in self.weights { writer.writeHalf(weight) }
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        let count = try reader.readInt()
        var hashes: [UInt32] = []
        for _ in 0..<count { hashes.append(try reader.readUInt32()) }
        self.init(hashes: hashes, weights: try reader.readHalves(count))
    }
}
