internal import Answering
internal import DeskModel

/// Words in a mail that call for a person, in the eight languages of the fixed texts.
///
/// Plain word lists on purpose: a person can read them, test them and add to them, and a false alarm only costs an
/// agent's glance. Each entry is a phrase of folded words; a word that ends in `*` matches any ending.
package struct EscalationSigns: Sendable, Equatable {
    package enum Sign: String, Sendable, CaseIterable {
        case asksForHuman = "asks for a person"
        case legal = "mentions legal steps"
        case safety = "mentions danger or injury"
        case fraud = "mentions fraud or a taken-over account"
        case anger = "is angry"
    }

    /// Strongest first.
    package let signs: [Sign]
    /// Whether the customer tells of having done what an answer would say, or of its condition being met: telling them
    /// once more helps nobody.
    package let hasTried: Bool

    /// - Parameter text: subject and visible body; the first 20,000 characters are read.
    package init(text: String) {
        let found = Self.phrases.labels(in: text.prefix(20_000))
        self.signs = Self.order.filter { found.contains(.calls($0)) }
        self.hasTried = found.contains(.tried)
    }

    /// Whether a mail should be looked at before others: any sign, or the customer calls it urgent.
    static func arePressing(_ text: String) -> Bool {
        !self.phrases.labels(in: text).subtracting([.tried]).isEmpty || !self.urgency.labels(in: text).isEmpty
    }

    private static let urgency = FoldedPhrases<Bool>([
        true: ["urgent*", "asap", "emergency", "dringend*", "eilig", "spoed", "pilne", "pilnie"]
    ])

    private static let order: [Sign] = [.safety, .legal, .fraud, .asksForHuman, .anger]

    private enum Meaning: Hashable, Sendable {
        case calls(Sign)
        case tried
    }

    private static let phrases = FoldedPhrases<Meaning>([
        .calls(.asksForHuman): [
            "speak to a human", "speak with a human", "talk to a human", "real person", "real human", "human being",
            "speak to someone", "talk to someone", "speak with someone", "speak to a person", "talk to a person",
            "your manager", "a manager", "supervisor", "call me", "phone me", "ring me", "call me back", "not a bot",
            "no bot", "no robot", "stop the automatic", "mit einem menschen", "mit jemandem sprechen",
            "einen mitarbeiter sprechen", "mit einem mitarbeiter", "ruckruf", "rufen sie mich", "vorgesetzten",
            "parler a quelqu'un", "parler a un conseiller", "une vraie personne", "etre humain", "un responsable",
            "rappelez moi", "hablar con una persona", "hablar con alguien", "una persona real", "un responsable",
            "llamenme", "parlare con una persona", "parlare con qualcuno", "un operatore", "persona reale",
            "richiamatemi", "met een medewerker", "iemand spreken", "een mens", "echte persoon", "bel me",
            "leidinggevende", "porozmawiac z czlowiekiem", "z konsultantem", "zywym czlowiekiem", "prosze o telefon",
            "kierownik*", "falar com uma pessoa", "falar com alguem", "pessoa real", "um responsavel", "liguem me",
        ],
        .calls(.legal): [
            "lawyer*", "solicitor*", "attorney*", "legal action", "legal steps", "take you to court", "small claims",
            "sue you", "lawsuit", "ombudsman", "trading standards", "consumer protection", "chargeback", "anwalt*",
            "rechtsanwalt*", "rechtliche schritte", "vor gericht", "verbraucherzentrale", "verbraucherschutz",
            "anzeige erstatten",
            "klage einreichen", "avocat*", "tribunal", "action en justice", "mise en demeure", "dgccrf", "abogad*",
            "demanda judicial",
            "acciones legales", "defensa del consumidor", "avvocat*", "vie legali", "denuncia", "codacons", "advocaat",
            "juridische stappen", "rechtbank", "consumentenbond", "prawnik*", "adwokat*", "kroki prawne",
            "rzecznik konsumentow", "uokik", "advogad*", "acao judicial", "medidas legais", "livro de reclamacoes",
            "processo judicial",
        ],
        .calls(.safety): [
            "caught fire", "on fire", "started smoking", "smell of smoke", "burnt me", "burned me", "electric shock",
            "electrocuted", "exploded",
            "explosion", "injured", "injury", "hospital", "allergic reaction", "poisoned", "sharp edge", "cut myself",
            "my child was hurt", "danger*", "kill myself", "suicide", "gebrannt", "feuer", "raucht", "stromschlag",
            "explodiert", "verletzt*", "krankenhaus", "allergische reaktion", "gefahrlich", "pris feu", "fumee",
            "choc electrique", "explose", "blesse*", "hopital", "dangereu*", "se quemo", "incendio", "humo",
            "descarga electrica", "exploto", "herid*", "peligros*", "preso fuoco", "fumo", "scossa elettrica",
            "esploso", "ferit*", "ospedale", "pericolos*", "vlam gevat", "elektrische schok", "ontploft",
            "gewond", "ziekenhuis", "gevaarlijk", "zapalil*", "dym", "porazil prad*", "porazila prad*", "wybuch*",
            "ranny", "szpital*",
            "niebezpieczn*", "pegou fogo", "fumaca", "choque eletrico", "explodiu", "ferid*", "perigos*",
        ],
        .calls(.fraud): [
            "fraud*", "scam*", "hacked", "stolen card", "card was stolen", "stolen account", "unauthorised",
            "unauthorized", "did not order this", "someone else used", "identity theft", "betrug*", "gehackt",
            "gestohlen*", "nicht von mir bestellt", "missbrauch*", "fraude*", "pirate*", "carte volee",
            "je nai pas commande", "estafa*", "robad*", "hackead*", "no he pedido", "frode", "truffa*", "rubat*",
            "hackerat*", "non ho ordinato", "fraude", "oplichting", "gestolen", "niet besteld door mij", "oszust*",
            "wyludz*", "skradzion*", "zhakowan*", "burla", "roubad*", "hackead*", "nao encomendei",
        ],
        .calls(.anger): [
            "unacceptable", "outrageous", "disgusting", "worst", "ridiculous", "fed up", "furious", "disgrace*",
            "absolute joke", "bloody", "pathetic", "idiots", "clowns", "morons", "sick of", "sick and tired",
            "what the hell", "bullshit", "shit*", "fuck*", "crap", "wtf", "useless", "never again", "rip off", "ripoff",
            "thieves", "unverschamt*", "frechheit",
            "wutend", "nie wieder", "inakzeptabel", "saftladen", "inacceptable", "scandaleu*", "honteu*",
            "furieu*", "plus jamais", "voleurs", "inaceptable", "verguenza", "indignante", "nunca mas", "ladrones",
            "inaccettabile", "vergogn*", "scandalos*", "mai piu", "ladri", "onacceptabel", "schandalig", "belachelijk",
            "woedend", "nooit meer", "skandal*", "niedopuszczaln*", "zenada", "oburzaj*", "nigdy wiecej", "zlodzie*",
            "inaceitavel", "vergonha", "absurdo", "nunca mais", "ladroes",
        ],
        .tried: [
            "tried", "already did", "did that already", "already done", "done that", "did not help", "didnt help",
            "does not help", "doesnt help", "no luck", "nothing happens", "nothin happens", "nothing happened",
            "nothing changes",
            "to no avail", "in vain", "without success", "still get", "still getting", "still receive",
            "still receiving", "charged again", "again and again", "over and over", "several times", "many times",
            "three times", "four times", "five times", "second time", "third time", "second mail", "second email",
            "third mail", "third email", "no reply", "no answer", "nobody replies", "no one is replying",
            "nobody answers", "no one answers", "never arrives", "never comes",
            "no mail comes", "no email comes", "no e mail comes", "mail does not arrive", "mail doesnt arrive",
            "checked spam", "checked my spam", "checked the spam", "looked in spam", "looked in the spam",
            "looked in my spam", "not in spam", "not in my spam", "not in the spam", "an error", "is grey",
            "greyed out", "grayed out", "cannot find the", "cant find the", "can not find the", "could not find the",
            "couldnt find the", "cannot see the", "cant see the", "there is no button", "no such", "is not there",
            "isnt there", "followed the", "followed your", "as you described", "your faq", "your help page",
            "website says", "site says", "you said", "you told me", "your answer", "your reply", "although",
            "even though", "despite",
            "versucht", "ausprobiert", "mehrmals", "mehrfach", "immer noch", "nichts passiert", "nicht geholfen",
            "hilft nicht", "ohne erfolg", "vergeblich", "obwohl", "trotzdem", "im spam", "ausgegraut", "finde den",
            "finde die", "deja essaye", "jai essaye", "plusieurs fois", "toujours pas", "rien ne se passe", "en vain",
            "sans succes", "bien que", "malgre", "ne trouve pas", "he intentado", "ya intente", "varias veces",
            "no pasa nada", "en vano", "sin exito", "aunque", "a pesar de", "sigo recibiendo", "no encuentro",
            "gia provato", "ho provato", "piu volte", "diverse volte", "non succede", "invano", "senza successo",
            "anche se", "nonostante", "non trovo", "geprobeerd", "meerdere keren", "gebeurt niets", "tevergeefs",
            "zonder succes", "hoewel", "ondanks", "nog steeds", "probowal*", "kilka razy", "wiele razy",
            "nic sie nie dzieje", "bezskutecznie", "mimo ze", "chociaz", "nadal", "ja tentei", "varias vezes",
            "nada acontece", "em vao", "sem sucesso", "embora", "apesar de", "continuo a receber", "nao encontro",
        ],
    ])
}

