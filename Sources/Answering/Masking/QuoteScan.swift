/// Finds what repeats another text word for word.
struct QuoteScan {
    /// Words in a row that are no accident.
    private static let length = 5
    /// Of them so many must carry meaning: "if you have not received the" belongs to nobody.
    private static let meaning = 2

    private let runs: Set<[String]>

    init(_ texts: [String]) {
        var runs: Set<[String]> = []
        for text in texts {
            let folded = FoldedText(text)
            let words = folded.tokens().map(folded.text)
            for start in words.indices.dropLast(Self.length - 1) {
                let run = Array(words[start..<(start + Self.length)])
                if Self.saysSomething(run) { runs.insert(run) }
            }
        }
        self.runs = runs
    }

    func spans(in text: FoldedText) -> [Masking.Span] {
        guard !self.runs.isEmpty else { return [] }
        let tokens = text.tokens()
        let words = tokens.map(text.text)
        return words.indices.dropLast(Self.length - 1).compactMap { start in
            let end = start + Self.length
            guard self.runs.contains(Array(words[start..<end])) else { return nil }
            return Masking.Span(range: tokens[start].lowerBound..<tokens[end - 1].upperBound, kind: .quotation)
        }
    }

    private static func saysSomething(_ run: [String]) -> Bool {
        run.count { word in !StopWords.contains(word) } >= Self.meaning
    }
}
