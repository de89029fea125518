import DeskModel

/// What the desk knows of the very customer who asks: their order numbers and what they were told before.
///
/// It reaches a draft only when nobody but this customer reads the answer; whoever builds it has to make sure of that.
/// What is said from it is for a person to check: it never goes out alone.
package struct OwnHistory: Sendable {
    package struct Entry: Sendable {
        /// `MT-1042`
        package var ticket: String
        package var subject: String
        /// True when the desk wrote it.
        package var isOurs: Bool
        package var text: String
        /// True for mails of the ticket that is being answered: the customer has them before their eyes.
        package var isSameTicket: Bool
        /// Cosine of its ticket with the question; nil when unknown.
        package var likeness: Double?

        package init(
            ticket: String, subject: String, isOurs: Bool, text: String, isSameTicket: Bool, likeness: Double?
        ) {
            self.ticket = ticket
            self.subject = subject
            self.isOurs = isOurs
            self.text = text
            self.isSameTicket = isSameTicket
            self.likeness = likeness
        }
    }

    /// Newest first.
    package let entries: [Entry]

    package init(entries: [Entry] = []) { self.entries = entries }

    package struct KnownOrder: Sendable, Equatable {
        /// As it was written.
        package let number: String
        package let ticket: String
    }

    /// The order that was spoken of last.
    package var order: KnownOrder? {
        for entry in self.entries {
            if let number = OrderNumber.named(in: "\(entry.subject)\n\(entry.text)").last {
                return KnownOrder(number: number, ticket: entry.ticket)
            }
        }
        return nil
    }

    package struct EarlierAnswer: Sendable, Equatable {
        package let ticket: String
        /// The sentences that say something, at most `wordLimit` words.
        package let sentences: [String]
    }

    /// What the customer was told when they asked much the same.
    package func answer(likeness floor: Double = Self.alike) -> EarlierAnswer? {
        let candidates = self.entries.filter { $0.isOurs && !$0.isSameTicket && ($0.likeness ?? 0) >= floor }
        for entry in candidates.sorted(by: { ($0.likeness ?? 0) > ($1.likeness ?? 0) }) {
            var sentences: [String] = []
            var words = 0
            for sentence in SentenceSplitter.sentences(entry.text) where !CaseText.isCourtesy(sentence) {
                words += sentence.split(separator: " ").count
                guard words <= Self.wordLimit else { break }
                sentences.append(sentence)
            }
            if Words.terms(in: sentences.joined(separator: " ")).count >= 3 {
                return EarlierAnswer(ticket: entry.ticket, sentences: sentences)
            }
        }
        return nil
    }

    /// One phrase each, for the agent's note.
    package var remarks: [String] {
        var remarks: [String] = []
        if let order { remarks.append("order \(order.number) (\(order.ticket))") }
        if let answer = self.answer() {
            remarks.append("\(answer.ticket) was answered: “\(answer.sentences.joined(separator: " ").prefix(90))”")
        }
        return remarks
    }

    /// Cosine from which two tickets of one customer are about the same thing.
    package static let alike = 0.5
    /// From here the earlier answer is worth a draft when no article says anything.
    private static let same = 0.65
    private static let wordLimit = 70

    // MARK: - In an answer

    /// The answer with what is known of the customer: the order is named instead of asked for, and an earlier answer to
    /// the same question is recalled.
    package func adding(to answer: Answer, question: MailQuestion) -> Answer {
        guard !self.entries.isEmpty else { return answer }
        switch answer.outcome {
        case .draft(let draft, let remarks):
            guard let phrases = Self.phrases(of: draft.body) else { return answer }
            var draft = draft
            var added: [String] = []
            let earlier = self.answer()
            if let earlier { self.recall(earlier, in: &draft, phrases, &added) }
            if let order = self.order, !question.namesOrder,
                draft.missing.contains(MissingItem.orderNumber.rawValue) || Self.concernsOrder(question)
            {
                self.name(order, in: &draft, phrases, &added)
            }
            return added.isEmpty
                ? answer : answer.replacing(.draft(draft, remarks: remarks + added))
        case .nothing(let gap):
            guard let earlier = self.answer(likeness: Self.same),
                let phrases = ReplyPhrases.language(question.language),
                let own = OwnPhrases.all[question.language]
            else { return answer }
            let greeting = phrases.greeting(question.greetingName(in: question.language))
            var draft = Draft(
                body: [greeting, phrases.thanks, phrases.closing].joined(separator: "\n\n"), citations: [],
                unsupported: [], confidence: 0.3, answerable: gap.answerable, missing: [])
            var added = ["\(gap.reason); this draft only repeats what \(earlier.ticket) said"]
            self.recall(earlier, in: &draft, (own, phrases), &added)
            return answer.replacing(.draft(draft, remarks: added))
        }
    }

    private typealias Phrases = (own: OwnPhrases, reply: ReplyPhrases)

    /// The language of a draft shows in its closing.
    private static func phrases(of body: String) -> Phrases? {
        let lines = body.split(separator: "\n")
        for language in ReplyPhrases.languages {
            guard let reply = ReplyPhrases.language(language), let own = OwnPhrases.all[language],
                lines.contains(where: { $0 == reply.closing })
            else { continue }
            return (own, reply)
        }
        return nil
    }

    private func recall(
        _ earlier: EarlierAnswer, in draft: inout Draft, _ phrases: Phrases, _ remarks: inout [String]
    ) {
        let text = earlier.sentences.joined(separator: " ")
        // What the articles say already is not said twice.
        guard !earlier.sentences.allSatisfy({ draft.body.contains($0) }) else { return }
        Self.insert(
            "\(phrases.own.earlier(earlier.ticket))\n“\(text)”", into: &draft.body, before: phrases.reply.closing)
        draft.citations += earlier.sentences.map {
            Citation(article: earlier.ticket, title: "what this customer was told", span: $0)
        }
        remarks.append("it repeats what this customer was told in \(earlier.ticket)")
    }

    private func name(
        _ order: KnownOrder, in draft: inout Draft, _ phrases: Phrases, _ remarks: inout [String]
    ) {
        guard !draft.body.contains(order.number) else { return }
        let reply = phrases.reply
        // The request for it goes; the one for a photo stays.
        draft.body = draft.body.replacing(
            reply.ask([reply.orderNumber, reply.photo]), with: reply.ask([reply.photo]), maxReplacements: 1)
        var paragraphs = draft.body.split(separator: "\n\n", omittingEmptySubsequences: false).map(String.init)
        paragraphs.removeAll { $0 == reply.ask([reply.orderNumber]) }
        draft.body = paragraphs.joined(separator: "\n\n")
        Self.insert(phrases.own.order(order.number), into: &draft.body, before: reply.closing)
        draft.missing.removeAll { $0 == MissingItem.orderNumber.rawValue }
        draft.citations.append(
            Citation(article: order.ticket, title: "this customer's own mail", span: "order \(order.number)"))
        remarks.append("order \(order.number) is from \(order.ticket): check that it is meant")
    }

    /// Puts a paragraph before the closing.
    private static func insert(_ paragraph: String, into body: inout String, before closing: String) {
        guard let place = body.range(ofLast: "\n\n\(closing)") else {
            body += "\n\n\(paragraph)"
            return
        }
        body.replaceSubrange(place, with: "\n\n\(paragraph)\n\n\(closing)")
    }

    private static let orderTerms = Set(
        """
        order ordered parcel package delivery delivered shipped tracking shipment bought purchase return refund
        bestellung bestellt paket lieferung sendung geliefert gekauft kauf ruckgabe rucksendung erstattung commande colis
        livraison achat achete retour remboursement pedido paquete envio entrega compra comprado devolucion reembolso
        ordine pacco consegna spedizione acquisto acquistato reso rimborso bestelling pakket levering gekocht terugsturen
        zamowienie zamowienia paczka przesylka dostawa kupilem kupilam zwrot encomenda comprei devolucao
        """.split(whereSeparator: \.isWhitespace).map { Words.stem(String($0)) })

    private static func concernsOrder(_ question: MailQuestion) -> Bool {
        Words.all(in: question.text).contains { Self.orderTerms.contains(Words.stem($0)) }
    }
}

