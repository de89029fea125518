import Answering
import Foundation
import Testing

/// How much of what says who somebody is gets hidden: 201 texts in eight languages, each with a person of its own.
@Suite("Recall of masking") struct MaskingRecallTests {
    struct Person {
        let name: String
        let street: String
        let city: String
        let phone: String
        let account: String
        let card: String
        let order: String

        var mail: String {
            let plain = Words.all(in: self.name)
            return "\(plain.first ?? "x").\(plain.last ?? "y")@post.example"
        }
    }

    private static let people: [String: [Person]] = [
        "en": Self.people(
            "Gillian Harcastle|47 Fenwick Road|LS6 3QT|0113 496 0741",
            "Desmond O'Rourke|9 Harbour View|BT1 5GS|+44 28 9018 0332",
            "Priya Raghunathan|Flat 3, 18 Elm Grove|M14 6HS|07700 900461", account: "GB29NWBK60161331926819"),
        "de": Self.people(
            "Hannelore Brückner|Lindenallee 14|50668 Köln|0221 5550193",
            "Uwe Steinmetz|Am Mühlbach 3a|88045 Friedrichshafen|+49 7541 555018",
            "Katrin Vogelsang|Goethestraße 101|04109 Leipzig|0341/5550 77", account: "DE89370400440532013000"),
        "fr": Self.people(
            "Mathilde Garreau|12 rue des Tanneurs|69005 Lyon|04 65 71 55 20",
            "Étienne Lavigne|8, avenue Jean Moulin|31000 Toulouse|+33 5 36 49 10 22",
            "Océane Perrault|3 bis place du Marché|44000 Nantes|06 39 98 41 07", account: "FR1420041010050500013M02606"),
        "es": Self.people(
            "Inmaculada Robledo|Calle Alcántara 22|28006 Madrid|910 555 144",
            "Joaquín Etxeberria|Avenida del Puerto 71|46023 Valencia|+34 655 550 181",
            "Rocío Manzanares|Plaza Nueva 4|41001 Sevilla|954 55 51 62", account: "ES9121000418450200051332"),
        "it": Self.people(
            "Ginevra Paolucci|Via dei Mille 31|10123 Torino|011 555 0186",
            "Ettore Santangelo|Corso Garibaldi 9|80142 Napoli|+39 081 555 0174",
            "Chiara Bevilacqua|Piazza Duomo 2|50122 Firenze|333 555 0129", account: "IT60X0542811101000000123456"),
        "nl": Self.people(
            "Marijke Hoogendoorn|Kerkstraat 55|3581 RC Utrecht|030 555 0147",
            "Sjoerd Dijkstra|Lange Poten 12|2511 CL Den Haag|+31 70 555 0138",
            "Femke Oosterhuis|Herengracht 204-2|1016 BS Amsterdam|06 5550 1422", account: "NL91ABNA0417164300"),
        "pl": Self.people(
            "Agnieszka Wróblewska|ul. Mickiewicza 18/4|30-059 Kraków|12 555 01 63",
            "Zbigniew Kaczmarek|al. Niepodległości 7|61-714 Poznań|+48 605 550 147",
            "Małgorzata Sikora|ul. Piotrkowska 120|90-006 Łódź|42 555 01 88", account: "PL61109010140000071219812874"),
        "pt": Self.people(
            "Conceição Albuquerque|Rua das Flores 88|4050-262 Porto|22 555 0193",
            "Duarte Figueiredo|Avenida da Liberdade 15|1250-096 Lisboa|+351 915 550 172",
            "Beatriz Carvalhal|Travessa do Carmo 6|3000-174 Coimbra|239 555 014", account: "PT50000201231234567890154"),
    ]

