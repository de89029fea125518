/// Something that an agent needs before anything can be done.
enum MissingItem: String, CaseIterable {
    case orderNumber = "order number"
    case photo

    func isMentioned(in text: String) -> Bool {
        let folded = Words.folded(text)
        return self.names.contains { $0.occurs(in: folded) }
    }

    /// Whether `sentence` asks the customer for it.
    func isRequested(by sentence: String) -> Bool {
        guard self.isMentioned(in: sentence) else { return false }
        return !Self.requests.isDisjoint(with: Words.all(in: sentence))
    }

    /// Whether `sentence` does nothing but ask for it: no condition before it, no promise behind it.
    func isBluntlyRequested(by sentence: String) -> Bool {
        guard self.isRequested(by: sentence) else { return false }
        let words = Words.all(in: sentence)
        guard let first = words.first, Self.requests.contains(first) else { return false }
        return words.count <= Self.bluntLimit
    }

    /// Words of a sentence that only asks.
    private static let bluntLimit = 24

    func isGiven(in question: MailQuestion) -> Bool {
        switch self {
        case .orderNumber: question.namesOrder
        case .photo: question.hasAttachment
        }
    }

    private var names: [FoldedPhrase] {
        switch self {
        case .orderNumber: Self.orderNumbers
        case .photo: Self.photos
        }
    }

    private static let orderNumbers = [
        "order number", "bestellnummer", "auftragsnummer", "numero de commande", "numero de pedido", "numero dordine",
        "numero del suo ordine", "bestelnummer", "numer zamowienia", "numero da encomenda",
    ].map(FoldedPhrase.init)
    private static let photos = ["photo", "picture", "foto", "zdjecie", "bild", "fotografia"].map(FoldedPhrase.init)

    private static let requests: Set<String> = [
        "send", "reply", "include", "attach", "tell", "give", "please", "bitte", "senden", "envoyez", "envie", "invii",
        "stuur", "prosze",
    ]
}
