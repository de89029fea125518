internal import LinearModel

/// The n-grams of one text, hashed and counted once for all heads: words, pairs of words, and three to five characters
/// within a word and its borders.
struct TextGrams: Sendable {
    struct Gram: Sendable {
        var hash: UInt32
        var count: UInt32
    }

    /// Ascending by hash.
    let words: [Gram]
    let characters: [Gram]

    init(_ text: String) {
        var words: [UInt32] = []
        var characters: [UInt32] = []
        Self.visit(text) { bytes, before in
            words.append(Self.hash(bytes, seed: 0x57))
            if let before { words.append(Self.hash(bytes, seed: Self.hash(before, seed: 0x50))) }
            Self.appendCharacters(of: bytes, to: &characters)
        }
        self.words = Self.counted(&words)
        self.characters = Self.counted(&characters)
    }

    /// What the hashes in `wanted` were made of.
    static func names(in text: String, wanted: Set<UInt32>) -> [UInt32: String] {
        var names: [UInt32: String] = [:]
        Self.visit(text) { bytes, before in
            let hash = Self.hash(bytes, seed: 0x57)
            if wanted.contains(hash) { names[hash] = String(decoding: bytes, as: UTF8.self) }
            guard let before else { return }
            let pair = Self.hash(bytes, seed: Self.hash(before, seed: 0x50))
            if wanted.contains(pair) {
                names[pair] = "\(String(decoding: before, as: UTF8.self)) \(String(decoding: bytes, as: UTF8.self))"
            }
        }
        return names
    }

    /// Each word in lower case, at most forty bytes of it, and the word before.
    private static func visit(_ text: String, _ body: (ArraySlice<UInt8>, ArraySlice<UInt8>?) -> Void) {
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
            body(word, previous)
            previous = word
        }
    }

    private static func appendCharacters(of word: ArraySlice<UInt8>, to hashes: inout [UInt32]) {
        let count = word.count + 2
        func byte(_ index: Int) -> UInt8 {
            index == 0 || index == count - 1 ? 0x20 : word[word.startIndex + index - 1]
        }
        for from in 0..<count {
            // The longer grams go on from the hash of the shorter ones.
            var hash: UInt32 = 2_166_136_261 ^ 0x43
            for index in from..<min(from + 5, count) {
                hash = (hash ^ UInt32(byte(index))) &* 16_777_619
                if index - from >= 2 { hashes.append(hash) }
            }
        }
    }

    private static func counted(_ hashes: inout [UInt32]) -> [Gram] {
        Self.sort(&hashes)
        var grams: [Gram] = []
        grams.reserveCapacity(hashes.count)
        for hash in hashes {
            if let last = grams.last, last.hash == hash {
                grams[grams.count - 1].count += 1
            } else {
                grams.append(Gram(hash: hash, count: 1))
            }
        }
        return grams
    }

    /// Byte by byte from the lowest: a text has thousands of them, and they are spread evenly.
    private static func sort(_ hashes: inout [UInt32]) {
        var sorted = hashes
        for shift in stride(from: 0, to: 32, by: 8) {
            var places = [Int](repeating: 0, count: 257)
            for hash in hashes { places[Int(hash >> shift & 0xFF) + 1] += 1 }
            for byte in 1...256 { places[byte] += places[byte - 1] }
            for hash in hashes {
                let byte = Int(hash >> shift & 0xFF)
                sorted[places[byte]] = hash
                places[byte] += 1
            }
            swap(&hashes, &sorted)
        }
    }

    /// ASCII letters, digits, the apostrophe, and every byte of a longer character.
    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x27
    }

    private static func hash(_ bytes: ArraySlice<UInt8>, seed: UInt32) -> UInt32 {
        bytes.reduce(2_166_136_261 ^ seed) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}

/// n-grams as weighted sparse features: hashes of what occurred in training, with how rare it was.
struct LexicalFeatures: Sendable, Hashable {
    /// By feature, ascending.
    private let hashes: [UInt32]
    /// By feature.
    private let weights: [Float]
    /// Where each hash is found: open addressing, −1 for an empty place.
    private let places: [Int32]

