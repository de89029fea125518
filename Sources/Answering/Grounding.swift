package import DeskModel

/// Ties each sentence of a reply to the words of a source, or names it as unsupported.
///
/// A sentence is supported when one source holds most of its meaning words and every fact in it: numbers, dates,
/// amounts, links and words that promise something. Fixed phrases and words about the customer need no source.
package struct Grounding: Sendable {
    /// A text that may be quoted to the customer.
    package struct Source: Sendable {
        package let article: String
        package let title: String
        package let text: String
        fileprivate let passages: [Passage]

        package init(article: String, title: String, text: String) {
            self.article = article
            self.title = title
            self.text = text
            self.passages = Passage.passages(of: text)
        }
    }

    package private(set) var citations: [Citation] = []
    package private(set) var unsupported: [String] = []
    /// Sentences that needed a source.
    package private(set) var claims = 0

    /// Share of the claims with a source; 0 when there are none, for a reply that says nothing is no answer.
    package var share: Double {
        self.claims == 0 ? 0 : Double(self.claims - self.unsupported.count) / Double(self.claims)
    }

    /// Share of a sentence's meaning words that its source must hold.
    private static let overlap = 0.7

    /// - Parameters:
    ///   - reply: the text between greeting and closing; greetings and closings have no place in it.
    ///   - linkHosts: hosts that links may point to besides those that a source names; lower case.
    ///   - headings: lines that name what follows and say nothing by themselves.
    package init(reply: String, sources: [Source], linkHosts: [String] = [], headings: Set<String> = []) {
        for raw in SentenceSplitter.sentences(reply) {
            let sentence = raw.hasPrefix("- ") ? String(raw.dropFirst(2)) : raw
            guard !ReplyPhrases.frames.contains(sentence), !headings.contains(sentence) else { continue }
            self.claims += 1
            if let citation = Self.citation(of: sentence, sources, linkHosts) {
                if !self.citations.contains(citation) { self.citations.append(citation) }
            } else {
                self.unsupported.append(sentence)
            }
        }
    }

    /// The sentence of a source that says the same; nil when none does.
    private static func citation(of sentence: String, _ sources: [Source], _ hosts: [String]) -> Citation? {
        func citation(_ source: Source, _ passage: Passage) -> Citation {
            Citation(article: source.article, title: source.title, span: passage.sentence)
        }
        // What stands in a source word for word needs no comparison.
        for source in sources {
            if let passage = source.passages.first(where: { $0.sentence == sentence }) {
                return citation(source, passage)
            }
        }
        let claim = Passage(sentence: sentence)
        var best: (share: Double, source: Source, passage: Passage)?
        for source in sources {
            for passage in source.passages {
                let share = passage.share(of: claim)
                if share > best?.share ?? -1 { best = (share, source, passage) }
            }
        }
        guard let best, best.share >= Self.overlap, best.passage.holdsFacts(of: claim, hosts: hosts) else { return nil }
        return citation(best.source, best.passage)
    }

    /// A sentence with what is compared of it.
    fileprivate struct Passage: Sendable {
        let sentence: String
        let terms: Set<String>
        let facts: Facts
        /// Of the sentence and its neighbours: two short sentences may be joined into one.
        var nearby: Set<String> = []
        var nearbyFacts = Facts()

        init(sentence: String) {
            self.sentence = sentence
            self.terms = Set(Words.terms(in: sentence))
            self.facts = Facts(in: sentence)
        }

        static func passages(of text: String) -> [Passage] {
            var passages = SentenceSplitter.sentences(text).map { sentence in
                Passage(sentence: sentence.hasPrefix("- ") ? String(sentence.dropFirst(2)) : sentence)
            }
            for index in passages.indices {
                for near in max(0, index - 1)...min(index + 1, passages.count - 1) {
                    passages[index].nearby.formUnion(passages[near].terms)
                    passages[index].nearbyFacts.formUnion(passages[near].facts)
                }
            }
            return passages
        }

        func share(of claim: Passage) -> Double {
            guard !claim.terms.isEmpty else { return 0 }
            let own = Double(claim.terms.intersection(self.terms).count)
            let near = Double(claim.terms.intersection(self.nearby).count)
            // The neighbours count a little less, so that the sentence itself is cited when it says it all.
            return (own + 0.9 * (near - own)) / Double(claim.terms.count)
        }

        func holdsFacts(of claim: Passage, hosts: [String]) -> Bool {
            // `Vouchers cannot be refunded` is no source for `vouchers can be refunded`.
            if self.facts.isNegated, !claim.facts.isNegated, !claim.facts.promises.isEmpty { return false }
            return self.nearbyFacts.hold(claim.facts, hosts: hosts)
        }
    }
}

