/// Cuts sentences that say two things.
enum Clauses {
    /// The questions of "How long does it take, and can I pay later?"; any other sentence as it is.
    static func questions(in sentence: String) -> [String] {
        let words = sentence.split(separator: " ")
        guard let cut = Self.cut(words, before: Self.questionWords) else { return [sentence] }
        var first = words[..<cut].joined(separator: " ")
        while let last = first.last, ",;".contains(last) { first.removeLast() }
        if sentence.hasSuffix("?"), first.last?.isLetter == true { first += "?" }
        return [first] + Self.questions(in: words[(cut + 1)...].joined(separator: " "))
    }

    /// Both halves of "I was charged twice and the lamp is broken"; none when the sentence is not made of two.
    static func halves(of sentence: String) -> [String] {
        let words = sentence.split(separator: " ")
        guard let cut = Self.cut(words, before: Self.subjects) else { return [] }
        return [words[..<cut].joined(separator: " "), words[(cut + 1)...].joined(separator: " ")]
    }

    /// Words on either side of a cut.
    private static let leastWords = 3

    /// Where an `and` stands before one of the words, with enough on either side.
    private static func cut(_ words: [Substring], before next: Set<String>) -> Int? {
        guard words.count > 2 * Self.leastWords else { return nil }
        return (Self.leastWords..<(words.count - Self.leastWords)).first { index in
            // As written: "I" is no Polish "i".
            guard Self.conjunctions.contains(String(words[index])) else { return false }
            return Words.all(in: words[index + 1]).first.map(next.contains) == true
        }
    }

    private static let conjunctions: Set<String> = ["and", "und", "et", "y", "e", "en", "i", "oraz"]

    /// As `Words` folds them.
    private static let questionWords: Set<String> = [
        "how", "what", "when", "where", "who", "which", "why", "can", "could", "do", "does", "is", "are", "will", "may",
        "wie", "was", "wann", "wo", "warum", "kann", "konnen", "gibt", "comment", "quand", "pourquoi", "combien",
        "puisje", "como", "cuando", "cuanto", "puedo", "pueden", "quando", "quanto", "posso", "potete", "hoe",
        "wanneer",
        "kan", "kunt", "jak", "kiedy", "czy", "ile",
    ]
    private static let subjects: Set<String> = [
        "i", "we", "my", "our", "the", "it", "they", "your", "ich", "wir", "mein", "meine", "der", "die", "das", "ihr",
        "ihre", "je", "nous", "mon", "ma", "mes", "le", "les", "votre", "yo", "mi", "mis", "el", "los", "su", "io",
        "mio", "mia", "il", "ik", "wij", "mijn", "de", "het", "moj", "moja", "moje", "eu", "meu", "minha", "o", "os",
    ]
}