    private static func people(_ lines: String..., account: String) -> [Person] {
        let cards = ["4111 1111 1111 1111", "5500-0000-0000-0004", "4012888888881881"]
        return lines.enumerated().map { number, line in
            let parts = line.split(separator: "|").map(String.init)
            return Person(
                name: parts[0], street: parts[1], city: parts[2], phone: parts[3],
                account: number == 0 ? account : Self.grouped(account), card: cards[number],
                order: ["10482\(211 + number * 37)", "AB-77\(40_310 + number)", "2026-\(551_070 + number)"][number])
        }
    }

    private static func grouped(_ account: String) -> String {
        var text = ""
        for (index, character) in account.enumerated() {
            text += index > 0 && index % 4 == 0 ? " \(character)" : "\(character)"
        }
        return text
    }

    /// `N` name, `S` street, `C` postal code and town, `T` telephone, `A` account, `K` card, `O` order, `M` mail address.
    private static let texts: [String: [String]] = [
        "en": [
            "My name is <N>, order number <O>.", "Please send it to <N>, <S>, <C>.",
            "You can call me on <T> after six.",
            "Pay it back to <A>, please.\n\nKind regards\n<N>", "I was charged twice on <K>.", "Write to <M> instead.",
            "Dear Ms <N>, your order <O> has left us.", "Deliver it to <S>, <C>; phone <T>.",
            "The parcel <O> is for <N>.",
        ],
        "de": [
            "Mein Name ist <N>, Bestellnummer <O>.", "Bitte senden Sie es an <N>, <S>, <C>.",
            "Sie erreichen mich unter <T>.",
            "Bitte erstatten Sie auf <A>.\n\nMit freundlichen Grüßen\n<N>", "Von <K> wurde doppelt abgebucht.",
            "Schreiben Sie an <M>.", "Sehr geehrte Frau <N>, Ihre Bestellung <O> ist unterwegs.",
            "Liefern Sie an <S>, <C>; Tel. <T>.", "Das Paket <O> ist für <N>.",
        ],
        "fr": [
            "Je m'appelle <N>, commande n° <O>.", "Envoyez-le à <N>, <S>, <C>.", "Vous pouvez m'appeler au <T>.",
            "Remboursez sur <A>.\n\nCordialement\n<N>", "Ma carte <K> a été débitée deux fois.", "Écrivez à <M>.",
            "Chère Madame <N>, votre commande <O> est partie.", "À livrer au <S>, <C>, tél. <T>.",
            "Le colis <O> est pour <N>.",
        ],
        "es": [
            "Me llamo <N>, número de pedido <O>.", "Envíenlo a <N>, <S>, <C>.", "Pueden llamarme al <T>.",
            "Devuelvan el dinero a <A>.\n\nSaludos\n<N>", "Me han cobrado dos veces en <K>.", "Escriban a <M>.",
            "Estimada Sra. <N>: su pedido <O> ha salido.", "Entrega en <S>, <C>, tel. <T>.",
        ],
        "it": [
            "Mi chiamo <N>, ordine numero <O>.", "Lo mandi a <N>, <S>, <C>.", "Mi può chiamare al <T>.",
            "Rimborsate su <A>.\n\nCordiali saluti\n<N>", "La carta <K> è stata addebitata due volte.",
            "Scrivete a <M>.",
            "Gentile Signora <N>, il suo ordine <O> è partito.", "Consegna in <S>, <C>, tel. <T>.",
        ],
        "nl": [
            "Mijn naam is <N>, bestelnummer <O>.", "Stuur het naar <N>, <S>, <C>.", "U kunt mij bellen op <T>.",
            "Graag terug op <A>.\n\nMet vriendelijke groet\n<N>", "Van <K> is twee keer afgeschreven.",
            "Mail naar <M>.",
            "Geachte mevrouw <N>, uw bestelling <O> is verzonden.", "Bezorgen op <S>, <C>, tel. <T>.",
        ],
        "pl": [
            "Nazywam się <N>, numer zamówienia <O>.", "Proszę wysłać do: <N>, <S>, <C>.", "Proszę dzwonić pod <T>.",
            "Proszę o zwrot na <A>.\n\nPozdrawiam\n<N>", "Z karty <K> pobrano kwotę dwa razy.", "Proszę pisać na <M>.",
            "Szanowna Pani <N>, zamówienie <O> zostało wysłane.", "Dostawa: <S>, <C>, tel. <T>.",
        ],
        "pt": [
            "Chamo-me <N>, encomenda número <O>.", "Enviem para <N>, <S>, <C>.", "Podem ligar para <T>.",
            "Devolvam para <A>.\n\nCumprimentos\n<N>", "O cartão <K> foi cobrado duas vezes.", "Escrevam para <M>.",
            "Exma. Senhora <N>, a sua encomenda <O> saiu.", "Entregar em <S>, <C>, tel. <T>.",
        ],
    ]