/// What a sentence commits to: the parts that must stand in a source word for word.
struct Facts: Equatable {
    /// Numbers as digits without grouping: `30`, `49.90`.
    private(set) var numbers: Set<String> = []
    private(set) var links: Set<String> = []
    /// Stems of words that promise or grant something.
    private(set) var promises: Set<String> = []
    private(set) var isNegated = false

    init() {}

    init(in sentence: String) {
        for word in sentence.split(whereSeparator: \.isWhitespace) {
            let lower = word.lowercased()
            if lower.contains("://") || lower.hasPrefix("www.") || lower.contains("@") {
                self.links.insert(Self.bare(lower))
            } else {
                self.numbers.formUnion(Self.numbers(in: lower))
            }
        }
        for word in Words.all(in: sentence) {
            if let number = Self.spelled[word] { self.numbers.insert(number) }
            if Self.negations.contains(word) { self.isNegated = true }
            if let stem = Self.promiseStems.first(where: { word.hasPrefix($0) }) { self.promises.insert(stem) }
        }
    }

    mutating func formUnion(_ other: Facts) {
        self.numbers.formUnion(other.numbers)
        self.links.formUnion(other.links)
        self.promises.formUnion(other.promises)
        self.isNegated = self.isNegated || other.isNegated
    }

    /// Whether everything that `claim` commits to stands here too.
    func hold(_ claim: Facts, hosts: [String]) -> Bool {
        guard claim.numbers.isSubset(of: self.numbers), claim.promises.isSubset(of: self.promises) else { return false }
        if claim.isNegated, !self.isNegated { return false }
        return claim.links.allSatisfy { link in self.links.contains(link) || hosts.contains(Self.host(of: link)) }
    }

    private static let negations: Set<String> = [
        "not", "no", "never", "cannot", "cant", "dont", "doesnt", "wont", "isnt", "nicht", "kein", "keine", "nie",
        "pas",
        "jamais", "aucun", "non", "nunca", "niet", "geen", "nooit", "nie", "nao",
    ]
    private static let promiseStems = [
        "refund", "reimburs", "replac", "free", "guarant", "promis", "compensat", "discount", "voucher", "credit",
        "waive", "cancel", "exchang", "deliver", "ship", "erstatt", "gutschein", "kostenlos", "garanti", "ersatz",
        "umtausch", "rabatt", "rembours", "gratuit", "echange", "remise", "reembols", "gratis", "sustitu", "descuento",
        "rimbors", "gratuit", "sostitu", "sconto", "terugbeta", "vervang", "korting", "zwrot", "darmow", "wymian",
        "rabat", "substitu", "descont",
    ]
    private static let spelled: [String: String] = [
        "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
        "ten": "10", "twelve": "12", "fourteen": "14", "fifteen": "15", "twenty": "20", "thirty": "30",
    ]

    private static func numbers(in word: String) -> Set<String> {
        var numbers: Set<String> = []
        var number = ""
        func flush() {
            while number.last == "." { number.removeLast() }
            if !number.isEmpty { numbers.insert(number) }
            number = ""
        }
        let characters = Array(word)
        for (index, character) in characters.enumerated() {
            if character.isASCII, character.isNumber {
                number.append(character)
            } else if (character == "." || character == ","), !number.isEmpty, index + 1 < characters.count,
                characters[index + 1].isNumber
            {
                // `49,90` is `49.90`; three digits after the mark are a group of thousands
                let digits = characters[(index + 1)...].prefix { $0.isNumber }.count
                if digits != 3 { number.append(".") }
            } else {
                flush()
            }
        }
        flush()
        return numbers
    }

    private static func bare(_ link: String) -> String {
        var link = link[...]
        while let first = link.first, "(<\"'[".contains(first) { link.removeFirst() }
        while let last = link.last, ".,;:!?)>\"']/".contains(last) { link.removeLast() }
        return String(link)
    }

    private static func host(of link: String) -> String {
        let rest = link.firstRange(of: "://").map { link[$0.upperBound...] } ?? link[...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return String(authority.split(separator: "@").last ?? authority)
    }
}
