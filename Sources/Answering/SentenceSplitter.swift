/// Cuts plain text into sentences: articles, and mails with their greetings, lists and broken lines.
package enum SentenceSplitter {
    /// The sentences of `text` in order, white space folded, none empty. A blank line, a list item and a line that
    /// ends in `:` or is a short greeting end a sentence even without a full stop.
    package static func sentences(_ text: some StringProtocol) -> [String] {
        var result: [String] = []
        var paragraph = ""
        func flush() {
            if !paragraph.isEmpty { result += Self.split(paragraph) }
            paragraph = ""
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            if words.isEmpty || Self.startsItem(words) { flush() }
            guard !words.isEmpty else { continue }
            paragraph += paragraph.isEmpty ? words : " \(words)"
            if words.hasSuffix(":") || (words.count < 30 && (words.hasSuffix(",") || words.hasSuffix("!"))) { flush() }
        }
        flush()
        return result
    }

    private static func startsItem(_ line: String) -> Bool {
        guard let first = line.first else { return false }
        return "-*•–>".contains(first) && line.dropFirst().first == " "
    }

    /// Words that end in a full stop and do not end a sentence, lower case, without it.
    private static let abbreviations: Set<String> = [
        "mr", "mrs", "ms", "dr", "prof", "st", "no", "nos", "vs", "e.g", "i.e", "eg", "ie", "etc", "approx", "inc",
        "ltd", "co", "corp", "dept", "fig", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct",
        "nov", "dec", "nr", "str", "tel", "z.b", "d.h", "u.a", "bzw", "ca", "evtl", "ggf", "usw", "inkl", "zzgl",
        "mwst",
        "abs", "art", "hr", "fr", "m", "mme", "mlle", "p.ex", "env", "min", "max", "sr", "sra", "srta", "ud", "uds",
        "pág", "núm", "sig", "sig.ra", "dott", "ecc", "es", "dhr", "mevr", "bijv", "evt", "incl", "excl", "m.b.t",
        "p", "pan", "np", "tzn", "tj", "ul", "itd", "itp", "exmo", "exma", "av", "v",
    ]

    private static func split(_ paragraph: String) -> [String] {
        let text = Array(paragraph)
        var result: [String] = []
        var start = 0
        var index = 0
        while index < text.count {
            if ".!?…。！？".contains(text[index]) {
                var end = index + 1
                while end < text.count, ".!?…\"”’')»".contains(text[end]) { end += 1 }
                let isWide = "。！？".contains(text[index])
                if end == text.count || isWide || (text[end] == " " && Self.ends(text, at: index, next: end + 1)) {
                    result.append(Self.trimmed(text[start..<end]))
                    start = end
                }
                index = end
            } else {
                index += 1
            }
        }
        if start < text.count { result.append(Self.trimmed(text[start...])) }
        return result.filter { !$0.isEmpty }
    }

    private static func ends(_ text: [Character], at mark: Int, next: Int) -> Bool {
        guard next < text.count else { return true }
        if text[mark] != "." { return true }
        if text[next].isLowercase { return false }
        var start = mark
        while start > 0, text[start - 1] != " ", text[start - 1] != "(" { start -= 1 }
        let word = String(text[start..<mark]).lowercased()
        if word.isEmpty { return true }
        if word.count == 1, word.first?.isLetter == true { return false }
        // `am 3. Mai`, `Nr. 7`, `1. Open the page`
        if word.count <= 2, word.allSatisfy(\.isNumber), text[next].isLetter { return false }
        if word == "no", !text[next].isNumber { return true }
        return !Self.abbreviations.contains(word)
    }

    private static func trimmed(_ characters: ArraySlice<Character>) -> String {
        String(characters.drop { $0 == " " })
    }
}