/// Signs that a mail tries to instruct the machine rather than to ask the shop.
package struct InjectionSigns: Sendable, Equatable {
    /// One phrase for each sign that was found; empty for an ordinary mail.
    package let signs: [String]

    /// - Parameters:
    ///   - text: subject and body as text; the first 100,000 characters are read.
    ///   - html: the HTML body when there is one.
    package init(text: String, html: String? = nil) {
        let text = text.prefix(100_000)
        var signs: [String] = []
        if !Self.phrases.labels(in: text).isEmpty { signs.append("speaks to a machine, not to the shop") }
        if text.unicodeScalars.contains(where: { Self.isHidden($0) }) { signs.append("holds hidden characters") }
        let lower = text.lowercased()
        if Self.markup.matches(lower) { signs.append("holds marks of a language model's prompt") }
        if let html, Self.hidesText(html.lowercased()) { signs.append("holds text that a reader cannot see") }
        self.signs = signs
    }

    private static let markup = PhraseSet([
        "<|im_", "[inst]", "<<sys>>", "<system", "### instruction", "```system", "\nsystem:", "\nassistant:",
    ])

    private static let phrases = FoldedPhrases<Bool>([
        true: [
            "ignore previous", "ignore all previous", "ignore the previous", "ignore above", "ignore the above",
            "ignore your instructions", "disregard previous", "disregard the above", "disregard all", "forget your",
            "forget previous", "forget all previous", "previous instructions", "system prompt", "your instructions",
            "developer mode", "jailbreak*", "you are now", "pretend to be", "as an ai", "be an ai", "language model",
            "chatgpt", "in your response", "in your reply write", "in your answer",
            "your output", "respond with", "respond only", "respond in", "respond using",
            "answer only with", "reply only with", "repeat after me", "include the following", "include this text",
            "output the", "write the word", "approve this refund", "automatic approval", "auto approve",
            "ignoriere alle", "ignoriere die", "vergiss alle", "vergiss deine", "du bist jetzt", "sprachmodell",
            "ignorez les instructions", "ignore les instructions", "oubliez les", "tu es maintenant", "ignora las",
            "ignora todas", "olvida las", "ahora eres", "ignora le", "ignora tutte", "dimentica le", "ora sei",
            "negeer alle",
            "negeer de", "vergeet alle", "je bent nu", "zignoruj", "zapomnij", "jestes teraz", "ignore as instrucoes",
            "esqueca as", "agora voce e",
        ]
    ])

    /// Characters that readers do not see and that ordinary mail has no use for: tags, bidirectional overrides.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        (0xE0000...0xE007F).contains(scalar.value) || (0x202D...0x202E).contains(scalar.value)
            || (0x2066...0x2068).contains(scalar.value)
    }

    private static func hidesText(_ html: String) -> Bool {
        ["display:none", "display: none", "font-size:0", "font-size: 0", "visibility:hidden", "opacity:0;"].contains {
            html.contains($0)
        } && ["instruction", "ignore", "assistant", "prompt"].contains { html.contains($0) }
    }
}