extension String {
    fileprivate func range(ofLast part: String) -> Range<String.Index>? {
        self.ranges(of: part).last
    }
}

/// The fixed words around what a customer already knows, in one language.
struct OwnPhrases: Sendable {
    let order: @Sendable (_ number: String) -> String
    let earlier: @Sendable (_ ticket: String) -> String

    static let all: [String: OwnPhrases] = [
        "en": OwnPhrases(
            order: {
                "We take it that this is about your order \($0); if it is another one, please tell us its number."
            },
            earlier: { "This is what we wrote to you earlier (\($0)):" }),
        "de": OwnPhrases(
            order: {
                "Wir gehen davon aus, dass es um Ihre Bestellung \($0) geht; ist es eine andere, nennen Sie uns bitte deren Nummer."
            },
            earlier: { "Das haben wir Ihnen schon geschrieben (\($0)):" }),
        "fr": OwnPhrases(
            order: {
                "Nous supposons qu'il s'agit de votre commande \($0) ; sinon, merci de nous indiquer le bon numéro."
            },
            earlier: { "Voici ce que nous vous avons déjà écrit (\($0)) :" }),
        "es": OwnPhrases(
            order: { "Entendemos que se trata de su pedido \($0); si es otro, díganos por favor su número." },
            earlier: { "Esto es lo que le escribimos anteriormente (\($0)):" }),
        "it": OwnPhrases(
            order: { "Riteniamo che si tratti del suo ordine \($0); se è un altro, ci indichi per favore il numero." },
            earlier: { "Ecco che cosa le abbiamo già scritto (\($0)):" }),
        "nl": OwnPhrases(
            order: {
                "Wij gaan ervan uit dat het om uw bestelling \($0) gaat; is het een andere, geef ons dan het nummer."
            },
            earlier: { "Dit hebben wij u eerder geschreven (\($0)):" }),
        "pl": OwnPhrases(
            order: { "Zakładamy, że chodzi o zamówienie \($0); jeśli o inne, prosimy o podanie jego numeru." },
            earlier: { "Oto co napisaliśmy wcześniej (\($0)):" }),
        "pt": OwnPhrases(
            order: { "Supomos que se trata da sua encomenda \($0); se for outra, indique-nos por favor o número." },
            earlier: { "Foi isto que lhe escrevemos anteriormente (\($0)):" }),
    ]
}
