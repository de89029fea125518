/// The pieces of a `vocab.txt` in two open hash tables over UTF-8 bytes: word starts, and continuations (`##`).
///
/// The hash of every prefix of a word is known after one pass over it, so the greedy match costs one probe a prefix.
struct Vocabulary: Sendable {
    private struct Table: Sendable {
        /// Index into `starts`, or −1.
        var slots: [Int32]
        let mask: UInt32

        init(capacity: Int) {
            var size = 64
            while size < capacity * 2 { size *= 2 }
            self.slots = Array(repeating: -1, count: size)
            self.mask = UInt32(size - 1)
        }
    }

    private var bytes: [UInt8] = []
    /// Where piece `i` lies in `bytes`; without the `##`.
    private var ranges: [Range<Int32>] = []
    private var words: Table
    private var continuations: Table

    var count: Int { self.ranges.count }

    /// One piece a line; its line number from 0 is its id.
    init(lines data: [UInt8]) {
        var lines = data.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        self.words = Table(capacity: lines.count)
        self.continuations = Table(capacity: lines.count)
        self.bytes.reserveCapacity(data.count)
        self.ranges.reserveCapacity(lines.count)
        for var line in lines {
            if line.last == 0x0D { line.removeLast() }
            let isContinuation = line.count > 2 && line.starts(with: [0x23, 0x23])
            if isContinuation { line.removeFirst(2) }
            let start = Int32(self.bytes.count)
            self.bytes.append(contentsOf: line)
            self.ranges.append(start..<Int32(self.bytes.count))
            let id = Int32(self.ranges.count - 1)
            if isContinuation {
                Self.insert(id, hash: Self.hash(line), into: &self.continuations)
            } else {
                Self.insert(id, hash: Self.hash(line), into: &self.words)
            }
        }
    }

    func id(ofWord word: [UInt8]) -> Int32? { self.find(word[...], hash: Self.hash(word[...]), in: self.words) }

    /// Appends the ids of the longest pieces that make up `word`; appends nothing and answers false when there are none.
    func appendPieces(of word: [UInt8], to ids: inout [Int32]) -> Bool {
        let before = ids.count
        var start = 0
        var hashes: [UInt32] = []
        while start < word.count {
            let table = start == 0 ? self.words : self.continuations
            hashes.removeAll(keepingCapacity: true)
            var hash = Self.seed
            for byte in word[start...] {
                hash = Self.step(hash, byte)
                hashes.append(hash)
            }
            var end = word.count
            var found: Int32?
            while end > start {
                found = self.find(word[start..<end], hash: hashes[end - start - 1], in: table)
                if found != nil { break }
                end -= 1
            }
            guard let found else {
                ids.removeLast(ids.count - before)
                return false
            }
            ids.append(found)
            start = end
        }
        return true
    }

    // FNV-1a.
    private static let seed: UInt32 = 2_166_136_261
    private static func step(_ hash: UInt32, _ byte: UInt8) -> UInt32 { (hash ^ UInt32(byte)) &* 16_777_619 }
    private static func hash(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(Self.seed, Self.step) }

    private static func insert(_ id: Int32, hash: UInt32, into table: inout Table) {
        var slot = hash & table.mask
        while table.slots[Int(slot)] >= 0 { slot = (slot &+ 1) & table.mask }
        table.slots[Int(slot)] = id
    }

    private func find(_ piece: ArraySlice<UInt8>, hash: UInt32, in table: Table) -> Int32? {
        var slot = hash & table.mask
        while true {
            let id = table.slots[Int(slot)]
            if id < 0 { return nil }
            let range = self.ranges[Int(id)]
            if range.count == piece.count,
                self.bytes[Int(range.lowerBound)..<Int(range.upperBound)].elementsEqual(piece)
            {
                return id
            }
            slot = (slot &+ 1) & table.mask
        }
    }
}
