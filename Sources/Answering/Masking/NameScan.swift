/// The names of those who are known, in the forms in which people write them.
struct NameTable: Sendable {
    /// Single names that are masked wherever they stand, also with an ending: `Kowalski`, `Kowalskiego`.
    private(set) var parts: Set<String> = []
    /// Names that are also words: only with a capital letter.
    private(set) var ambiguous: Set<String> = []
    /// Whole names without spaces: `annsmith`.
    private(set) var joined: Set<String> = []
    /// Names of companies as words: `acme`, `widgets`.
    private(set) var companies: [[String]] = []
    /// Words of the shop's own names.
    private(set) var own: Set<String> = []

    init(_ known: KnownIdentities) {
        for text in known.own {
            let words = FoldedText(text).words().map(\.text).filter { $0.unicodeScalars.count > 1 }
            self.own.formUnion(words)
        }
        for name in known.names { self.add(person: FoldedText(name).words().map(\.text)) }
        for address in known.addresses { self.add(address: address) }
    }

    private mutating func add(person words: [String]) {
        let words = words.filter { !Self.particles.contains($0) && !Self.roles.contains($0) && !self.own.contains($0) }
        for word in words { self.add(part: word) }
        if words.count > 1 {
            self.joined.insert(words.joined())
            self.joined.insert(words.reversed().joined())
        }
    }

    private mutating func add(part word: String) {
        let length = word.unicodeScalars.count
        guard length > 1 || word.unicodeScalars.contains(where: { $0.value >= 0x2E80 }) else { return }
        if length < 3 || Self.isOrdinary(word) { self.ambiguous.insert(word) } else { self.parts.insert(word) }
    }

    private mutating func add(address: String) {
        let folded = FoldedText(address)
        let text = folded.text(0..<folded.scalars.count)
        let halves = text.split(separator: "@", maxSplits: 1)
        guard let local = halves.first else { return }
        let words = FoldedText(String(local)).words().map(\.text)
        for word in words where word.unicodeScalars.count >= 3 && !Self.roles.contains(word) && !self.own.contains(word)
        {
            self.add(part: word)
        }
        guard halves.count == 2 else { return }
        let labels = halves[1].split(separator: ".").map(String.init)
        // `mail.acme-widgets.co.uk`: the last labels are the registry's.
        for label in labels.dropLast() where label.unicodeScalars.count >= 3 && !Self.providers.contains(label) {
            let words = FoldedText(label).words().map(\.text)
            guard !words.isEmpty, !words.allSatisfy({ self.own.contains($0) || Self.roles.contains($0) }) else {
                continue
            }
            if words.count > 1 || !Self.isOrdinary(words[0]) { self.companies.append(words) }
        }
    }

    static func isOrdinary(_ word: String) -> Bool {
        Self.wordsToo.contains(word) || StopWords.contains(word)
    }

    /// Whether a word of the text is one of the names.
    func matches(_ word: String, isCapital: Bool) -> Bool {
        if self.parts.contains(word) || self.joined.contains(word) { return true }
        if isCapital, self.ambiguous.contains(word) { return true }
        if word.hasSuffix("s"), self.parts.contains(String(word.dropLast())) { return true }
        // Endings that inflection adds: at most four letters behind a stem of at least four.
        let letters = Array(word.unicodeScalars)
        guard isCapital, letters.count >= 5 else { return false }
        for length in max(4, letters.count - 4)..<letters.count {
            let stem = FoldedText.text(letters[..<length])
            if self.parts.contains(stem) || self.parts.contains(stem + "a") || self.parts.contains(stem + "o") {
                return true
            }
        }
        return false
    }

    static let particles: Set<String> = [
        "de", "del", "della", "di", "da", "du", "der", "den", "van", "von", "zu", "zum", "la", "le", "el", "al", "bin",
        "ibn", "ben", "dos", "das", "do", "y", "e", "und", "and", "the", "ter", "ten", "te", "st", "mr", "mrs", "ms",
        "dr", "prof", "herr", "frau", "jr", "sr", "via", "of", "at",
    ]

