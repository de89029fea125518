package import DeskModel

/// The mail that tells a customer that theirs was too large to be read, and how to send the file. Holds not one word of
/// the customer's.
package struct SizeAdvice: Sendable, Equatable {
    package let subject: String
    /// Plain text, LF line ends.
    package let body: String

    /// - Parameters:
    ///   - limit: Octets that a mail may have.
    ///   - language: ISO 639-1; English where there is no text.
    package init(ticket: TicketNumber, limit: Int, language: String, deskName: String) {
        let words = Self.words[language] ?? Self.english
        let megabytes = max(1, limit >> 20)
        self.subject = "\(words.subject) [\(ticket)]"
        self.body =
            [
                words.hello,
                words.body.replacing("{number}", with: ticket.description).replacing(
                    "{limit}", with: "\(megabytes) MB"),
                words.how, "\(words.closing)\n\(HeaderValue(sanitizing: deskName).text)",
            ].joined(separator: "\n\n") + "\n"
    }

    private struct Wording {
        let subject: String
        let hello: String
        let body: String
        let how: String
        let closing: String
    }

    private static let english = Wording(
        subject: "Your message is too large", hello: "Hello,",
        body: "your message has arrived under the number {number}, but it is larger than {limit}, so we may not see "
            + "everything in it.",
        how: "Please reply to this mail with a smaller file, one file a mail, or with a link to it.",
        closing: "Kind regards")

    private static let words: [String: Wording] = [
        "en": Self.english,
        "de": Wording(
            subject: "Ihre Nachricht ist zu groß", hello: "Guten Tag,",
            body: "Ihre Nachricht ist unter der Nummer {number} angekommen, sie ist aber größer als {limit}. "
                + "Deshalb sehen wir vielleicht nicht alles, was sie enthält.",
            how: "Bitte antworten Sie auf diese Mail mit einer kleineren Datei, eine Datei je Mail, oder mit einem "
                + "Link dazu.", closing: "Freundliche Grüße"),
        "fr": Wording(
            subject: "Votre message est trop volumineux", hello: "Bonjour,",
            body: "votre message nous est parvenu sous le numéro {number}, mais il dépasse {limit} : il se peut que "
                + "nous ne voyions pas tout son contenu.",
            how: "Merci de répondre à ce message avec un fichier plus petit, un fichier par message, ou avec un lien.",
            closing: "Cordialement"),
        "es": Wording(
            subject: "Su mensaje es demasiado grande", hello: "Hola:",
            body: "Su mensaje ha llegado con el número {number}, pero supera los {limit}, así que quizá no veamos todo "
                + "su contenido.",
            how: "Responda a este correo con un archivo más pequeño, un archivo por correo, o con un enlace.",
            closing: "Un cordial saludo"),
        "it": Wording(
            subject: "Il suo messaggio è troppo grande", hello: "Buongiorno,",
            body:
                "il suo messaggio è arrivato con il numero {number}, ma supera {limit}: forse non ne vediamo tutto il "
                + "contenuto.",
            how: "Risponda a questa e-mail con un file più piccolo, un file per messaggio, oppure con un link.",
            closing: "Cordiali saluti"),
        "nl": Wording(
            subject: "Uw bericht is te groot", hello: "Hallo,",
            body: "uw bericht is aangekomen onder nummer {number}, maar het is groter dan {limit}. Daarom zien wij "
                + "misschien niet alles wat erin staat.",
            how: "Beantwoord deze mail met een kleiner bestand, één bestand per mail, of met een link.",
            closing: "Met vriendelijke groet"),
        "pl": Wording(
            subject: "Państwa wiadomość jest za duża", hello: "Dzień dobry,",
            body: "Państwa wiadomość dotarła pod numerem {number}, ale przekracza {limit}, więc być może nie widzimy "
                + "całej jej treści.",
            how: "Prosimy odpowiedzieć na tę wiadomość, załączając mniejszy plik (jeden plik na wiadomość) lub link.",
            closing: "Z poważaniem"),
        "pt": Wording(
            subject: "A sua mensagem é demasiado grande", hello: "Olá,",
            body:
                "a sua mensagem chegou com o número {number}, mas ultrapassa {limit}, por isso talvez não vejamos tudo "
                + "o que contém.",
            how: "Responda a este e-mail com um ficheiro mais pequeno, um ficheiro por mensagem, ou com uma ligação.",
            closing: "Com os melhores cumprimentos"),
    ]
}
