/// The fixed words around an answer in one language. They state nothing that would need a source.
package struct ReplyPhrases: Sendable {
    package let greeting: @Sendable (_ name: String?) -> String
    package let thanks: String
    /// Instead of `thanks` when the customer is upset.
    package let apology: String
    /// Leads in the request for what is missing; the items follow.
    package let ask: @Sendable (_ items: [String]) -> String
    package let orderNumber: String
    package let photo: String
    /// When the answer speaks of the order number and the customer has given it.
    package let noted: String
    /// Before the name of the desk.
    package let closing: String
    /// Stands in every answer that no person has read (and in no other).
    package let automatic: String

    /// The languages with phrases, ISO 639-1.
    package static let languages = ["en", "de", "fr", "es", "it", "nl", "pl", "pt"]

    /// Phrases of `language`; nil when there are none and English would surprise the reader.
    package static func language(_ language: String) -> ReplyPhrases? { Self.all[language] }

    /// Every fixed sentence in every language: what needs no source.
    static let frames: Set<String> = Self.all.values.reduce(into: []) { frames, phrases in
        for text in [phrases.thanks, phrases.apology, phrases.noted, phrases.automatic] {
            frames.formUnion(SentenceSplitter.sentences(text))
        }
        let items = [phrases.orderNumber, phrases.photo]
        for asked in [[items[0]], [items[1]], items] { frames.insert(phrases.ask(asked)) }
    }

    private static func list(_ items: [String], _ and: String) -> String { items.joined(separator: " \(and) ") }
    private static func greeting(_ hello: String) -> @Sendable (String?) -> String {
        { name in name.map { "\(hello) \($0)," } ?? "\(hello)," }
    }

    private static let all: [String: ReplyPhrases] = [
        "en": ReplyPhrases(
            greeting: Self.greeting("Hello"), thanks: "Thank you for your message.",
            apology: "We are sorry for the trouble, and thank you for telling us.",
            ask: { "So that we can look into it, please reply with \(Self.list($0, "and"))." },
            orderNumber: "your order number", photo: "a photo of the item",
            noted: "We have your order number from your message.", closing: "Kind regards",
            automatic:
                "This answer was put together automatically. If it does not help, simply reply and a person will read it."
        ),
        "de": ReplyPhrases(
            greeting: Self.greeting("Guten Tag"), thanks: "vielen Dank für Ihre Nachricht.",
            apology: "es tut uns leid, dass Sie Ärger hatten, und danke, dass Sie sich melden.",
            ask: { "Damit wir uns darum kümmern können, antworten Sie bitte mit \(Self.list($0, "und"))." },
            orderNumber: "Ihrer Bestellnummer", photo: "einem Foto des Artikels",
            noted: "Ihre Bestellnummer haben wir aus Ihrer Nachricht.", closing: "Freundliche Grüße",
            automatic:
                "Diese Antwort wurde automatisch erstellt. Wenn sie nicht weiterhilft, antworten Sie einfach: Dann liest sie ein Mensch."
        ),
        "fr": ReplyPhrases(
            greeting: Self.greeting("Bonjour"), thanks: "Merci pour votre message.",
            apology: "Nous sommes désolés de ce désagrément et vous remercions de nous l'avoir signalé.",
            ask: { "Pour que nous puissions nous en occuper, répondez-nous avec \(Self.list($0, "et"))." },
            orderNumber: "votre numéro de commande", photo: "une photo de l'article",
            noted: "Nous avons noté le numéro de commande de votre message.", closing: "Cordialement",
            automatic:
                "Cette réponse a été préparée automatiquement. Si elle ne vous aide pas, répondez simplement et une personne la lira."
        ),
        "es": ReplyPhrases(
            greeting: Self.greeting("Hola"), thanks: "Gracias por su mensaje.",
            apology: "Lamentamos las molestias y le agradecemos que nos lo haya contado.",
            ask: { "Para que podamos ocuparnos de ello, respóndanos con \(Self.list($0, "y"))." },
            orderNumber: "su número de pedido", photo: "una foto del artículo",
            noted: "Ya tenemos el número de pedido de su mensaje.", closing: "Un cordial saludo",
            automatic:
                "Esta respuesta se ha preparado de forma automática. Si no le ayuda, responda y la leerá una persona."),
        "it": ReplyPhrases(
            greeting: Self.greeting("Buongiorno"), thanks: "Grazie per il suo messaggio.",
            apology: "Ci dispiace per il disagio e la ringraziamo per avercelo segnalato.",
            ask: { "Per potercene occupare, la preghiamo di rispondere con \(Self.list($0, "e"))." },
            orderNumber: "il numero del suo ordine", photo: "una foto dell'articolo",
            noted: "Abbiamo già il numero d'ordine dal suo messaggio.", closing: "Cordiali saluti",
            automatic:
                "Questa risposta è stata preparata automaticamente. Se non è utile, risponda e la leggerà una persona."),
        "nl": ReplyPhrases(
            greeting: Self.greeting("Hallo"), thanks: "Bedankt voor uw bericht.",
            apology: "Het spijt ons dat dit is gebeurd, en bedankt dat u het ons laat weten.",
            ask: { "Om het uit te kunnen zoeken, vragen wij u te antwoorden met \(Self.list($0, "en"))." },
            orderNumber: "uw bestelnummer", photo: "een foto van het artikel",
            noted: "Uw bestelnummer hebben wij uit uw bericht.", closing: "Met vriendelijke groet",
            automatic:
                "Dit antwoord is automatisch opgesteld. Helpt het niet, antwoord dan gewoon: een medewerker leest het."),
        "pl": ReplyPhrases(
            greeting: Self.greeting("Dzień dobry"), thanks: "Dziękujemy za wiadomość.",
            apology: "Przepraszamy za kłopot i dziękujemy za zgłoszenie.",
            ask: { "Abyśmy mogli się tym zająć, prosimy o odpowiedź, podając: \($0.joined(separator: ", "))." },
            orderNumber: "numer zamówienia", photo: "zdjęcie produktu",
            noted: "Numer zamówienia mamy już z Państwa wiadomości.", closing: "Z poważaniem",
            automatic:
                "Ta odpowiedź została przygotowana automatycznie. Jeśli nie pomaga, proszę odpisać, a przeczyta ją człowiek."
        ),
        "pt": ReplyPhrases(
            greeting: Self.greeting("Olá"), thanks: "Obrigado pela sua mensagem.",
            apology: "Lamentamos o incómodo e agradecemos que nos tenha avisado.",
            ask: { "Para que possamos tratar do assunto, responda por favor com \(Self.list($0, "e"))." },
            orderNumber: "o número da sua encomenda", photo: "uma fotografia do artigo",
            noted: "Já temos o número da encomenda da sua mensagem.", closing: "Com os melhores cumprimentos",
            automatic:
                "Esta resposta foi preparada automaticamente. Se não ajudar, responda e uma pessoa irá lê-la."),
    ]
}
