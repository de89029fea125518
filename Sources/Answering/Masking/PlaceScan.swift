/// Finds where people live: streets with their numbers, post codes with their towns.
struct PlaceScan {
    private let text: FoldedText
    private let words: [FoldedText.Word]

    init(_ text: FoldedText) {
        self.text = text
        self.words = text.words()
    }

    func spans() -> [Masking.Span] { self.streets() + self.boxes() + self.postCodes() }

    // MARK: - Streets

    /// Behind a name, with the number before it: `12 Baker Street`.
    private static let streetWords: Set<String> = [
        "street", "st", "road", "rd", "avenue", "ave", "lane", "ln", "drive", "dr", "court", "ct", "place", "pl",
        "square", "sq", "boulevard", "blvd", "way", "close", "terrace", "crescent", "gardens", "grove", "row", "hill",
        "park", "parade", "mews", "quay", "walk", "highway", "hwy", "parkway", "pkwy", "circle", "trail",
    ]
    /// The end of a street's name, with the number behind it: `Hauptstraße 12a`.
    private static let streetEnds = [
        "strasse", "strase", "str", "weg", "platz", "allee", "gasse", "ring", "ufer", "damm", "chaussee", "stieg",
        "straat",
        "laan", "plein", "gracht", "kade", "dijk", "steeg", "singel", "gatan", "vagen", "vej", "gade",
    ]
    /// Before a street's name, with a number before or behind: `rue de la Paix 10`, `10, rue de la Paix`.
    static let streetBeginnings: Set<String> = [
        "rue", "avenue", "boulevard", "bd", "chemin", "impasse", "allee", "quai", "via", "viale", "piazza", "corso",
        "vicolo", "calle", "avenida", "avda", "plaza", "paseo", "carrer", "rua", "travessa", "praca", "largo", "ul",
        "ulica", "aleja", "aleje", "osiedle", "plac",
    ]

    private func streets() -> [Masking.Span] {
        var spans: [Masking.Span] = []
        for (index, word) in self.words.enumerated() {
            if Self.streetWords.contains(word.text), let start = self.numberedName(before: index) {
                spans.append(Masking.Span(range: start..<self.town(after: word.range.upperBound), kind: .postalAddress))
            }
            if Self.streetEnds.contains(where: { word.text.hasSuffix($0) }),
                let end = self.number(after: word.range.upperBound)
            {
                // `Lange Straße 5`: the name may be a word of its own.
                var start = word.range.lowerBound
                if Self.streetEnds.contains(word.text), index > 0, self.isNear(self.words[index - 1], word) {
                    start = self.words[index - 1].range.lowerBound
                }
                spans.append(Masking.Span(range: start..<self.town(after: end), kind: .postalAddress))
            }
            if Self.streetBeginnings.contains(word.text), let span = self.romance(from: index) { spans.append(span) }
        }
        return spans
    }

    private func isNear(_ left: FoldedText.Word, _ right: FoldedText.Word) -> Bool {
        let gap = left.range.upperBound..<right.range.lowerBound
        return gap.count <= 3 && gap.allSatisfy { " .-'".unicodeScalars.contains(self.text.scalars[$0]) }
    }

    /// The place of the number before one to three words of a name.
    private func numberedName(before index: Int) -> Int? {
        var first = index
        while first > 0, index - first < 4, self.isNear(self.words[first - 1], self.words[first]) {
            first -= 1
            if let start = self.numberEnding(at: self.words[first].range.lowerBound) { return start }
        }
        return nil
    }

    /// The start of a house number that ends, spaces apart, at `end`: `12`, `12a`, `12-14`.
    private func numberEnding(at end: Int) -> Int? {
        var position = end
        while position > 0, position > end - 3, " ,".unicodeScalars.contains(self.text.scalars[position - 1]) {
            position -= 1
        }
        let stop = position
        while position > 0, stop - position < 8,
            self.text.isAlphanumeric(position - 1) || "-/".unicodeScalars.contains(self.text.scalars[position - 1])
        {
            position -= 1
        }
        return stop > position && self.text.isDigit(position) ? position : nil
    }

    /// The end of a house number that begins, spaces apart, at `start`.
    private func number(after start: Int) -> Int? {
        var position = start
        while let scalar = self.text.scalar(position), " .,".unicodeScalars.contains(scalar), position < start + 4 {
            position += 1
        }
        if self.text.starts(with: "nr", at: position) || self.text.starts(with: "no", at: position) {
            position += 2
            while let scalar = self.text.scalar(position), " .".unicodeScalars.contains(scalar) { position += 1 }
        }
        guard self.text.isDigit(position) else { return nil }
        let begin = position
        while self.text.isAlphanumeric(position)
            || (self.text.scalar(position).map("-/".unicodeScalars.contains) ?? false
                && self.text.isDigit(position + 1))
        {
            position += 1
        }
        return position - begin <= 8 ? position : nil
    }

