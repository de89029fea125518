extension ReplyText {
    /// The order number or other reference that is all the customer wrote back: the piece that was asked for, to be read
    /// together with the earlier mail. nil when the text says more, or holds no number.
    ///
    /// Digits decide: five to thirty characters of letters, digits, `-`, `/`, `.` and `_` with at least four digits. Beside it
    /// only words that name it or are polite may stand ("Order no.: 4711-20, thanks").
    package var reference: String? {
        guard self.visible.utf8.count <= 160 else { return nil }
        let words = self.visible.split { $0.isWhitespace || $0 == ":" || $0 == "," || $0 == ";" || $0 == "!" }
        var found: Substring?
        for word in words.prefix(16) {
            let bare = Self.bare(word)
            guard !bare.isEmpty else { continue }
            if Self.isReference(bare) {
                guard found == nil || found == bare else { return nil }
                found = bare
            } else if !Self.companions.contains(bare.lowercased()) {
                return nil
            }
        }
        return words.count > 16 ? nil : found.map(String.init)
    }

    private static func bare(_ word: Substring) -> Substring {
        let marks: Set<Character> = ["#", "(", ")", "[", "]", "\"", "'", ".", "*", "º", "°"]
        var bare = word.drop { marks.contains($0) }
        while let last = bare.last, marks.contains(last) { bare.removeLast() }
        return bare
    }

    private static func isReference(_ word: Substring) -> Bool {
        let digits = word.utf8.count { $0 >= 0x30 && $0 <= 0x39 }
        return digits >= 4 && (5...30).contains(word.utf8.count)
            && word.utf8.allSatisfy { byte in
                (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
                    || (byte >= 0x2D && byte <= 0x2F) || byte == 0x5F
            }
    }

    /// Greetings, thanks and names of a reference, in the languages of customers.
    private static let companions: Set<String> = [
        "order", "number", "no", "nr", "ref", "reference", "invoice", "id", "it", "is", "the", "my", "here", "you",
        "are",
        "go", "its", "it's", "that", "hi", "hello", "hey", "dear", "sir", "madam", "team", "thanks", "thank", "please",
        "regards", "best", "kind", "cheers", "bestellnummer", "auftragsnummer", "rechnungsnummer", "kundennummer",
        "bestellung", "auftrag", "nummer", "die", "ist", "lautet", "meine", "hier", "hallo", "danke", "vielen", "dank",
        "grüße", "viele", "gruß", "bitte", "numéro", "de", "la", "commande", "n", "le", "est", "voici", "mon",
        "bonjour",
        "merci", "cordialement", "número", "pedido", "del", "el", "es", "mi", "hola", "gracias", "saludos", "numero",
        "ordine", "il", "è", "mio", "ecco", "buongiorno", "grazie", "saluti", "dell'ordine", "bestelnummer",
        "bestelling",
        "het", "mijn", "bedankt", "groet", "numer", "zamówienia", "zamówienie", "to", "mój", "dziękuję", "pozdrawiam",
        "da", "encomenda", "do", "o", "meu", "obrigado", "obrigada", "ordernummer", "beställning", "min", "är", "tack",
        "hej", "číslo", "objednávky", "objednávka", "je", "děkuji", "dobrý", "den", "dzień", "dobry",
    ]
}