    var count: Int { self.hashes.count }

    /// Learns the n-grams of texts; those of characters must occur twice.
    init(_ texts: [TextGrams]) {
        let words = Self.documents(texts.map(\.words), least: 1)
        let characters = Self.documents(texts.map(\.characters), least: 2)
        let total = Float(texts.count)
        var all = words
        // One hash may by chance be a word and part of another: one feature serves both.
        for (hash, count) in characters { all[hash] = max(all[hash] ?? 0, count) }
        let kept = all.keys.sorted()
        self.init(
            hashes: kept,
            weights: kept.map { 1 + Float(Probability.log(Double((1 + total) / (1 + Float(all[$0]!))))) })
    }

    private static func documents(_ texts: [[TextGrams.Gram]], least: Int32) -> [UInt32: Int32] {
        var hashes: [UInt32] = []
        hashes.reserveCapacity(texts.reduce(0) { $0 + $1.count })
        for text in texts { for gram in text { hashes.append(gram.hash) } }
        hashes.sort()
        var documents: [UInt32: Int32] = [:]
        var start = 0
        while start < hashes.count {
            var end = start
            while end < hashes.count, hashes[end] == hashes[start] { end += 1 }
            if end - start >= Int(least) { documents[hashes[start]] = Int32(end - start) }
            start = end
        }
        return documents
    }

    private init(hashes: [UInt32], weights: [Float]) {
        self.hashes = hashes
        self.weights = weights
        var size = 16
        while size < hashes.count * 2 { size *= 2 }
        var places = [Int32](repeating: -1, count: size)
        for (index, hash) in hashes.enumerated() {
            var place = Self.place(hash, size)
            while places[place] >= 0, hashes[Int(places[place])] != hash { place = (place + 1) & (size - 1) }
            if places[place] < 0 { places[place] = Int32(index) }
        }
        self.places = places
    }

    @inline(__always)
    private static func place(_ hash: UInt32, _ size: Int) -> Int { Int((hash &* 2_654_435_769) >> 7) & (size - 1) }

    @inline(__always)
    private func index(of hash: UInt32) -> Int32? {
        var place = Self.place(hash, self.places.count)
        while self.places[place] >= 0 {
            if self.hashes[Int(self.places[place])] == hash { return self.places[place] }
            place = (place + 1) & (self.places.count - 1)
        }
        return nil
    }

    /// Features of one text: words and characters each of length 0.7.
    func row(_ grams: TextGrams) -> [FeatureRow.Entry] {
        var entries = self.scaled(grams.words) + self.scaled(grams.characters)
        entries.sort { $0.index < $1.index }
        var row: [FeatureRow.Entry] = []
        row.reserveCapacity(entries.count)
        for entry in entries {
            if let last = row.last, last.index == entry.index {
                row[row.count - 1].value += entry.value
            } else {
                row.append(entry)
            }
        }
        return row
    }

    /// What the features `indices` are called in `text`; those made of characters have no name.
    func names(of indices: [Int32], in text: String) -> [Int32: String] {
        let names = TextGrams.names(in: text, wanted: Set(indices.map { self.hashes[Int($0)] }))
        return indices.reduce(into: [:]) { $0[$1] = names[self.hashes[Int($1)]] }
    }

    /// Counts are damped: the third mention says little more than the second.
    private func scaled(_ grams: [TextGrams.Gram]) -> [FeatureRow.Entry] {
        var entries: [FeatureRow.Entry] = []
        entries.reserveCapacity(grams.count)
        var square: Float = 0
        for gram in grams {
            guard let index = self.index(of: gram.hash) else { continue }
            let damped = gram.count == 1 ? 1 : 1 + Float(Probability.log(Double(gram.count)))
            let value = damped * self.weights[Int(index)]
            square += value * value
            entries.append(FeatureRow.Entry(index: index, value: value))
        }
        guard square > 0 else { return [] }
        let scale = 0.7 / square.squareRoot()
        for index in entries.indices { entries[index].value *= scale }
        return entries
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