    private func romance(from index: Int) -> Masking.Span? {
        let word = self.words[index]
        let before = self.numberEnding(at: word.range.lowerBound)
        var last = index
        while last + 1 < self.words.count, last - index < 6 {
            let next = self.words[last + 1]
            let gap = self.words[last].range.upperBound..<next.range.lowerBound
            guard gap.count <= 2, gap.allSatisfy({ " .'-".unicodeScalars.contains(self.text.scalars[$0]) }),
                self.text.isCapital[next.range.lowerBound] || NameTable.particles.contains(next.text)
                    || ["l", "d", "los", "las", "les", "lo", "dei", "degli", "do", "da"].contains(next.text)
            else { break }
            last += 1
        }
        guard last > index else { return nil }
        let end = self.words[last].range.upperBound
        let after = self.number(after: end)
        guard before != nil || after != nil else { return nil }
        return Masking.Span(
            range: (before ?? word.range.lowerBound)..<self.town(after: after ?? end), kind: .postalAddress)
    }

    // MARK: - Boxes and flats

    private static let boxWords: Set<String> = [
        "flat", "apt", "apartment", "suite", "wohnung", "appartement", "postfach", "box", "bp", "apartado", "postbus",
        "skrytka", "floor", "etage", "unit",
    ]

    private func boxes() -> [Masking.Span] {
        self.words.compactMap { word in
            guard Self.boxWords.contains(word.text), self.text.isCapital[word.range.lowerBound],
                let end = self.number(after: word.range.upperBound)
            else { return nil }
            return Masking.Span(range: word.range.lowerBound..<self.town(after: end), kind: .postalAddress)
        }
    }

    // MARK: - Post codes

    private func postCodes() -> [Masking.Span] {
        var spans: [Masking.Span] = []
        for start in self.text.scalars.indices where !self.text.isAlphanumeric(start - 1) {
            if let end = self.britishCode(at: start) {
                spans.append(Masking.Span(range: start..<end, kind: .postalAddress))
            } else if self.text.isDigit(start), let end = self.numericCode(at: start) {
                spans.append(Masking.Span(range: start..<end, kind: .postalAddress))
            }
        }
        return spans
    }

    /// `SW1A 1AA`, in capitals or right behind a comma or a line end.
    private func britishCode(at start: Int) -> Int? {
        var position = start
        while self.text.isLetter(position), position - start < 3 { position += 1 }
        guard (1...2).contains(position - start), self.text.isDigit(position) else { return nil }
        position += 1
        if self.text.isAlphanumeric(position) { position += 1 }
        if self.text.scalar(position) == " " { position += 1 }
        guard self.text.isDigit(position), self.text.isLetter(position + 1), self.text.isLetter(position + 2),
            !self.text.isAlphanumeric(position + 3)
        else { return nil }
        return position + 3
    }

    /// `10115 Berlin`, `1012 AB Amsterdam`, `00-950 Warszawa`, `1010 Wien` behind a comma or a line end.
    private func numericCode(at start: Int) -> Int? {
        var end = start
        while self.text.isDigit(end), end - start < 7 { end += 1 }
        var count = end - start
        if count == 2 || count == 4, self.text.scalar(end) == "-", self.text.isDigit(end + 1) {
            var second = end + 1
            while self.text.isDigit(second), second - end < 6 { second += 1 }
            guard (3...4).contains(second - end - 1) else { return nil }
            count = 5
            end = second
        }
        guard count == 4 || count == 5 || count == 6, !self.text.isAlphanumeric(end) else { return nil }
        var position = end
        if count == 4, self.text.scalar(end) == " ", self.text.isLetter(end + 1), self.text.isLetter(end + 2),
            !self.text.isAlphanumeric(end + 3), self.text.isCapital[end + 1], self.text.isCapital[end + 2]
        {
            position = end + 3
        }
        guard let town = self.townName(after: position) else { return position > end ? position : nil }
        if count == 4, position == end {
            var before = start - 1
            while before >= 0, self.text.scalars[before] == " " { before -= 1 }
            guard before < 0 || ",\n".unicodeScalars.contains(self.text.scalars[before]) else { return nil }
        }
        return town
    }

    /// The end of a post code and town that follow an address; where the address itself ends when none does.
    private func town(after end: Int) -> Int {
        var position = end
        while let scalar = self.text.scalar(position), " ,\n".unicodeScalars.contains(scalar), position - end < 4 {
            position += 1
        }
        let code = position
        while self.text.isDigit(position), position - code < 6 { position += 1 }
        if position - code >= 4 { return self.townName(after: position) ?? position }
        let isApart = (end..<code).contains { self.text.scalars[$0] == "," }
        return isApart ? self.townName(after: code) ?? end : end
    }

    /// The end of one or two capitalised words that begin here, a space apart.
    private func townName(after start: Int) -> Int? {
        var position = start
        while self.text.scalar(position) == " ", position - start < 3 { position += 1 }
        var last: Int?
        for _ in 0..<2 {
            guard let word = self.text.word(at: position), self.text.isCapital[position], word.range.count > 1 else {
                break
            }
            last = word.range.upperBound
            guard let mark = self.text.scalar(word.range.upperBound), " -".unicodeScalars.contains(mark) else { break }
            position = word.range.upperBound + 1
        }
        return last
    }
}
