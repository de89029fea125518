import DeskModel
import Testing

@Suite("ReplyReference") struct ReplyReferenceTests {
    private static func reference(_ text: String) -> String? {
        ReplyText(visible: text, signature: "", quoted: "").reference
    }

    @Test(arguments: [
        ("4711-2034", "4711-2034"), ("#10442", "10442"), ("Order no.: 55120, thanks", "55120"),
        ("Hello,\n\nmy order number is AB-2024/118.\n\nThanks", "AB-2024/118"),
        ("Bestellnummer: 55120\nViele Grüße", "55120"), ("Le numéro de commande est 8831-22. Merci !", "8831-22"),
        ("Hola, el número de pedido es 339177. Gracias", "339177"), ("Numer zamówienia to 771823", "771823"),
    ])
    func `a number alone is the piece that was asked for`(text: String, reference: String) {
        #expect(Self.reference(text) == reference)
    }

    @Test(arguments: [
        "", "Thanks!", "Where is order 55120?", "55120 is broken", "12", "My order 4711 has not arrived",
        "55120 or 55121", "anna@example.org",
    ])
    func `a text that says more, or has no number, is none`(text: String) {
        #expect(Self.reference(text) == nil)
    }
}
