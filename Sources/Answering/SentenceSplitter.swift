/// Cuts plain text into sentences: articles, and mails with their greetings, lists and broken lines.
package enum SentenceSplitter {
    /// The sentences of `text` in order, white space folded, none empty. A blank line, a list item and a line that
    /// ends in `:` or is a short greeting end a sentence even without a full stop.
    package static func sentences(_ text: some StringProtocol) -> [String] {
        var result: [String] = []
        var paragraph: [Unicode.Scalar] = []
        var line: [Unicode.Scalar] = []
        func endParagraph() {
            Self.split(paragraph, into: &result)
            paragraph.removeAll(keepingCapacity: true)
        }
        func endLine() {
            if line.last == " " { line.removeLast() }
            if line.isEmpty || Self.startsItem(line) { endParagraph() }
            guard let last = line.last else { return }
            if !paragraph.isEmpty { paragraph.append(" ") }
            paragraph += line
            if last == ":" || (line.count < 30 && (last == "," || last == "!")) { endParagraph() }
            line.removeAll(keepingCapacity: true)
        }
        for scalar in text.unicodeScalars {
            if scalar == "\n" {
                endLine()
            } else if !scalar.isSpace {
                line.append(scalar)
            } else if let last = line.last, last != " " {
                line.append(" ")
            }
        }
        endLine()
        endParagraph()
        return result
    }

    private static func startsItem(_ line: [Unicode.Scalar]) -> Bool {
        line.count > 1 && line[1] == " " && Self.itemMarks.contains(line[0])
    }

    private static let itemMarks: Set<Unicode.Scalar> = ["-", "*", "•", "–", ">"]
    private static let wideMarks: Set<Unicode.Scalar> = ["。", "！", "？"]
    private static let closingMarks: Set<Unicode.Scalar> = ["\"", "”", "’", "'", ")", "»"]

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case ".", "!", "?", "…": true
        default: !scalar.isASCII && Self.wideMarks.contains(scalar)
        }
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

    private static func split(_ text: [Unicode.Scalar], into result: inout [String]) {
        var start = 0
        var index = 0
        func add(to end: Int) {
            let sentence = text[start..<end].drop { $0 == " " }
            if !sentence.isEmpty { result.append(String(scalars: sentence)) }
            start = end
        }
        while index < text.count {
            guard Self.isMark(text[index]) else {
                index += 1
                continue
            }
            let isWide = Self.wideMarks.contains(text[index])
            var end = index + 1
            while end < text.count, Self.closes(text[end]) { end += 1 }
            if end == text.count || isWide || (text[end] == " " && Self.ends(text, at: index, next: end + 1)) {
                add(to: end)
            }
            index = end
        }
        if start < text.count { add(to: text.count) }
    }

    /// Whether it belongs to the end of a sentence that has begun.
    private static func closes(_ scalar: Unicode.Scalar) -> Bool {
        (Self.isMark(scalar) && !Self.wideMarks.contains(scalar)) || Self.closingMarks.contains(scalar)
    }

    private static func ends(_ text: [Unicode.Scalar], at mark: Int, next: Int) -> Bool {
        guard next < text.count else { return true }
        if text[mark] != "." { return true }
        if text[next].isLowercase { return false }
        var start = mark
        while start > 0, text[start - 1] != " ", text[start - 1] != "(" { start -= 1 }
        let word = text[start..<mark]
        if word.isEmpty { return true }
        if word.count == 1, word.first?.isLetter == true { return false }
        // `am 3. Mai`, `Nr. 7`, `1. Open the page`
        if word.count <= 2, word.allSatisfy(\.isNumber), text[next].isLetter { return false }
        guard word.count <= Self.longestAbbreviation else { return true }
        let name = String(scalars: word).lowercased()
        if name == "no", !text[next].isNumber { return true }
        return !Self.abbreviations.contains(name)
    }

    private static let longestAbbreviation = Self.abbreviations.map(\.unicodeScalars.count).max() ?? 0
}
