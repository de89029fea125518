import Answering
import Testing

@Suite("Masking") struct MaskingTests {
    private static let known = KnownIdentities(
        names: ["Zoë Kowalski", "Will Smith", "O'Hara, Maeve", "Li Na"],
        addresses: ["zoe.kowalski@acme-widgets.example", "bjorn84@gmail.com"], numbers: ["4711"],
        own: ["Fernweh Shop", "fernweh.example"])
    private let masking = Masking(Self.known, masksDates: true)

    // MARK: - Whom we know

    @Test(arguments: [
        "Zoë Kowalski", "ZOË KOWALSKI", "zoe kowalski", "Zoe\u{308} Kowalski", "Kowalski, Zoë", "Zoë-Kowalski",
        "zoë_kowalski", "ZoeKowalski", "Z o ë K o w a l s k i", "Z.O.E", "Zo\u{200B}ë Ko\u{AD}walski",
        "Zоë Kоwalski",  // with Cyrillic о
        "Ｚｏｅ Ｋｏｗａｌｓｋｉ", "𝐙𝐨𝐞", "Kowalskiego", "Kowalski's", "Zoës",
    ])
    func `hides a known name however it is written`(name: String) {
        let masked = self.masking.mask("The parcel for \(name) came back yesterday.")
        #expect(masked.text.hasPrefix("The parcel for [name"))
        #expect(masked.text.hasSuffix(" came back yesterday."))
        for part in ["zoe", "Zoe", "ZOE", "owalsk", "OWALSK"] { #expect(!masked.text.contains(part)) }
    }

    @Test func `a name that is also a word is hidden only as a name`() {
        #expect(self.masking.mask("What will Will say?").text == "What will [name] say?")
        #expect(self.masking.mask("Ask Li about it, she likes it").text == "Ask [name] about it, she likes it")
    }

    @Test func `a name from an address and the company behind it are hidden`() {
        #expect(self.masking.mask("bjorn wrote").text == "[name] wrote")
        let company = self.masking.mask("We at Acme Widgets, also acme-widgets and AcmeWidgets, order monthly.").text
        #expect(!company.lowercased().contains("acme"))
        #expect(company.contains("[company]"))
    }

    @Test func `the shop itself keeps its name`() {
        let text = "Fernweh Shop sends it; write to Fernweh again."
        #expect(self.masking.mask(text).text == text)
    }

    @Test func `a number that is known from elsewhere is hidden without any sign before it`() {
        #expect(self.masking.mask("as to 4711, it is done").text == "as to [order number], it is done")
    }

    // MARK: - Whom nobody told us of

    @Test(arguments: [
        ("Dear Mrs. Brown, it is done.", "Brown"), ("Hello Jonathan,\nthanks", "Jonathan"),
        ("Sehr geehrte Frau Dr. Weiß-Lang, gern.", "Weiß"), ("my name is peter pan and I ask", "peter"),
        ("Ich heiße Jürgen Mayer.", "Mayer"), ("Je m'appelle Amélie Dupont", "Dupont"),
        ("Mi chiamo Luca Rossi", "Rossi"),
        ("It works.\n\nKind regards\nTobias Funke", "Funke"), ("Thanks, Abigail", "Abigail"),
        ("Grüße\nHans-Peter", "Peter"), ("Name: Carla Gomez", "Gomez"), ("Mr van der Berg called", "Berg"),
    ])
    func `hides a name that the words around it give away`(text: String, name: String) {
        let masked = self.masking.mask(text).text
        #expect(!masked.contains(name))
        #expect(masked.contains("[name"))
    }

    @Test(arguments: [
        "We are Möller & Sons GmbH here", "Brightwater Ltd has it", "for Olsen Fisk AS.", "Dupont Frères SARL orders",
        "at Big Blue Inc. since",
    ])
    func `hides a company by its form`(text: String) {
        #expect(self.masking.mask(text).text.contains("[company]"))
    }

    @Test(arguments: [
        "12 Baker Street", "221b Baker St", "Hauptstraße 12a", "Am Alten Markt Straße 5", "Lindenweg 7",
        "rue de la Paix 10", "10, rue de la Paix", "Via Roma 5", "Calle Mayor 3", "ul. Długa 7/3", "Kerkstraat 9",
        "SW1A 1AA", "10115 Berlin", "75001 Paris", "1012 AB Amsterdam", "00-950 Warszawa", "PO Box 1234", "Apt 12B",
    ])
    func `hides where somebody lives`(place: String) {
        let masked = self.masking.mask("Please send it to \(place), thank you.").text
        for word in place.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) where word.contains(where: \.isNumber)
        {
            #expect(!masked.contains(word))
        }
        #expect(masked.hasSuffix("thank you."))
    }

    @Test(arguments: [
        "ann.smith@mail.example", "ANN@Mail.Example", "ann+shop@mail.example", "ann (at) mail (dot) example",
        "ann[at]mail.example", "ann at mail dot example", "ann @ mail . example", "ann＠mail.example",
        "ann\u{200B}@mail.example", "jürgen@müller.example", "<ann@mail.example>", "mailto:ann@mail.example",
    ])
    func `hides a mail address`(address: String) {
        let masked = self.masking.mask("write to \(address) please").text
        #expect(!masked.lowercased().contains("mail.example"))
        #expect(!masked.lowercased().contains("example"))
        #expect(masked.hasSuffix("please"))
    }

