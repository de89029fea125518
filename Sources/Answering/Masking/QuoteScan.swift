/// Finds what repeats another text: a row of its words, or one of its numbers.
struct QuoteScan {
    /// Words in a row that are no accident.
    private static let length = 5
    /// Of them so many must carry meaning: "if you have not received the" belongs to nobody.
    private static let meaning = 2

    /// Digits of a number that is somebody's own: `14 days` is anybody's, the code of a door is not.
    private static let digits = 3

    private let runs: Set<[String]>
    private let numbers: Set<String>

    init(_ texts: [String]) {
        var runs: Set<[String]> = []
        var numbers: Set<String> = []
        for text in texts {
            let folded = FoldedText(text)
            let words = folded.tokens().map(folded.text)
            numbers.formUnion(words.filter(Self.isNumber))
            for start in words.indices.dropLast(Self.length - 1) {
                let run = Array(words[start..<(start + Self.length)])
                if Self.saysSomething(run) { runs.insert(run) }
            }
        }
        self.runs = runs
        self.numbers = numbers
    }

    func spans(in text: FoldedText) -> [Masking.Span] {
        guard !self.runs.isEmpty || !self.numbers.isEmpty else { return [] }
        let tokens = text.tokens()
        let words = tokens.map(text.text)
        let numbers = zip(words, tokens).filter { self.numbers.contains($0.0) }.map {
            Masking.Span(range: $0.1, kind: .quotation)
        }
        return numbers
            + words.indices.dropLast(Self.length - 1).compactMap { start in
                let end = start + Self.length
                guard self.runs.contains(Array(words[start..<end])) else { return nil }
                return Masking.Span(range: tokens[start].lowerBound..<tokens[end - 1].upperBound, kind: .quotation)
            }
    }

    private static func isNumber(_ word: String) -> Bool {
        word.unicodeScalars.count(where: \.isFoldedDigit) >= Self.digits
    }

    private static func saysSomething(_ run: [String]) -> Bool {
        run.count { word in !StopWords.contains(word) } >= Self.meaning
    }
}
