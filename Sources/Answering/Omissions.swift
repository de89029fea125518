internal import DeskModel

/// What a draft leaves unsaid though the mail speaks of it.
///
/// "How do I return it without a printer?" is near every article about returns, and "the lamp fell" is near every
/// guarantee. Whether the sentences that were chosen say anything of printers, and whether the article excepts falls
/// in a sentence that was not chosen, only their words tell. A person sees that at a glance; an answer that goes out
/// alone may not have any.
struct Omissions: Equatable {
    /// Words of what the mail asks that the draft does not hold, as `Words` folds them.
    let words: [String]
    /// Sentences of the draft's articles, not in the draft, that except something that the mail names.
    let exceptions: [String]

    /// - Parameter sources: the articles that the draft cites; others are left out of account.
    init(_ question: MailQuestion, draft: Draft, sources: [Grounding.Source]) {
        let cited = Set(draft.citations.map(\.article))
        let sources = sources.filter { cited.contains($0.article) }
        let titles = Set(sources.flatMap { Words.terms(in: $0.title) })
        let said = titles.union(draft.citations.flatMap { Words.terms(in: $0.span) })
        let statements = question.statements.filter { !$0.isAside }
        let asked = question.requestWords
        let story = asked.isEmpty ? Self.distinct(question.storyWords) : []
        let open = (asked.isEmpty ? story : Self.distinct(asked)).filter { !Self.names(said, Words.stem($0)) }
        // A mail that only tells what happened asks with all of it, and some of it is story.
        self.words = asked.isEmpty && 2 * open.count < story.count ? [] : open
        let spans = Set(draft.citations.map(\.span))
        let told = Set(statements.flatMap { Words.terms(in: $0.text) }).subtracting(MailQuestion.generalTerms)
            .filter { !Self.names(said, $0) && !$0.allSatisfy(\.isNumber) }
        self.exceptions = sources.flatMap { SentenceSplitter.sentences($0.text) }.filter { sentence in
            guard Self.excepts(sentence), !spans.contains(where: sentence.contains) else { return false }
            let terms = Set(Words.terms(in: sentence))
            return told.contains { Self.names(terms, $0) }
        }
    }

    /// Words of different stems, each as it stands first.
    private static func distinct(_ words: [String]) -> [String] {
        var seen: Set<String> = []
        return words.filter { seen.insert(Words.stem($0)).inserted }
    }

    /// One phrase each, for the agent.
    var remarks: [String] {
        let words =
            self.words.isEmpty
            ? [] : ["the draft says nothing of " + self.words.prefix(5).map { "“\($0)”" }.joined(separator: ", ")]
        return words + self.exceptions.prefix(2).map { "the article also says: “\($0)”" }
    }

    /// Whether a term is one of `terms`, or the beginning of one, or one of them its beginning (`deliver`, `delivery`),
    /// or says the same.
    private static func names(_ terms: Set<String>, _ term: String) -> Bool {
        terms.contains(term)
            || terms.contains { $0.hasPrefix(term) || $0.utf8.count > 3 && term.hasPrefix($0) }
            || Self.same.contains { $0.contains(term) && !$0.isDisjoint(with: terms) }
    }

    /// Stems that stand for one another.
    private static let same: [Set<String>] = [
        "cost price fee charge sum amount euro pound free", "keep kept", "pay paid payment", "break broke broken",
        "fall fell fallen", "lose lost", "refund reimburse money", "shop store", "phone telephone ring",
        "mail email letter", "coupon code voucher", "warranty guarantee", "expire valid", "cancel annul revoke",
        "site website page",
    ].map { Set($0.split(separator: " ").map { Words.stem(String($0)) }) }

    private static func excepts(_ sentence: String) -> Bool {
        Facts(in: sentence).isNegated || !Self.exceptions.isDisjoint(with: Words.all(in: sentence))
    }

    /// Words by which a sentence takes something out of what another grants, as `Words` folds them.
    private static let exceptions: Set<String> = [
        "only", "except", "unless", "excluded", "nur", "ausser", "ausgenommen", "seulement", "sauf", "uniquement",
        "solo", "salvo", "excepto", "tranne", "soltanto", "alleen", "behalve", "tylko", "oprocz", "apenas", "exceto",
    ]
}
