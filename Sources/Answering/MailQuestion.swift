import DeskModel

/// What a customer's mail asks and what it already tells: the parts that a drafter looks at.
package struct MailQuestion: Sendable {
    package let subject: String
    /// Visible part of the mail: no quotes, no signature.
    package let body: String
    /// Subject and body as one text, as it is embedded and searched: at most 4,000 characters.
    package let text: String
    /// Subject and sentences that carry meaning, at most 8, with the parts of them that may be about something else;
    /// greetings, thanks and names are left out.
    package let statements: [Statement]
    /// Whether a token in the mail looks like an order number: five or more digits, letters and a dash allowed. Such a
    /// number is not asked for again.
    package let namesOrder: Bool
    /// First name or full name for the greeting; nil when unknown.
    package var customerName: String?
    /// Where the mail came from: a name under it is believed when the address holds it too.
    package var customerAddress = ""
    /// ISO 639-1.
    package var language: String
    /// −1…1.
    package var sentiment: Double
    package var hasAttachment: Bool
    /// 0…1, from triage.
    package var familiarity: Double
    /// Upper level of the category, from triage; nil when unknown.
    package var category: String?
    /// Calibrated probability of the category, from triage.
    package var categoryConfidence: Double

    package init(
        subject: String, body: String, customerName: String? = nil, language: String = "en", sentiment: Double = 0,
        hasAttachment: Bool = false, familiarity: Double = 1, category: String? = nil, categoryConfidence: Double = 1
    ) {
        self.subject = subject
        self.body = body
        let line = subject.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        self.text = String((line.isEmpty ? body : "\(line)\n\(body)").prefix(4000))
        self.statements = Self.statements(subject: subject, body: body)
        self.namesOrder = Self.namesOrder(in: self.text)
        self.customerName = customerName
        self.language = language
        self.sentiment = sentiment
        self.hasAttachment = hasAttachment
        self.familiarity = familiarity
        self.category = category
        self.categoryConfidence = categoryConfidence
    }

    /// One thing that the mail says, as it is searched for on its own.
    package struct Statement: Sendable, Equatable {
        /// The sentence; before a short one like `How do I do that?` stands the sentence it refers to.
        package var text: String
        /// Whether it asks or demands something: such a sentence must be covered before an answer may go out alone.
        package var isRequest: Bool
        /// Whether it is a question without a subject of its own, such as `What shall I do now?`.
        package var isVague: Bool
        /// Words of the sentence that say what it is about ("instalments" of "Can I pay in instalments?"), folded.
        package var keyWords: [String] = []
        /// Whether it is the mail's subject and short: the name of a matter rather than a sentence.
        package var isTitle: Bool
        /// Whether the sentence before it is part of the text.
        package var hasContext = false
        /// Whether it is part of another statement, looked at for what it may be about besides; never a request.
        package var isAside: Bool

        package init(
            text: String, isRequest: Bool, isVague: Bool = false, isTitle: Bool = false, isAside: Bool = false
        ) {
            self.text = text
            self.isRequest = isRequest
            self.isVague = isVague
            self.isTitle = isTitle
            self.isAside = isAside
        }

        var isQuestion: Bool { self.text.hasSuffix("?") || self.text.hasSuffix("?)") }

        /// Whether the writer speaks of themselves: that is part of a story, not of a text from elsewhere.
        var isPersonal: Bool { Words.all(in: self.text).contains(where: MailQuestion.firstPerson.contains) }
    }

    private static func statements(subject: String, body: String) -> [Statement] {
        var result: [Statement] = []
        let subject = BaseSubject.of(subject)
        let terms = Set(Words.terms(in: subject))
        if !terms.isSubset(of: Self.emptySubjects) {
            result.append(Statement(text: subject, isRequest: false, isTitle: terms.count <= 3))
        }
        var asides = 0
        var previous = ""
        // Whoever says a thing twice asks it once, and each statement costs an embedding.
        var seen: Set<String> = []
        let sentences = SentenceSplitter.sentences(body.prefix(4000)).flatMap(Clauses.questions)
        for sentence in sentences where seen.insert(sentence).inserted {
            guard result.count - asides < Self.statementLimit else { break }
            let terms = Words.terms(in: sentence).count
            let isRequest = Self.isRequest(sentence)
            guard terms > 0, isRequest || terms > 1, !Self.isCourtesy(sentence), !Self.isName(sentence) else {
                continue
            }
            // `My order number is …` is close to every article about orders.
            if !isRequest, terms <= 4, Self.namesOrder(in: sentence) { continue }
            let isVague = isRequest && terms < 3 && sentence.hasSuffix("?")
            let needsContext = terms < 3 && !previous.isEmpty
            var statement = Statement(
                text: needsContext ? "\(previous) \(sentence)" : sentence, isRequest: isRequest, isVague: isVague)
            statement.hasContext = needsContext
            statement.keyWords = Self.keyWords(of: sentence)
            result.append(statement)
            // "How do I clean it?" may belong to the sentence before it, or be a question of its own.
            let parts =
                !(isVague && needsContext)
                ? Clauses.halves(of: sentence)
                : Set(Words.terms(in: sentence)).isSubset(of: Self.emptyQuestions) ? [] : [sentence]
            for part in parts where asides < Self.asideLimit {
                result.append(Statement(text: part, isRequest: false, isAside: true))
                asides += 1
            }
            previous = sentence
        }
        return result
    }

    /// The words of the requests; empty when the mail asks nothing, or only "What can be done?".
    var requestWords: [String] { self.statements.filter { $0.isRequest && !$0.isAside }.flatMap(\.keyWords) }

    /// The words of everything that the mail says.
    var storyWords: [String] { self.statements.filter { !$0.isAside }.flatMap(\.keyWords) }

    /// Statements that are searched for on their own; none when the mail is nothing but one.
    package var parts: [Statement] { self.statements.map(\.text) == [self.text] ? [] : self.statements }

    /// Whether the mail says more than `statements` holds.
    var isLong: Bool {
        self.statements.count { !$0.isAside } >= Self.statementLimit || self.body.count > 4000
    }

    private static func keyWords(of sentence: String) -> [String] {
        let words = sentence.split(separator: " ")
        // What it is wanted for is not what is asked: "for claiming it from my employer", "because …".
        let end =
            words.indices.first { index in
                let next = index + 1 < words.count ? words[index + 1] : ""
                return index > 2
                    && (words[index] == "because" || words[index] == "while"
                        || words[index] == "for" && next.hasSuffix("ing"))
            } ?? words.count
        return Words.meaningful(in: words[..<end].joined(separator: " ")).filter { word in
            let term = Words.stem(word)
            return !Self.emptyQuestions.contains(term) && !Self.generalTerms.contains(term)
                && !word.allSatisfy(\.isNumber)
        }
    }

    private static let statementLimit = 8
    private static let asideLimit = 4

    private static func isRequest(_ sentence: String) -> Bool {
        if sentence.last == "?" || sentence.hasSuffix("?)") { return true }
        let words = Words.all(in: sentence.prefix(80))
        guard let first = words.first(where: { !Self.fillers.contains($0) }) else { return false }
        if Self.openers.contains(first) || !Self.pleas.isDisjoint(with: words) { return true }
        // `I want …`, `I would also like …`
        let wish = words.drop { $0 != "i" }.dropFirst().first { !Self.fillers.contains($0) }
        return first == "i" && wish.map(Self.wishes.contains) == true
    }

    private static func isCourtesy(_ sentence: String) -> Bool {
        let words = Words.all(in: sentence)
        guard words.count <= 6, let first = words.first else { return words.isEmpty }
        return Self.courtesies.contains(first) || !Self.closings.isDisjoint(with: words)
    }

    /// Whether a line is nothing but a name: two to four words with capitals and no verb to be seen.
    private static func isName(_ sentence: String) -> Bool {
        let words = sentence.split { $0.isWhitespace || $0 == "(" || $0 == ")" }
        guard (1...4).contains(words.count), let last = sentence.last, !".?!:".contains(last) else { return false }
        let isCapital = { (word: Substring) in
            word.first?.isUppercase == true && word.dropFirst().allSatisfy(\.isLetter)
        }
        return words.count(where: isCapital) >= max(1, words.count - 2) && words.last.map(isCapital) == true
            && Words.terms(in: sentence).count <= 4
    }

    /// Whether the mail itself calls a number its order's: only then may an answer say that the number is known.
    var callsOrder: Bool { OrderNumber.named(in: self.text).contains { $0.count(where: \.isNumber) >= 4 } }

    private static func namesOrder(in text: String) -> Bool {
        text.unicodeScalars.split { $0.isSpace || Self.isBetweenWords($0) }.contains { word in
            guard word.count(where: \.isNumber) >= 5, !word.contains("@") else { return false }
            var body = word.drop { $0 == "#" }.drop { $0.isLetter || $0 == "-" || $0 == "_" }
            while body.last == "." { body.removeLast() }
            let parts = body.split(separator: "-", omittingEmptySubsequences: false).map(\.count)
            // `2025-05-12`, `12-05-2025`
            let isDate = parts.count == 3 && parts.allSatisfy { $0 <= 4 } && parts.contains(2) && parts.contains(4)
            return (5...20).contains(body.count(where: \.isNumber)) && body.allSatisfy { $0.isNumber || $0 == "-" }
                && !isDate
        }
    }

    private static func isBetweenWords(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case ",", ";", ":", "(", ")", "[", "]", "\"", "'", "?", "!": true
        default: false
        }
    }

    /// A name that is safe and natural in a greeting: the first name where that is usual, else up to three words;
    /// nil when the name may be no person's.
    package func greetingName(in language: String) -> String? {
        let words = (self.customerName ?? self.signedName ?? "").split(whereSeparator: \.isWhitespace)
        guard (1...3).contains(words.count), words.allSatisfy(Self.isNamePart) else { return nil }
        guard words.first?.first?.isLowercase == false, words.joined().count <= 60 else { return nil }
        guard Self.offices.isDisjoint(with: words.flatMap { Words.all(in: $0) }) else { return nil }
        let spoken = words.map(Self.quiet)
        return language == "en" || language == "nl" ? spoken[0] : spoken.joined(separator: " ")
    }

    /// A name in capitals, as one would say it: `DORIS` is Doris.
    private static func quiet(_ word: Substring) -> String {
        guard word.count > 2, word.allSatisfy({ !$0.isLowercase }) else { return String(word) }
        return word.prefix(1) + word.dropFirst().lowercased()
    }

    /// Words in names of mailboxes that are nobody's.
    private static let offices: Set<String> = [
        "purchasing", "accounts", "accounting", "support", "info", "sales", "office", "team", "service", "admin",
        "marketing", "billing", "orders", "procurement", "reception", "department", "einkauf", "buchhaltung",
        "verwaltung", "vertrieb", "kundendienst", "achats", "comptabilite", "compras", "contabilidad", "acquisti",
        "inkoop", "administratie", "zakupy", "ksiegowosc",
    ]

    /// The name at the end of the mail.
    private var signedName: String? {
        let local = Words.all(in: self.customerAddress.prefix { $0 != "@" }).joined()
        guard !local.isEmpty else { return nil }
        let lines = self.body.split(whereSeparator: \.isNewline).suffix(3)
        let name = lines.reversed().first { line in
            guard line.count <= 40 else { return false }
            return Words.all(in: line).contains { $0.count > 2 && local.contains($0) }
        }
        return name.map { line in line.split { $0 == "," || $0 == "(" }.first.map(String.init) ?? String(line) }
    }

    /// Whether the customer's words show that they are upset.
    package var isUpset: Bool { self.sentiment <= -0.4 }

    private static func isNamePart(_ word: Substring) -> Bool {
        word.count <= 30 && word.allSatisfy { $0.isLetter || $0 == "-" || $0 == "'" || $0 == "’" }
            && word.contains(where: \.isLetter)
    }

    /// Words that begin a greeting, thanks or a closing.
    private static let courtesies: Set<String> = [
        "hi", "hello", "hey", "dear", "good", "thanks", "thank", "regards", "kind", "best", "cheers", "sincerely",
        "yours", "greetings", "sent", "guten", "hallo", "liebe", "lieber", "danke", "vielen", "mit", "viele", "bonjour",
        "merci", "cordialement", "hola", "gracias", "saludos", "buongiorno", "grazie", "saluti", "bedankt", "dzien",
        "dziekuje", "ola", "obrigado", "obrigada", "respected", "sir", "madam", "gentlemen",
    ]
    /// Words by which a short line is a closing, wherever they stand in it.
    static let closings: Set<String> = [
        "regards", "greetings", "faithfully", "sincerely", "grusse", "grussen", "cordialement", "saludos", "saluti",
        "groet", "groeten", "cumprimentos",
    ]
    /// Words before a question that are none of it.
    private static let fillers: Set<String> = [
        "hi", "hello", "hey", "and", "also", "so", "good", "day", "morning", "evening", "then", "just", "still",
        "really", "now", "but", "secondly", "finally",
    ]
    /// Words that make a request of the sentence they stand in.
    private static let pleas: Set<String> = ["please", "kindly", "pls", "bitte", "por", "prosze", "alstublieft"]
    /// After `I`.
    private static let wishes: Set<String> = [
        "want", "would", "need", "require", "ask", "request", "demand", "wish", "expect", "like",
    ]
    /// The writer, in the desk's languages.
    fileprivate static let firstPerson: Set<String> = [
        "i", "im", "ive", "id", "my", "me", "mine", "we", "our", "us", "ich", "mein", "meine", "meinen", "meiner",
        "mir",
        "mich", "wir", "unser", "unsere", "je", "jai", "mon", "ma", "mes", "nous", "notre", "yo", "mi", "mis", "me",
        "nosotros", "nuestro", "io", "mio", "mia", "ho", "noi", "nostro", "ik", "mijn", "wij", "ons", "onze", "moj",
        "moja", "moje", "mam", "mnie", "eu", "meu", "minha", "tenho", "nosso",
    ]
    /// Stems of subjects that name no matter.
    private static let emptySubjects: Set<String> = [
        "question", "help", "inquiri", "enquiri", "request", "order", "problem", "issu", "urgent", "mail", "support",
        "info", "hello", "import", "custom", "servic", "frag", "bestellung", "anfrag",
    ]
    /// Stems of short questions that name no matter.
    private static let emptyQuestions: Set<String> = [
        "shall", "happen", "next", "possibl", "help", "explain", "tell", "wrong", "know", "sort", "fix", "catch",
        "late",
        "mean", "advis", "machen", "tun", "soll", "moglich", "faire", "possible", "hacer", "fare", "doen",
    ]
    /// Stems that say nothing of what a request is about: "Is it too late?", "What number is it?".
    static let generalTerms = Set(
        """
        may might must shall back till according call claim come get give go gone late long number see take make made
        use let put work find found look much many time day days week month hour minute ago today yesterday tomorrow
        morning afternoon evening monday tuesday wednesday thursday friday saturday sunday want need require like wish would
        cant cannot able still also even yet already good sir madam team something anything thing things way exact
        exactly actual actually normal normally guide inform advice advise inquire enquire wonder kindly pls needful
        whats hows its send sent receive item product article order ordered purchase buy bought place placed parcel
        package packet one last latest recent rid site website page ur u artikel produkt ware bestellung produit
        pedido producto ordine prodotto gern mochte gibt
        """.split(whereSeparator: \.isWhitespace).map { Words.stem(String($0)) })

    /// Words that begin a question or an instruction without a question mark.
    private static let openers: Set<String> = [
        "can", "could", "would", "will", "please", "how", "what", "when", "where", "why", "who", "which", "do", "does",
        "did", "is", "are", "am", "may", "should", "tell", "explain", "write", "give", "send", "provide", "describe",
        "list", "create", "generate", "translate", "summarize", "discuss", "name", "show", "find", "calculate",
        "compare", "use", "ignore", "answer", "respond", "reply", "add", "include", "make", "put", "print", "repeat",
        "kindly", "pls", "any", "recommend", "suggest", "mention", "promote", "advertise", "say", "offer", "praise",
        "quote",
        "reveal", "confirm", "visit", "click", "buy", "teach", "compose", "prepare", "rewrite", "convert", "solve",
        "kann", "konnen", "wie", "was", "wann", "wo", "warum", "bitte", "comment", "quand",
        "pouvez", "pourquoi",
        "como", "cuando", "pueden", "quando", "potete", "kunt", "hoe", "wanneer", "jak", "kiedy", "czy", "prosze",
    ]
}
