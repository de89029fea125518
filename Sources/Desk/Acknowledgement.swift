package import DeskModel

/// The mail that tells a customer that theirs has arrived. Holds not one word of the customer's, so that a forged sender
/// gets nothing to pass on.
package struct Acknowledgement: Sendable, Equatable {
    /// What our own mail server says about the sender.
    package enum Verdict: Sendable, Hashable {
        case pass
        case none
        /// The check failed, or the mail counts as spam.
        case fail
    }

    package let subject: String
    /// Plain text, LF line ends.
    package let body: String

    /// - Parameters:
    ///   - theirSubject: used as `Re: …` only for a sender that was verified.
    ///   - openingHours: free text; empty means not mentioned.
    ///   - isOpen: false mentions the opening hours.
    ///   - language: of the customer, ISO 639-1; English where there is no text.
    ///   - deskLanguage: in which the desk answers. When it is another, the text stands there in both.
    /// - Returns: nil when nothing may be sent.
    package init?(
        ticket: TicketNumber, theirSubject: String, verdict: Verdict, language: String, deskLanguage: String = "en",
        deskName: String, openingHours: String, isOpen: Bool = true
    ) {
        let languages = [language, deskLanguage].map { Self.words[$0] == nil ? "en" : $0 }
        let texts = (languages[0] == languages[1] ? [languages[0]] : languages).compactMap { Self.words[$0] }
        let words = texts[0]
        switch verdict {
        case .fail: return nil
        case .none: self.subject = "\(words.received) [\(ticket)]"
        case .pass:
            let base = HeaderValue(sanitizing: BaseSubject.of(theirSubject)).text
            self.subject = base.isEmpty ? "\(words.received) [\(ticket)]" : "Re: \(base.prefix(150)) [\(ticket)]"
        }
        let hours = isOpen ? "" : HeaderValue(sanitizing: openingHours).text
        let name = HeaderValue(sanitizing: deskName).text
        self.body = texts.map { $0.body(ticket, hours: hours, name: name) }.joined(separator: "\n\n* * *\n\n") + "\n"
    }

    /// The languages with a text of their own.
    package static var languages: [String] { Self.words.keys.sorted() }

    private struct Wording {
        let received: String
        let hello: String
        let body: String
        let hours: String
        let addMore: String
        let closing: String

        func body(_ ticket: TicketNumber, hours: String, name: String) -> String {
            var lines = [self.hello, self.body.replacing("{number}", with: ticket.description)]
            if !hours.isEmpty { lines.append(self.hours.replacing("{hours}", with: hours)) }
            lines.append(self.addMore)
            lines.append("\(self.closing)\n\(name)")
            return lines.joined(separator: "\n\n")
        }
    }

    private static let english = Wording(
        received: "We have received your message", hello: "Hello,",
        body: "your message has arrived. Its number is {number}. A member of our team will answer you.",
        hours: "We are here: {hours}.", addMore: "If you want to add something, just reply to this mail.",
        closing: "Kind regards")

    private static let words: [String: Wording] = [
        "en": Self.english,
        "de": Wording(
            received: "Ihre Nachricht ist angekommen", hello: "Guten Tag,",
            body: "Ihre Nachricht ist bei uns angekommen. Sie hat die Nummer {number}. Wir antworten Ihnen persönlich.",
            hours: "Wir sind erreichbar: {hours}.",
            addMore: "Wenn Sie etwas ergänzen möchten, antworten Sie einfach auf diese Mail.",
            closing: "Freundliche Grüße"),
        "fr": Wording(
            received: "Nous avons bien reçu votre message", hello: "Bonjour,",
            body: "Votre message nous est bien parvenu. Il porte le numéro {number}. Une personne de notre équipe vous "
                + "répondra.",
            hours: "Nos horaires : {hours}.", addMore: "Pour ajouter quelque chose, répondez simplement à ce message.",
            closing: "Cordialement"),
        "es": Wording(
            received: "Hemos recibido su mensaje", hello: "Hola:",
            body: "Su mensaje ha llegado. Su número es {number}. Una persona de nuestro equipo le responderá.",
            hours: "Nuestro horario: {hours}.", addMore: "Si quiere añadir algo, responda a este correo.",
            closing: "Un cordial saludo"),
        "it": Wording(
            received: "Abbiamo ricevuto il suo messaggio", hello: "Buongiorno,",
            body: "il suo messaggio è arrivato. Il numero è {number}. Le risponderà una persona del nostro team.",
            hours: "I nostri orari: {hours}.",
            addMore: "Per aggiungere qualcosa basta rispondere a questa e-mail.", closing: "Cordiali saluti"),
        "nl": Wording(
            received: "We hebben uw bericht ontvangen", hello: "Hallo,",
            body: "uw bericht is aangekomen. Het nummer is {number}. Een medewerker zal u antwoorden.",
            hours: "We zijn er: {hours}.", addMore: "Wilt u iets toevoegen, beantwoord dan gewoon deze mail.",
            closing: "Met vriendelijke groet"),
        "pl": Wording(
            received: "Otrzymaliśmy Państwa wiadomość", hello: "Dzień dobry,",
            body: "Państwa wiadomość dotarła. Jej numer to {number}. Odpowie na nią nasz pracownik.",
            hours: "Godziny pracy: {hours}.", addMore: "Aby coś dodać, wystarczy odpowiedzieć na tę wiadomość.",
            closing: "Z poważaniem"),
        "pt": Wording(
            received: "Recebemos a sua mensagem", hello: "Olá,",
            body: "a sua mensagem chegou. O número é {number}. Uma pessoa da nossa equipa irá responder.",
            hours: "O nosso horário: {hours}.", addMore: "Para acrescentar algo, basta responder a este e-mail.",
            closing: "Com os melhores cumprimentos"),
    ]
}
