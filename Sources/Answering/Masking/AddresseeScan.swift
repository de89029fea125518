/// Finds what stands right before an address: the street that its form does not give away, and whose address it is.
struct AddresseeScan {
    private let text: FoldedText
    private let addresses: [Masking.Span]

    /// - Parameter addresses: what is known to be part of an address.
    init(_ text: FoldedText, addresses: [Masking.Span]) {
        self.text = text
        self.addresses = addresses
    }

    func spans() -> [Masking.Span] {
        self.addresses.flatMap { address -> [Masking.Span] in
            guard let line = self.line(before: address.range.lowerBound) else { return [] }
            guard line.kind == .postalAddress, let name = self.line(before: line.range.lowerBound), name.kind == .name
            else { return [line] }
            return [name, line]
        }
    }

    /// Small words inside names and streets.
    private static let particles: Set<String> = [
        "de", "du", "des", "la", "le", "del", "della", "dei", "van", "von", "den", "der", "da", "do", "dos", "e", "y",
        "al",
        "am", "an", "im", "zum", "zur",
    ]
    private static let nameWords = 2...4
    private static let longest = 60

    /// The words with capitals and numbers that end before a comma or line break at `end`.
    private func line(before end: Int) -> Masking.Span? {
        var stop = end
        var isApart = false
        while let mark = self.text.scalar(stop - 1), " ,\n".unicodeScalars.contains(mark) {
            isApart = isApart || mark != " "
            stop -= 1
        }
        guard isApart else { return nil }
        var start = stop
        var words = 0
        var hasNumber = false
        var position = stop
        while let word = self.word(endingAt: position), stop - word.lowerBound <= Self.longest {
            let isNumber = word.contains(where: self.text.isDigit)
            let isCapital = self.text.isCapital[word.lowerBound]
            let written = self.text.text(word)
            guard
                isNumber || isCapital || Self.particles.contains(written)
                    || PlaceScan.streetBeginnings.contains(written)
            else { break }
            if isNumber || isCapital {
                start = word.lowerBound
                words += 1
            }
            hasNumber = hasNumber || isNumber
            position = word.lowerBound
            while let mark = self.text.scalar(position - 1), " .".unicodeScalars.contains(mark) { position -= 1 }
        }
        guard hasNumber || Self.nameWords.contains(words), start < stop else { return nil }
        return Masking.Span(range: start..<stop, kind: hasNumber ? .postalAddress : .name)
    }

    private func word(endingAt end: Int) -> Range<Int>? {
        var start = end
        while self.text.isAlphanumeric(start - 1)
            || (self.text.scalar(start - 1).map("-'/".unicodeScalars.contains) ?? false)
        {
            start -= 1
        }
        return start < end ? start..<end : nil
    }
}