/// Phrases of folded words, looked for all at once at the word boundaries of a text; each leads to its label.
private struct FoldedPhrases<Label: Hashable & Sendable>: Sendable {
    private struct Entry {
        let bytes: [UInt8]
        let label: Label
    }

    /// By their first two bytes: few share them, so a text costs one look-up a word.
    private let buckets: [UInt16: [Entry]]

    /// - Parameter phrases: at least two letters each; one that ends in `*` may go on inside its last word.
    init(_ phrases: [Label: [String]]) {
        var buckets: [UInt16: [Entry]] = [:]
        for (label, list) in phrases {
            for phrase in list {
                let words = Words.all(in: phrase).joined(separator: " ")
                let bytes = Array((phrase.hasSuffix("*") ? words : words + " ").utf8)
                buckets[Self.key(bytes[0], bytes[1]), default: []].append(Entry(bytes: bytes, label: label))
            }
        }
        self.buckets = buckets
    }

    func labels(in text: some StringProtocol) -> Set<Label> {
        var found: Set<Label> = []
        let bytes = Words.folded(text)
        var start = 0
        for end in bytes.indices where bytes[end] == 0x20 {
            // A word has at least one byte, and a space follows it.
            for entry in self.buckets[Self.key(bytes[start], bytes[start + 1])] ?? [] {
                if bytes[start...].starts(with: entry.bytes) { found.insert(entry.label) }
            }
            start = end + 1
        }
        return found
    }

    private static func key(_ first: UInt8, _ second: UInt8) -> UInt16 { UInt16(first) << 8 | UInt16(second) }
}
