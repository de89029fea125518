package import DeskModel

/// A question and its answer, ready to be kept for other customers: both masked, the answer cut to what is of use to
/// somebody else.
package struct CaseText: Sendable {
    /// One mail of the ticket that the card is made from.
    package struct Source: Sendable {
        package var subject: String
        package var question: String
        /// An agent's own words.
        package var answer: String
        /// Everything that customers wrote in the ticket: the answer may have taken it up.
        package var customerTexts: [String]
        package var known: KnownIdentities

        package init(
            subject: String, question: String, answer: String, customerTexts: [String] = [], known: KnownIdentities
        ) {
            self.subject = subject
            self.question = question
            self.answer = answer
            self.customerTexts = customerTexts
            self.known = known
        }
    }

    /// For matching only.
    package let problem: String
    /// The agent's words with every masked spot in brackets.
    package let solution: String

    /// Words of meaning that a solution must have once greeting, closing and masked sentences are gone.
    private static let minimum = 6
    private static let longest = 4000

    /// - Returns: nil when nothing is left that could help another customer.
    package init?(_ source: Source) {
        var known = source.known
        let texts = [source.subject, source.question, source.answer]
        known.numbers += texts.flatMap(OrderNumber.all)
        let masking = Masking(known, masksDates: true)
        let unquoting = Masking(
            known, masksDates: true, quoted: source.customerTexts + [source.subject, source.question])
        let question = "\(BaseSubject.of(source.subject))\n\(source.question)"
        self.problem = masking.mask(String(question.prefix(Self.longest))).text
        self.solution = Self.withoutCourtesies(unquoting.mask(String(source.answer.prefix(Self.longest))).text)
        let kept = Words.terms(in: Self.passages(of: self.solution).joined(separator: " "))
        guard kept.count >= Self.minimum, !Words.terms(in: self.problem).isEmpty else { return nil }
    }

    /// What of a solution may stand in an answer to somebody else: whole paragraphs without any sentence that names
    /// something masked, and without greeting and closing.
    package static func passages(of solution: String) -> [String] {
        Self.paragraphs(solution).compactMap { paragraph in
            let lines = paragraph.compactMap { line -> String? in
                let sentences = SentenceSplitter.sentences(line).filter {
                    !MaskedText.hasSpot($0) && !Self.isCourtesy($0)
                }
                return sentences.isEmpty ? nil : sentences.joined(separator: " ")
            }
            return lines.isEmpty ? nil : lines.joined(separator: "\n")
        }
    }

    /// The solution as an article to be cut into chunks.
    package static func article(id: Int64, category: String?, language: String? = nil, solution: String) -> Article {
        Article(
            key: "case:\(id)", title: category.map { "Case \(id), \($0)" } ?? "Case \(id)",
            content: Self.passages(of: solution).joined(separator: "\n\n"), category: category, language: language)
    }

    /// The number of the card that a citation names; nil for an article of the knowledge base.
    package static func caseID(ofArticle key: String) -> Int64? {
        key.hasPrefix("case:") ? Int64(key.dropFirst("case:".count)) : nil
    }

    /// Lines of each paragraph.
    private static func paragraphs(_ text: String) -> [[Substring]] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .split { $0.allSatisfy(\.isWhitespace) }.map { Array($0) }
    }

    private static func withoutCourtesies(_ text: String) -> String {
        Self.paragraphs(text).compactMap { paragraph in
            let lines = paragraph.filter { !Self.isCourtesy($0) }
            return lines.isEmpty ? nil : lines.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    /// A line or sentence that only greets, thanks or says goodbye.
    static func isCourtesy(_ text: some StringProtocol) -> Bool {
        let words = Words.all(in: text)
        guard let first = words.first else { return true }
        if MaskedText.hasSpot(text), words.count <= 3 { return true }
        guard words.count <= 9, Self.courtesies.contains(first) else { return false }
        return text.last != "?" && words.count { Self.courtesies.contains($0) } * 3 >= words.count
    }

    static let courtesies: Set<String> = Set(
        """
        hi hello hey dear good morning afternoon evening day thanks thank you for your message mail patience understanding
        contacting us writing regards kind best warm cheers sincerely yours wishes many guten tag hallo liebe lieber danke
        vielen fur ihre nachricht mit freundlichen viele grussen grusse bonjour merci pour votre message cordialement bien
        a vous hola gracias por su mensaje un saludo saludos cordial buongiorno grazie per il suo messaggio cordiali saluti
        bedankt voor uw bericht met vriendelijke groet groeten dzien dobry dziekujemy za wiadomosc pozdrawiam z powazaniem
        ola obrigado obrigada pela sua mensagem com os melhores cumprimentos name team support
        """.split(whereSeparator: \.isWhitespace).map(String.init))
}

/// Numbers that a mail itself calls its order's: `order no. FD-10442`, `#10442`.
package enum OrderNumber {
    /// As written, in order, each once.
    package static func all(in text: String) -> [String] {
        var seen: Set<String> = []
        return Masking().mask(String(text.prefix(20_000))).spots
            .filter { $0.kind == .orderNumber }
            .map { $0.original.first == "#" ? String($0.original.dropFirst()) : $0.original }
            .filter { $0.count >= 3 && seen.insert($0).inserted }
    }

    /// Those that stand behind a word such as `order` or a `#`.
    package static func named(in text: String) -> [String] {
        let folded = FoldedText(String(text.prefix(20_000)))
        let scan = NumberScan(folded, numbers: [], masksDates: false)
        return scan.orders().map { FoldedText.text(folded.original[folded.written($0)]) }
    }
}
