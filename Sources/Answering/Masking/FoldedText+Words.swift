extension FoldedText {
    struct Word: Sendable {
        let text: String
        let range: Range<Int>
    }

    /// Every run of letters, in order.
    func words() -> [Word] {
        var words: [Word] = []
        var index = 0
        while index < self.scalars.count {
            if let word = self.word(at: index) {
                words.append(word)
                index = word.range.upperBound
            } else {
                index += 1
            }
        }
        return words
    }

    /// The letters from here on.
    func word(at start: Int) -> Word? {
        var end = start
        while self.isLetter(end), end - start < 64 { end += 1 }
        return end > start ? Word(text: self.text(start..<end), range: start..<end) : nil
    }

    func word(endingAt end: Int) -> Word? {
        var start = end
        while self.isLetter(start - 1), end - start < 64 { start -= 1 }
        return end > start ? Word(text: self.text(start..<end), range: start..<end) : nil
    }

    /// Every run of letters and digits, marks between two of them included: `FD-10442`.
    func tokens() -> [Range<Int>] {
        var tokens: [Range<Int>] = []
        var index = 0
        while index < self.scalars.count {
            guard self.isAlphanumeric(index) else {
                index += 1
                continue
            }
            var end = index + 1
            while self.isAlphanumeric(end)
                || (self.scalar(end).map("-_/".unicodeScalars.contains) ?? false && self.isAlphanumeric(end + 1))
            {
                end += 1
            }
            tokens.append(index..<end)
            index = end
        }
        return tokens
    }

    func starts(with prefix: String, at index: Int) -> Bool {
        var position = index
        for scalar in prefix.unicodeScalars {
            guard self.scalar(position) == scalar else { return false }
            position += 1
        }
        return true
    }
}