    /// Local parts and names that belong to no person.
    static let roles: Set<String> = Set(
        """
        info support sales service services kontakt contact office mail email shop store team customer customers admin
        hello noreply reply orders order help helpdesk desk post postmaster webmaster abuse billing accounts account
        newsletter news marketing kundenservice kundendienst service verkauf bestellung unknown user test company online
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    private static let providers: Set<String> = [
        "gmail", "googlemail", "outlook", "hotmail", "live", "msn", "yahoo", "ymail", "gmx", "web", "online", "icloud",
        "mac", "aol", "proton", "protonmail", "posteo", "mail", "mailbox", "orange", "free", "wanadoo", "laposte",
        "sfr",
        "libero", "virgilio", "alice", "onet", "interia", "seznam", "btinternet", "sky", "virginmedia", "comcast",
        "att",
        "verizon", "ziggo", "kpnmail", "planet", "home", "telefonica", "sapo", "hotmail", "fastmail", "zoho", "yandex",
        "com", "net", "org", "gov", "edu", "www", "smtp", "email",
    ]

    /// Names that are words of everyday mail.
    private static let wordsToo: Set<String> = Set(
        """
        will may mark rose grace bill rob sue pat art dawn hope joy faith summer autumn april june august frank rich chase
        drew miles page price long short young white black brown green gray grey king bishop cook baker day best good love
        stone wood field hill park street house home post pack box case cash card check pay order parcel ship store shop
        max ray gene carol harry penny ruby amber iris lily violet olive ivy basil pearl crystal star sunny angel victor
        chance earl duke major guy les mike jean van dan don ken ron ben sam tim tom jim ted ned ed al bo jo lee kim hart
        wolf fox bird fish lamb bush reed banks bridge brook ford lake rivers ward gross klein lang neu alt kurz stark
        jung koch bauer vogel sommer winter herbst fruhling petit grand blanc noir roux leblanc martin bello rosa mayor
        """.split(whereSeparator: \.isWhitespace).map(String.init))
}

/// Finds names of persons and companies: those of the table, and those that the words around them give away.
struct NameScan {
    private let text: FoldedText
    private let table: NameTable
    private let words: [FoldedText.Word]

    init(_ text: FoldedText, table: NameTable) {
        self.text = text
        self.table = table
        self.words = text.words()
    }

    func spans() -> [Masking.Span] {
        self.known() + self.spacedOut() + self.companies() + self.introduced() + self.signed()
    }

    private func isCapital(_ word: FoldedText.Word) -> Bool { self.text.isCapital[word.range.lowerBound] }

    // MARK: - Known

    private func known() -> [Masking.Span] {
        var spans: [Masking.Span] = []
        for word in self.words where self.table.matches(word.text, isCapital: self.isCapital(word)) {
            // `ann84` is one name.
            var (start, end) = (word.range.lowerBound, word.range.upperBound)
            while self.text.isAlphanumeric(start - 1) { start -= 1 }
            while self.text.isAlphanumeric(end) { end += 1 }
            spans.append(Masking.Span(range: start..<end, kind: .name))
        }
        // Of one person: `Ann Smith` is one spot, and so is `Smith, Ann`.
        return Self.joined(spans) { gap in
            gap.count <= 2 && gap.allSatisfy { " ,.-'".unicodeScalars.contains(self.text.scalars[$0]) }
        }
    }

    private static func joined(_ spans: [Masking.Span], _ isNear: (Range<Int>) -> Bool) -> [Masking.Span] {
        var result: [Masking.Span] = []
        for span in spans {
            if let last = result.last,
                last.range.upperBound > span.range.lowerBound
                    || isNear(last.range.upperBound..<span.range.lowerBound)
            {
                result[result.count - 1].range =
                    last.range.lowerBound..<max(last.range.upperBound, span.range.upperBound)
            } else {
                result.append(span)
            }
        }
        return result
    }

    /// `A n n  S m i t h`, `S.M.I.T.H`
    private func spacedOut() -> [Masking.Span] {
        var spans: [Masking.Span] = []
        var run: [FoldedText.Word] = []
        func flush() {
            defer { run = [] }
            guard run.count >= 3 else { return }
            for first in run.indices {
                var letters = ""
                for last in first..<min(first + 40, run.count) {
                    letters += run[last].text
                    guard letters.unicodeScalars.count >= 3 else { continue }
                    if self.table.parts.contains(letters) || self.table.joined.contains(letters) {
                        spans.append(
                            Masking.Span(
                                range: run[first].range.lowerBound..<run[last].range.upperBound, kind: .name))
                    }
                }
            }
        }
        for word in self.words {
            let follows = run.last.map { word.range.lowerBound - $0.range.upperBound <= 3 } ?? true
            if word.text.unicodeScalars.count > 2 || !follows { flush() }
            if word.text.unicodeScalars.count <= 2 { run.append(word) }
            if run.count > 200 { flush() }
        }
        flush()
        return spans
    }

    // MARK: - Companies

    private static let companyForms: Set<String> = [
        "gmbh", "ag", "kg", "ohg", "ug", "ltd", "limited", "inc", "llc", "llp", "corp", "corporation", "plc", "sarl",
        "sas",
        "sa", "spa", "srl", "bv", "nv", "oy", "ab", "as", "aps", "kft", "sro", "gbr", "ev", "se",
    ]

    private func companies() -> [Masking.Span] {
        var spans: [Masking.Span] = []
        for (index, word) in self.words.enumerated() {
            for company in self.table.companies where company[0] == word.text || company.joined() == word.text {
                if company.joined() == word.text {
                    spans.append(Masking.Span(range: word.range, kind: .company))
                } else if self.words.indices.contains(index + company.count - 1),
                    self.words[index..<index + company.count].map(\.text) == company
                {
                    let last = self.words[index + company.count - 1]
                    spans.append(
                        Masking.Span(range: word.range.lowerBound..<last.range.upperBound, kind: .company))
                }
            }
            // `Möller & Sons GmbH`: the capitalised words before the form.
            guard Self.companyForms.contains(word.text), self.isCapital(word) else { continue }
            var start: Int?
            var before = index - 1
            while before >= 0, index - before <= 5 {
                let candidate = self.words[before]
                let gap = candidate.range.upperBound..<self.words[before + 1].range.lowerBound
                guard gap.count <= 4,
                    !gap.contains(where: { ".!?\n:;".unicodeScalars.contains(self.text.scalars[$0]) }),
                    self.isCapital(candidate) || ["and", "und", "et", "y", "e", "of"].contains(candidate.text)
                else { break }
                if self.isCapital(candidate) { start = candidate.range.lowerBound }
                before -= 1
            }
            if let start { spans.append(Masking.Span(range: start..<word.range.upperBound, kind: .company)) }
        }
        return spans
    }

    // MARK: - Given away by the words before them

    private static let honorifics: Set<String> = [
        "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "herr", "herrn", "frau", "monsieur", "madame", "mme", "mlle",
        "senor", "senora", "sra", "don", "dona", "signor", "signora", "sig", "dhr", "mevr", "mevrouw", "meneer", "pan",
        "pani", "pana", "senhor", "senhora", "sir", "lady",
    ]
    private static let greetings: Set<String> = [
        "hi", "hello", "hey", "dear", "hallo", "liebe", "lieber", "moin", "servus", "bonjour", "salut", "cher", "chere",
        "hola", "estimado", "estimada", "querido", "querida", "buongiorno", "ciao", "gentile", "caro", "cara", "beste",
        "geachte", "hoi", "czesc", "szanowny", "szanowna", "drogi", "droga", "ola", "prezado", "prezada", "thanks",
        "morning", "tag",
    ]
    /// Whom a greeting may name without naming anybody.
    private static let nobody: Set<String> = Set(
        """
        there all team sir madam support everyone everybody customer service friends folks guys ladies gentlemen damen
        herren kunde kundin kundenservice zusammen tous toutes equipe messieurs mesdames equipo senores todos squadra tutti
        klant klantenservice allemaal panstwo zespol equipa senhores again and for so very und pour por per voor za
        i you we the to in
        """.split(whereSeparator: \.isWhitespace).map(String.init))
    private static let introductions: [[String]] = [
        ["my", "name", "is"], ["name", "is"], ["i", "am", "called"], ["mein", "name", "ist"], ["ich", "heisse"],
        ["je", "m", "appelle"], ["mon", "nom", "est"], ["me", "llamo"], ["mi", "nombre", "es"], ["mi", "chiamo"],
        ["ik", "heet"], ["mijn", "naam", "is"], ["nazywam", "sie"], ["chamo", "me"], ["o", "meu", "nome", "e"],
        ["full", "name"], ["name"], ["nachname"], ["vorname"], ["surname"], ["first", "name"], ["last", "name"],
    ]

    private func introduced() -> [Masking.Span] {
        var spans: [Masking.Span] = []
        for (index, word) in self.words.enumerated() {
            if Self.honorifics.contains(word.text), let span = self.capitals(after: index, limit: 4) {
                spans.append(span)
            } else if Self.greetings.contains(word.text), let span = self.capitals(after: index, limit: 3) {
                spans.append(span)
            }
            for phrase in Self.introductions where phrase.last == word.text && index + 1 >= phrase.count {
                guard self.words[(index + 1 - phrase.count)...index].map(\.text) == phrase else { continue }
                // `my name is ann smith` is said in any case; a bare `name` needs a colon behind it.
                let isSentence =
                    phrase.count > 1 && phrase != ["full", "name"] && !phrase.contains("last")
                    && !phrase.contains("first")
                if !isSentence, self.text.scalar(word.range.upperBound) != ":" { continue }
                if let span = self.capitals(after: index, limit: 4, anyCase: true) { spans.append(span) }
            }
        }
        return spans
    }

    /// The names that follow a word on its line.
    private func capitals(after index: Int, limit: Int, anyCase: Bool = false) -> Masking.Span? {
        var start: Int?
        var end = self.words[index].range.upperBound
        var position = index + 1
        var count = 0
        while position < self.words.count, count < limit {
            let word = self.words[position]
            let gap = end..<word.range.lowerBound
            let allowed = position == index + 1 ? " .:\"'*" : " .-'"
            guard gap.count <= 3, gap.allSatisfy({ allowed.unicodeScalars.contains(self.text.scalars[$0]) }) else {
                break
            }
            // A full stop ends the sentence, but not a title or an initial.
            let previous = self.words[position - 1].text
            if gap.contains(where: { self.text.scalars[$0] == "." }), previous.unicodeScalars.count > 4 { break }
            if Self.nobody.contains(word.text) || self.table.own.contains(word.text) { break }
            let isParticle = NameTable.particles.contains(word.text)
            let isName = self.isCapital(word) || (anyCase && count < 2 && !Self.isCommon(word.text))
            guard isName || isParticle || Self.honorifics.contains(word.text) else { break }
            if isName {
                start = start ?? word.range.lowerBound
                end = word.range.upperBound
            } else if start == nil, !isParticle, !Self.honorifics.contains(word.text) {
                break
            } else {
                end = word.range.upperBound
            }
            position += 1
            count += 1
        }
        guard let start else { return nil }
        // What ends in a particle ends before it.
        while position - 1 > index, !self.isCapital(self.words[position - 1]), !anyCase { position -= 1 }
        return Masking.Span(range: start..<max(self.words[position - 1].range.upperBound, start), kind: .name)
    }

    private static func isCommon(_ word: String) -> Bool {
        StopWords.contains(word)
    }

    // MARK: - Under a closing

    private static let closings: Set<String> = [
        "regards", "sincerely", "cheers", "best", "thanks", "thx", "thank", "yours", "faithfully", "wishes", "love",
        "grusse", "gruss", "grussen", "grusen", "gruse", "gruessen", "gruesse", "dank", "danke", "mfg", "lg", "vg",
        "cordialement", "salutations",
        "bien", "merci", "saludos", "saludo", "cordial", "gracias", "atentamente", "saluti", "grazie", "groet",
        "groeten",
        "groetjes", "bedankt", "pozdrawiam", "powazaniem", "dziekuje", "atenciosamente", "cumprimentos", "obrigado",
        "obrigada", "you",
    ]

    /// The name that stands alone on the line after a closing, or behind it.
    private func signed() -> [Masking.Span] {
        var spans: [Masking.Span] = []
        let lines = self.lines()
        for (index, line) in lines.enumerated() {
            guard let last = line.last(where: { Self.closings.contains($0.text) }), line.count <= 8 else { continue }
            let behind = line.drop { $0.range.lowerBound <= last.range.lowerBound }
            let next = index + 1 < lines.count ? lines[index + 1][...] : []
            for words in [behind, next] where (1...4).contains(words.count) {
                guard words.allSatisfy({ self.isCapital($0) || NameTable.particles.contains($0.text) }),
                    !words.allSatisfy({
                        Self.nobody.contains($0.text) || self.table.own.contains($0.text)
                            || Self.closings.contains($0.text) || NameTable.roles.contains($0.text)
                    })
                else { continue }
                if let first = words.first, let end = words.last {
                    spans.append(Masking.Span(range: first.range.lowerBound..<end.range.upperBound, kind: .name))
                }
            }
        }
        return spans
    }

    /// Words by line; lines without words are left out.
    private func lines() -> [[FoldedText.Word]] {
        var lines: [[FoldedText.Word]] = []
        var end = 0
        for word in self.words {
            let isNew = lines.isEmpty || (end..<word.range.lowerBound).contains { self.text.scalars[$0] == "\n" }
            if isNew { lines.append([word]) } else { lines[lines.count - 1].append(word) }
            end = word.range.upperBound
        }
        return lines
    }
}
