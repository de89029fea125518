/// How much two texts say the same, by their meaning words.
package enum TextLikeness {
    /// Harmonic mean of the shares that each has of the other's words, 0…1.
    package static func of(_ left: String, _ right: String) -> Double {
        self.of(Set(Words.terms(in: left)), Set(Words.terms(in: right)))
    }

    /// Whether an answer is a draft that was sent nearly unchanged.
    ///
    /// One sentence more among ten, or one number less, hardly changes the words: such an answer is not near. Each of its
    /// sentences has to be one of the draft's, with the same numbers, dates, links, promises and negations, and no such
    /// fact of the draft may be gone. Greeting, thanks, closing and what stands under it may differ.
    package static func isNear(_ draft: String, _ answer: String) -> Bool {
        guard self.of(draft, answer) >= Self.near else { return false }
        let drafted = Self.statements(of: draft)
        let sent = Self.statements(of: answer)
        return sent.allSatisfy { statement in drafted.contains { $0.says(statement) } }
            && drafted.allSatisfy { statement in !statement.hasFacts || sent.contains { $0.says(statement) } }
    }

    private static let near = 0.9

    private static func of(_ left: Set<String>, _ right: Set<String>) -> Double {
        guard !left.isEmpty, !right.isEmpty else { return 0 }
        return 2 * Double(left.intersection(right).count) / Double(left.count + right.count)
    }

    /// A sentence with what is compared of it.
    private struct Statement {
        let terms: Set<String>
        let facts: Facts
        let dates: Set<String>

        /// Likeness from which two sentences with the same facts are one: a word or two may be put differently.
        private static let same = 0.75

        init(_ sentence: String) {
            let words = Words.all(in: sentence)
            self.terms = Set(Words.terms(in: sentence))
            self.facts = Facts(in: sentence)
            self.dates = Set(words).intersection(NumberScan.months.union(TextLikeness.weekdays))
        }

        var hasFacts: Bool { self.facts != Facts() || !self.dates.isEmpty }

        func says(_ other: Statement) -> Bool {
            guard self.facts == other.facts, self.dates == other.dates else { return false }
            return self.terms == other.terms || TextLikeness.of(self.terms, other.terms) >= Self.same
        }
    }

    private static func statements(of text: String) -> [Statement] {
        var lines = text.split(whereSeparator: \.isNewline).map(String.init)
        // Under a closing stand names; a postscript is a sentence like any other.
        if let closing = lines.lastIndex(where: Self.isClosing) {
            lines = lines[..<closing] + lines[(closing + 1)...].filter { !Self.isShort($0) }
        }
        let kept = lines.filter { !Self.isGreeting($0) }.map { $0.hasPrefix("- ") ? String($0.dropFirst(2)) : $0 }
        return kept.flatMap { SentenceSplitter.sentences($0) }.filter { !CaseText.isCourtesy($0) }.map(Statement.init)
    }

    private static func isClosing(_ line: String) -> Bool {
        let words = Words.all(in: line)
        return (1...6).contains(words.count) && !MailQuestion.closings.isDisjoint(with: words)
    }

    private static func isShort(_ line: String) -> Bool {
        let words = Words.all(in: line)
        return words.count <= 6 && words.first != "ps" && words.prefix(2) != ["p", "s"]
            && line.last.map { ".!?".contains($0) } != true
    }

    private static func isGreeting(_ line: String) -> Bool {
        let words = Words.all(in: line)
        return words.count <= 6 && words.first.map(CaseText.courtesies.contains) == true && line.hasSuffix(",")
            && !line.contains(where: \.isNumber)
    }

    /// As `Words` folds them.
    private static let weekdays: Set<String> = Set(
        """
        monday tuesday wednesday thursday friday saturday sunday today tomorrow montag dienstag mittwoch donnerstag freitag
        samstag sonntag heute morgen lundi mardi mercredi jeudi vendredi samedi dimanche demain lunes martes miercoles
        jueves viernes sabado domingo lunedi martedi mercoledi giovedi venerdi sabato domenica maandag dinsdag woensdag
        donderdag vrijdag zaterdag zondag poniedzialek wtorek sroda czwartek piatek sobota niedziela segunda terca quarta
        quinta sexta
        """.split(whereSeparator: \.isWhitespace).map(String.init))
}
