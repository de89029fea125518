package import DeskModel

/// Writes an answer from sentences of the knowledge base, word for word, between fixed phrases. Needs no model.
///
/// A help article is written as running text, so the drafter takes a run of neighbouring sentences around the best one
/// rather than the best ones from everywhere, and only then adds single sentences of other passages that say more.
package struct ExtractiveDrafter: Sendable {
    /// Below this `answerable` nothing is drafted.
    package var floor: Double
    /// Name under the answer.
    package var signature: String
    /// Hosts that links may point to; lower case.
    package var linkHosts: [String]
    /// What stands around the answer.
    package var templates = ReplyTemplates.standard
    /// What the desk has learned about its own drafts.
    package var calibration = ConfidenceCalibration.prior

    /// Words of an answer, its list items included.
    private static let wordLimit = 130

    package init(floor: Double = 0.35, signature: String = "", linkHosts: [String] = []) {
        self.floor = floor
        self.signature = signature
        self.linkHosts = linkHosts
    }

    /// - Parameters:
    ///   - sources: the articles to draw from, in the order of the mail; one for each part of the question.
    ///   - uncovered: requests of the mail that no source answers; they lower the confidence.
    ///   - requests: how many requests the mail has.
    package func draft(
        _ question: MailQuestion, answerable: Double, sources: [DraftSource], uncovered: [String], requests: Int
    ) -> DraftOutcome {
        guard let main = sources.first, answerable >= self.floor else {
            return .nothing(self.gap(question, answerable: answerable, nearest: sources.first))
        }
        let spoken = main.language ?? (question.language == "und" ? "en" : question.language)
        // An answer in another language than the mail's helps nobody; people are told which article it would have been.
        guard sources.allSatisfy({ $0.mayAnswer(question.language) }) else {
            return .nothing(self.gap(question, answerable: answerable, nearest: main))
        }
        let phrases = ReplyPhrases.language(spoken) ?? ReplyPhrases.language("en")
        guard let phrases else { return .nothing(self.gap(question, answerable: answerable, nearest: main)) }
        let words = sources.count == 1 ? Self.wordLimit : Self.wordLimit / 2
        let paragraphs = sources.map { self.paragraphs($0, question: question, words: words) }
        let answer = paragraphs.joined().joined(separator: "\n\n")
        guard !answer.isEmpty else { return .nothing(self.gap(question, answerable: answerable, nearest: main)) }
        let grounding = Grounding(
            reply: answer, sources: sources.map(\.text), linkHosts: self.linkHosts,
            headings: Set(sources.flatMap(\.leads)))
        let missing = Self.missing(question, source: main, answer: answer)
        let asked = missing.filter { !$0.isAskedInAnswer }.map {
            $0.item == .photo ? phrases.photo : phrases.orderNumber
        }
        let isNoted = question.callsOrder && MissingItem.orderNumber.isMentioned(in: answer)
        let name = question.greetingName(in: spoken)
        let body = self.templates.render(
            [
                "name": name ?? "", "greeting": phrases.greeting(name), "thanks": phrases.thanks,
                "apology": phrases.apology, "answer": answer, "request": asked.isEmpty ? "" : phrases.ask(asked),
                "noted": isNoted ? phrases.noted : "", "closing": phrases.closing, "signature": self.signature,
                "category": question.category ?? "",
            ], language: spoken, category: question.category, isNegative: question.isUpset)
        let requests = max(requests, uncovered.count, 1)
        let confidence = Confidence(
            answerable: answerable, grounding: grounding.share, familiarity: question.familiarity,
            category: question.categoryConfidence,
            questionsCovered: 1 - Double(uncovered.count) / Double(requests))
        let prior = confidence.probability
        var draft = Draft(
            body: body, citations: grounding.citations, unsupported: grounding.unsupported,
            confidence: self.calibration.probability(prior, category: question.category), answerable: answerable,
            missing: missing.map { $0.item.rawValue })
        draft.prior = prior
        var remarks = Self.remarks(sources, uncovered: uncovered, requests: requests)
        if let first = Self.verdict(of: answer), !main.article.asks(question.requestWords) {
            remarks.append("“\(first)” answers “\(main.text.title)”, which may not be what the mail asks")
        }
        return .draft(draft, remarks: remarks)
    }

    /// The word with which an answer says yes or no; nil when it begins with anything else, such as "No returns …".
    private static func verdict(of answer: String) -> Substring? {
        let first = answer.prefix(while: \.isLetter)
        let next = answer[first.endIndex...].first
        return next.map(",.:;!–-".contains) == true && Self.verdicts.contains(first.lowercased()) ? first : nil
    }

    private static let verdicts: Set<String> = [
        "yes", "no", "ja", "nein", "oui", "non", "sí", "si", "sì", "nee", "tak", "nie", "sim", "não",
    ]

    private static func remarks(_ sources: [DraftSource], uncovered: [String], requests: Int) -> [String] {
        var remarks = sources.filter { !$0.unnamedProducts.isEmpty }.map { source in
            "“\(source.text.title)” is only for \(source.unnamedProducts.joined(separator: ", ")), "
                + "which the mail does not name"
        }
        if !uncovered.isEmpty {
            let open = uncovered.map { "“\($0.count > 80 ? $0.prefix(79) + "…" : $0[...])”" }.joined(separator: " ")
            remarks.append("left open, \(uncovered.count) of \(requests) requests: \(open)")
        }
        return remarks
    }

    private func gap(_ question: MailQuestion, answerable: Double, nearest: DraftSource?) -> KnowledgeGap {
        let known = nearest?.article.terms ?? []
        var seen: Set<String> = []
        let missing = Words.all(in: question.text).filter { word in
            let term = Words.stem(word)
            return word.count > 3 && !StopWords.contains(word)
                && !known.contains(term) && seen.insert(term).inserted
        }
        let reason =
            nearest.map { nearest in
                nearest.mayAnswer(question.language) || answerable < self.floor
                    ? "no article answers this well enough; the nearest is “\(nearest.text.title)”"
                    : "“\(nearest.text.title)” is in \(nearest.language ?? "another language"), "
                        + "the customer wrote in \(question.language)"
            } ?? "the knowledge base is empty"
        return KnowledgeGap(
            reason: reason, answerable: answerable, nearest: nearest?.text.title, missing: Array(missing.prefix(8)))
    }

    // MARK: Choosing sentences

    /// The sections that answer best, in the article's order. A section (what stands under one heading) is a unit that
    /// its author meant to be read together; the first one often holds the short answer.
    private func paragraphs(_ source: DraftSource, question: MailQuestion, words limit: Int) -> [String] {
        let usable = source.sentences.indices.filter { Self.isUsable(source.sentences[$0], for: question) }
        let paragraphs = source.paragraphs(of: Array(usable))
        let sections = Dictionary(grouping: paragraphs.indices) { Self.passage(paragraphs[$0], source) ?? 0 }
        let fits = sections.mapValues { section in source.scores(ofSection: section.flatMap { paragraphs[$0] }) }
        let ranked = fits.mapValues { $0.max() ?? 0 }.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        guard let best = ranked.first else { return [] }
        var chosen: [Int] = []
        var room = limit
        func add(_ section: Int) {
            guard !chosen.contains(section) else { return }
            chosen.append(section)
            room -= sections[section, default: []].reduce(0) { $0 + Self.words(paragraphs[$1], source) }
        }
        func hasRoom(for section: Int) -> Bool {
            chosen.count < Self.sectionLimit
                && sections[section, default: []].reduce(0) { $0 + Self.words(paragraphs[$1], source) } <= room
        }
        add(best.key)
        // What answers one question comes before what also fits another.
        for asked in source.asked.indices {
            guard let (section, fit) = fits.map({ ($0, $1[asked]) }).max(by: { ($0.1, $1.0) < ($1.1, $0.0) }),
                fit >= Self.ownShare * best.value, hasRoom(for: section)
            else { continue }
            add(section)
        }
        for (section, score) in ranked.dropFirst() where hasRoom(for: section) {
            let asks = sections[section, default: []].flatMap { paragraphs[$0] }.contains { index in
                source.sentences[index].requests.contains { !$0.isGiven(in: question) }
            }
            // A lone short sentence looks curt, and what the desk needs to know is asked at once.
            let isCurt = limit - room < Self.curt
            let share: Float = asks ? 0.6 : isCurt ? 0.7 : section == 0 ? 0.85 : 0.9
            if score >= share * best.value { add(section) }
        }
        return chosen.sorted().flatMap { section in
            var texts = self.fitted(
                section: sections[section, default: []].map { paragraphs[$0] }, source: source, limit: limit)
            // A list without its heading begins in the middle.
            if let first = texts.first, first.hasPrefix("- "), source.leads.indices.contains(section),
                !source.leads[section].isEmpty
            {
                texts[0] = "\(source.leads[section])\n\(first)"
            }
            return texts
        }
    }

    /// Of the best fit, what a section needs that answers one of several things asked.
    private static let ownShare: Float = 0.75
    /// Sections of an answer from one article.
    private static let sectionLimit = 3
    /// Words below which an answer is curt.
    private static let curt = 20
    /// Words of a section that is taken whole.
    private static let wholeSection = 75

    private func fitted(section: [[Int]], source: DraftSource, limit: Int) -> [String] {
        let size = section.reduce(0) { $0 + Self.words($1, source) }
        guard size > Self.wholeSection, section.count > 1 else {
            return section.map { Self.rendered(self.fitted($0, source: source, limit: limit), source) }
        }
        let scores = section.map { $0.map { source.scores[$0] }.max() ?? 0 }
        let best = scores.max() ?? 0
        return section.indices.filter { scores[$0] >= 0.75 * best }
            .map { Self.rendered(self.fitted(section[$0], source: source, limit: limit), source) }
    }

    /// A paragraph that is too long by itself is cut to a run of sentences around its best one.
    private func fitted(_ paragraph: [Int], source: DraftSource, limit: Int) -> [Int] {
        guard Self.words(paragraph, source) > limit,
            let best = paragraph.indices.max(by: { source.scores[paragraph[$0]] < source.scores[paragraph[$1]] })
        else { return paragraph }
        var first = best
        while first > 0, source.sentences[paragraph[first]].needsPredecessor { first -= 1 }
        var run: [Int] = []
        for index in paragraph[first...] {
            guard run.isEmpty || Self.words(run + [index], source) <= limit else { break }
            run.append(index)
        }
        return run
    }

    private static func words(_ sentences: [Int], _ source: DraftSource) -> Int {
        sentences.reduce(0) { $0 + source.sentences[$1].wordCount }
    }

    private static func passage(_ paragraph: [Int], _ source: DraftSource) -> Int? {
        paragraph.first.map { source.sentences[$0].passage }
    }

    private static func rendered(_ paragraph: [Int], _ source: DraftSource) -> String {
        var text = ""
        for index in paragraph {
            let sentence = source.sentences[index]
            let startsItem = sentence.isListItem && sentence.startsLine
            text += text.isEmpty ? "" : startsItem ? "\n" : " "
            text += startsItem ? "- \(sentence.text)" : sentence.text
        }
        return text
    }

    private static func isUsable(_ sentence: QuotableArticle.Sentence, for question: MailQuestion) -> Bool {
        guard !sentence.isBesideThePoint else { return false }
        // What the customer has already sent is not asked for again.
        let isShort = sentence.wordCount <= 9
        return sentence.requests.isEmpty || !isShort || !sentence.requests.allSatisfy { $0.isGiven(in: question) }
    }

    private static func missing(
        _ question: MailQuestion, source: DraftSource, answer: String
    ) -> [(item: MissingItem, isAskedInAnswer: Bool)] {
        // An article may want it for a case that this mail is not about.
        let least = 0.85 * (source.scores.max() ?? 0)
        return MissingItem.allCases.filter { !$0.isGiven(in: question) }.compactMap { item in
            let isMentioned = item.isMentioned(in: answer)
            let isRequested = zip(source.sentences, source.scores).contains { sentence, score in
                score >= least && sentence.requests.contains(item)
            }
            return isMentioned || isRequested ? (item, isMentioned) : nil
        }
    }
}

/// What the drafter made of a mail.
package enum DraftOutcome: Sendable {
    /// `remarks` are for the agent: what the draft does not do.
    case draft(Draft, remarks: [String])
    case nothing(KnowledgeGap)
}

/// Why nothing was drafted, and what an article would have to say.
package struct KnowledgeGap: Sendable, Equatable {
    package var reason: String
    /// 0…1.
    package var answerable: Double
    /// Title of the nearest article.
    package var nearest: String?
    /// Words of the mail that the nearest article does not know, at most 8.
    package var missing: [String]

    package init(reason: String, answerable: Double, nearest: String?, missing: [String]) {
        self.reason = reason
        self.answerable = answerable
        self.nearest = nearest
        self.missing = missing
    }
}
