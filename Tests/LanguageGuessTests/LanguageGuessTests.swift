import LanguageGuess
import Testing

@Suite("Language guess") struct LanguageGuessTests {
    private static let sentences: [(String, String)] = [
        ("en", "My order hasn't arrived"),
        ("en", "I would like to return the lamp because the shade is the wrong colour."),
        ("de", "Meine Bestellung ist immer noch nicht angekommen, können Sie bitte nachsehen?"),
        ("de", "Wo ist mein Paket? Die Sendungsverfolgung zeigt seit Tagen nichts Neues."),
        ("fr", "Bonjour, je n'ai toujours pas reçu ma commande et personne ne me répond."),
        ("es", "¿Dónde está mi pedido? Lo pagué hace quince días y no ha llegado."),
        ("it", "Il pacco è arrivato danneggiato e vorrei un rimborso il prima possibile."),
        ("nl", "Mijn pakket is zoekgeraakt, kunt u mij vertellen waar het nu is?"),
        ("pl", "Gdzie jest moja paczka? Proszę o pomoc, czekam już dwa tygodnie na zamówienie."),
        ("pt", "Ainda não recebi a minha encomenda e já passaram dez dias úteis."),
        ("ja", "注文した商品がまだ届きません。"), ("zh", "我的订单还没有到"), ("ko", "주문한 상품이 아직 도착하지 않았어요"),
        ("ru", "Где мой заказ?"), ("uk", "Де моє замовлення? Чому його ще немає?"),
        ("el", "Πού είναι η παραγγελία μου;"),
    ]

    @Test(arguments: sentences)
    func `names the language of a sentence`(language: String, text: String) throws {
        #expect(try LanguageGuess().guess(text)?.language == language)
    }

    @Test(arguments: ["", "?", "😀", "42", "ok", "A-10425", "jo@example.com", "\u{0}\u{1}\u{2}"])
    func `says nothing of a text without words`(text: String) throws {
        #expect(try LanguageGuess().guess(text) == nil)
    }

    @Test func `a megabyte is read no further than its start`() throws {
        let text = String(repeating: "Where is my parcel? I have been waiting for it. ", count: 22_000)
        #expect(try LanguageGuess().guess(text)?.language == "en")
    }

    @Test func `missing fingerprints are named`() throws {
        let error = #expect(throws: LanguageError.self) { try LanguageGuess(directory: "/nonexistent") }
        #expect(error?.context.contains("/nonexistent") == true)
    }
}