    private struct Case {
        let text: String
        let person: Person
        /// Written in the text, by what they are.
        let secrets: [(kind: String, text: String)]
    }

    private static var cases: [Case] {
        Self.texts.sorted { $0.key < $1.key }.flatMap { language, texts in
            (Self.people[language] ?? []).flatMap { person in
                texts.map { template in
                    let values = [
                        ("<N>", "name", person.name), ("<S>", "street", person.street), ("<C>", "town", person.city),
                        ("<T>", "telephone", person.phone), ("<A>", "account", person.account),
                        ("<K>", "card", person.card), ("<O>", "order", person.order),
                        ("<M>", "mail address", person.mail),
                    ]
                    var text = template
                    var secrets: [(String, String)] = []
                    for (mark, kind, value) in values where text.contains(mark) {
                        text = text.replacingOccurrences(of: mark, with: value)
                        secrets.append((kind, value))
                    }
                    return Case(text: text, person: person, secrets: secrets)
                }
            }
        }
    }

    /// Whether something of `secret` that tells who it is still stands in `text`.
    private static func isLeft(_ secret: (kind: String, text: String), in text: String) -> Bool {
        let left = Set(Words.all(in: MaskedText.withoutSpots(text)))
        let words = Words.all(in: secret.text)
        switch secret.kind {
        case "name": return words.contains { $0.count > 2 && left.contains($0) }
        case "town", "street": return words.contains { $0.contains(where: \.isNumber) && left.contains($0) }
        default:
            return words.contains { $0.count > 1 && $0.contains(where: \.isNumber) && left.contains($0) }
                || text.contains(secret.text)
        }
    }

    @Test func `nothing of a person whom the ticket names is left`() {
        #expect(Self.cases.count >= 200)
        for item in Self.cases {
            let known = KnownIdentities(
                names: [item.person.name], addresses: [item.person.mail], numbers: [item.person.order])
            let masked = Masking(known).mask(item.text).text
            for secret in item.secrets where ["name", "mail address", "order"].contains(secret.kind) {
                #expect(!Self.isLeft(secret, in: masked), "\(masked)")
            }
        }
    }

    @Test func `most of what nobody told us is found by its form`() {
        var found: [String: (hidden: Int, all: Int)] = [:]
        var left: [String] = []
        for item in Self.cases {
            let masked = Masking().mask(item.text).text
            for secret in item.secrets {
                let isLeft = Self.isLeft(secret, in: masked)
                found[secret.kind, default: (0, 0)].all += 1
                found[secret.kind, default: (0, 0)].hidden += isLeft ? 0 : 1
                if isLeft { left.append("\(secret.kind): \(masked)") }
            }
        }
        for (kind, counts) in found.sorted(by: { $0.key < $1.key }) {
            print("masked \(kind): \(counts.hidden) of \(counts.all)")
        }
        for kind in ["account", "card", "mail address"] {
            #expect(found[kind].map { $0.hidden == $0.all } == true, "\(left)")
        }
        let share = Double(found.values.reduce(0) { $0 + $1.hidden }) / Double(found.values.reduce(0) { $0 + $1.all })
        #expect(share >= 0.96, "\(share): \(left)")
    }
}
