/// Short words that say which language a short text is in.
enum FunctionWords {
    private static let lists: [String: String] = [
        "en": """
        the and is my i you your not have has been was were are this that with for from it what when where how why can \
        could would please hello hi thanks thank but hasn't haven't isn't didn't doesn't don't i'm it's want to of order
        """,
        "de": """
        der die das und ist nicht ich sie mein meine meiner wir ihr ein eine einen mit auf für von zu bitte hallo danke \
        wie wo wann warum noch aber habe hat wurde kann bestellung können möchte keine
        """,
        "fr": """
        le la les et est pas je vous mon ma mes une des du avec pour dans que qui où quand comment bonjour merci mais \
        j'ai n'est ce cette commande votre sur ne n'ai c'est suis
        """,
        "es": """
        el la los las y es no mi mis un una con por para que qué dónde cuándo cómo hola gracias pero he ha pedido su \
        quiero está del al se
        """,
        "it": """
        il lo gli è non mio mia un una con per che dove quando come ciao grazie ma ho ha ordine della del vorrei sono \
        di perché salve buongiorno
        """,
        "nl": """
        de het een en is niet ik mijn u je met voor van op waar wanneer hoe hallo bedankt maar heb heeft bestelling nog \
        wil kunt graag dat dit geen
        """,
        "pl":
            "i jest nie mój moja moje z na do się gdzie kiedy jak dlaczego dzień dobry dziękuję ale proszę zamówienie czy",
        "pt": """
        o os as e é não meu minha um uma com por para que onde quando como olá obrigado obrigada mas pedido da do \
        encomenda quero está ainda
        """,
        "sv": "och är inte jag min mitt en ett med för på var när hur hej tack men har det som att beställning av",
        "da": "og er ikke jeg min mit en et med for på hvor hvornår hvordan hej tak men har det som at ordre af",
        "cs": "a je není já můj moje s na do se kde kdy jak proč dobrý den děkuji ale prosím objednávka že",
        "fi": "ja on ei minun en kanssa missä milloin miten hei kiitos mutta olen tilaus että se",
        "hu": "és nem az egy én hol mikor hogyan köszönöm de van rendelés hogy kérem",
        "ro": "și este nu meu mea un o cu pentru unde când cum bună mulțumesc dar am comanda că",
        "tr": "ve bir değil ben benim ile için nerede ne zaman nasıl merhaba teşekkürler ama var sipariş",
    ]

    private static let languages: [String: [String]] = {
        var languages: [String: [String]] = [:]
        for (language, list) in Self.lists {
            for word in list.split(separator: " ") { languages[String(word), default: []].append(language) }
        }
        return languages
    }()

    /// Languages with at least one word, most words first; each word counts once.
    static func hits(in words: [String]) -> [(language: String, count: Int)] {
        var counts: [String: Int] = [:]
        for word in Set(words) {
            let word = word.utf8.allSatisfy { $0 < 0x80 } ? word : word.replacing("’", with: "'")
            for language in Self.languages[word] ?? [] { counts[language, default: 0] += 1 }
        }
        return counts.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }
}
