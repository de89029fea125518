/// What a customer's mail asks and what it already tells: the parts that a drafter looks at.
package struct MailQuestion: Sendable {
    package var subject: String
    /// Visible part of the mail: no quotes, no signature.
    package var body: String
    /// First name or full name for the greeting; nil when unknown.
    package var customerName: String?
    /// ISO 639-1.
    package var language: String
    /// −1…1.
    package var sentiment: Double
    package var hasAttachment: Bool
    /// 0…1, from triage.
    package var familiarity: Double
    /// Calibrated probability of the category, from triage.
    package var categoryConfidence: Double

    package init(
        subject: String, body: String, customerName: String? = nil, language: String = "en", sentiment: Double = 0,
        hasAttachment: Bool = false, familiarity: Double = 1, categoryConfidence: Double = 1
    ) {
        self.subject = subject
        self.body = body
        self.customerName = customerName
        self.language = language
        self.sentiment = sentiment
        self.hasAttachment = hasAttachment
        self.familiarity = familiarity
        self.categoryConfidence = categoryConfidence
    }

    /// Subject and body as one text, as it is embedded and searched: at most 4,000 characters.
    package var text: String {
        let subject = self.subject.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return String((subject.isEmpty ? self.body : "\(subject)\n\(self.body)").prefix(4000))
    }

    /// The sentences that ask or demand something, at most 12; each must be covered before an answer may go out alone.
    package var requests: [String] {
        let sentences = SentenceSplitter.sentences(self.body.prefix(4000))
        let asking = sentences.filter { sentence in
            if sentence.last == "?" || sentence.hasSuffix("?)") { return true }
            guard let first = Words.all(in: sentence.prefix(60)).first else { return false }
            return Self.openers.contains(first)
        }
        return Array((asking.isEmpty ? [self.text] : asking).prefix(12))
    }

    /// Whether a token in the mail looks like an order number: five or more digits, letters and a dash allowed.
    package var namesOrder: Bool {
        self.text.split(whereSeparator: { $0.isWhitespace || ",;:()[]\"'".contains($0) }).contains { word in
            let body = word.drop { $0 == "#" }.drop { $0.isLetter || $0 == "-" || $0 == "_" }
            let digits = body.filter(\.isNumber).count
            return digits >= 5 && digits <= 20 && body.allSatisfy { $0.isNumber || $0 == "-" || $0 == "." }
                && !word.contains("@")
        }
    }

    /// A name that is safe and natural in a greeting: the first name where that is usual, else up to three words;
    /// nil when the name may be no person's.
    package func greetingName(in language: String) -> String? {
        let words = (self.customerName ?? "").split(whereSeparator: \.isWhitespace)
        guard (1...3).contains(words.count), words.allSatisfy(Self.isNamePart) else { return nil }
        guard words.first?.first?.isLowercase == false, words.joined().count <= 60 else { return nil }
        return language == "en" || language == "nl" ? String(words[0]) : words.joined(separator: " ")
    }

    private static func isNamePart(_ word: Substring) -> Bool {
        word.count <= 30 && word.allSatisfy { $0.isLetter || $0 == "-" || $0 == "'" || $0 == "’" }
            && word.contains(where: \.isLetter)
    }

    /// Words that begin a question or an instruction without a question mark.
    private static let openers: Set<String> = [
        "can", "could", "would", "will", "please", "how", "what", "when", "where", "why", "who", "which", "do", "does",
        "did", "is", "are", "am", "may", "should", "tell", "explain", "write", "give", "send", "provide", "describe",
        "list", "create", "generate", "translate", "summarize", "discuss", "name", "show", "find", "calculate",
        "compare", "use", "ignore", "answer", "respond", "reply", "add", "include", "make", "put", "print", "repeat",
        "kann", "konnen", "wie", "was", "wann", "wo", "warum", "bitte", "comment", "quand", "pouvez", "pourquoi",
        "como", "cuando", "pueden", "quando", "potete", "kunt", "hoe", "wanneer", "jak", "kiedy", "czy", "prosze",
    ]
}