    @Test(arguments: [
        "+49 30 1234567", "0049 (30) 123-4567", "(030) 123 45 67", "06.12.34.56.78", "+1-202-555-0143", "020 7946 0958",
        "+44\u{A0}20\u{A0}7946\u{A0}0958", "＋４９ ３０ １２３４５６７", "٠١٢٣٤٥٦٧٨٩", "0 3 0 1 2 3 4 5 6 7", "030/1234567",
        "3\u{200B}0\u{200B}1\u{200B}2\u{200B}3\u{200B}4\u{200B}5",
    ])
    func `hides a phone number`(number: String) {
        let masked = self.masking.mask("call me at \(number) please").text
        #expect(!masked.contains { $0.isNumber })
        #expect(masked.hasPrefix("call me at [") && masked.hasSuffix("] please"))
    }

    @Test(arguments: [
        "DE89 3704 0044 0532 0130 00", "de89370400440532013000", "GB82-WEST-1234-5698-7654-32",
        "DE89.3704.0044.0532.0130.00",
        "FR14 2004 1010 0505 0001 3M02 606", "NL91\u{A0}ABNA\u{A0}0417\u{A0}1643\u{A0}00",
        "DE89 3704 0044\n0532 0130 00",
        "ＤＥ８９ ３７０４ ００４４ ０５３２ ０１３０ ００",
    ])
    func `knows a bank account by its checksum`(account: String) {
        let masked = self.masking.mask("Refund to \(account), please.")
        #expect(masked.text == "Refund to [bank account], please.")
        #expect(masked.spots.map(\.original) == [account])
    }

    @Test(arguments: [
        "4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "5500.0000.0000.0004", "3400 000000 00009",
        "4111\u{2009}1111\u{2009}1111\u{2009}1111", "4111 1111\n1111 1111", "４１１１１１１１１１１１１１１１",
    ])
    func `knows a card by its check digit`(card: String) {
        #expect(self.masking.mask("my card \(card) was charged").text == "my card [card number] was charged")
    }

    @Test(arguments: ["DE89 3704 0044 0532 0130 01", "4111 1111 1111 1112"])
    func `a mistyped account or card is hidden as a number`(number: String) {
        let masked = self.masking.mask("from \(number) today").text
        #expect(!masked.contains { $0.isNumber })
    }

    @Test(arguments: [
        "order FD-10442", "order number: 10442", "Order no. A-17", "#10442", "#4711", "Bestellnummer 2024-0815-77",
        "commande n° 55321", "parcel 1Z999AA10123456784", "tracking code JJD000390007", "invoice INV/2025/0042",
        "order ＃１０４４２",
    ])
    func `hides an order number`(text: String) {
        let masked = self.masking.mask("It is about \(text).").text
        #expect(!masked.contains { $0.isNumber })
        #expect(MaskedText.hasSpot(masked))
    }

    @Test(arguments: [
        "3 May 2026", "May 3rd, 2026", "03.05.2026", "2026-05-03", "3. Mai", "3 de mayo de 2026", "03/05/26",
    ])
    func `hides a date where it is asked to`(date: String) {
        #expect(self.masking.mask("It left on \(date) with us").text == "It left on [date] with us")
        #expect(Masking().mask("It left on \(date) with us").text == "It left on \(date) with us")
    }

    @Test(arguments: [
        "https://track.example/?id=7", "http://x.example/u/1234567", "https://x.example/me?mail=a@b.example",
    ])
    func `hides a link that leads to one person`(link: String) {
        #expect(self.masking.mask("see \(link) there").text == "see [link] there")
    }

    // MARK: - What stays

    @Test(arguments: [
        "Returns are free within 30 days of delivery.", "Shipping costs 12.90 EUR and takes 5 to 10 working days.",
        "We are open 9.00-17.00 on weekdays.", "Hold the button for ten seconds, then wait 5 minutes.",
        "A voucher of € 1,299.00 or 15 % off is valid for 3 years.", "See https://shop.example/help/returns for more.",
        "The battery has 5000mAh and 128GB of memory.", "Hello there, thank you for asking.",
        "Please reset the device.",
        "Your order will leave our house today.",
    ])
    func `leaves alone what is about nobody`(text: String) {
        #expect(Masking().mask(text).text == text)
    }

    @Test func `the same thing has the same placeholder and comes back`() {
        let text = "Zoë Kowalski and Will Smith: order FD-10442, again FD-10442 of Zoë Kowalski."
        let masked = self.masking.mask(text)
        #expect(masked.text == "[name] and [name 2]: order [order number], again [order number] of [name].")
        #expect(masked.restoring(masked.text) == text)
        #expect(
            masked.restoring("We looked at [order number] for [name 2], [x].")
                == "We looked at FD-10442 for Will Smith, [x].")
        #expect(MaskedText.withoutSpots(masked.text) == " and : order , again  of .")
    }

    @Test func `what is put back is not read again`() {
        let masked = Masking(KnownIdentities(names: ["Bobby"])).mask("Bobby, [name] 0171 2345678")
        #expect(masked.restoring("[phone number]") == "0171 2345678")
    }

    @Test func `long and hostile texts take linear time`() {
        for piece in ["@", "1 ", "a@", "(at)", "DE12", "Herr ", "A. ", " dot ", "1.1.", "12 Rue ", "[", "#1", "a b "] {
            let text = String(repeating: piece, count: 20_000 / piece.count)
            #expect(self.masking.mask(text).text.utf8.count <= 8 * text.utf8.count + 64)
        }
    }
}
