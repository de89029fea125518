import Answering
import Testing

@Suite("Likeness of texts") struct TextLikenessTests {
    private static let draft = """
        Hello Bev,

        Thank you for your message.

        You can cancel an order free of charge until it is packed. Open My account, Orders, and choose “Cancel order”. \
        If the button is grey, the order is already packed; then let it come and send it back within 30 days.

        - Put the product and the delivery note in a parcel, stick the label on it and hand it in at any drop-off point.
        - We send you a return label as a PDF within one working day, at the latest on Friday.

        The amount is not charged before 5 May. See https://shop.example/returns for the whole list of products.

        Kind regards
        Support
        """

    @Test func `likeness is of words, whatever their order`() {
        #expect(TextLikeness.of("Refunds take five days.", "five days, refunds take") == 1)
        #expect(TextLikeness.of("Refunds take five days.", "The lamp is blue") == 0)
        #expect(TextLikeness.of("", "x") == 0)
    }

    /// What is put in the place of what.
    @Test(arguments: [
        ("Hello Bev,", "Dear Ms Tranter,"), ("Thank you for your message.", "Many thanks for your mail."),
        ("Support", "Joan Miller\nCustomer care"), ("any drop-off point", "any drop-off point near you"),
        ("\n- ", "\n* "), ("Kind regards", "Best wishes"),
    ])
    func `greeting, closing and a word or two may differ`(old: String, new: String) {
        #expect(TextLikeness.isNear(Self.draft, Self.draft))
        #expect(TextLikeness.isNear(Self.draft, Self.draft.replacing(old, with: new)), "\(new)")
    }

    @Test(arguments: [
        ("30 days", "60 days"), ("5 May", "6 May"), ("5 May", "5 June"), ("Friday", "Monday"),
        ("is not charged", "is charged"),
        ("free of charge", "for 5 euros"), ("/returns", "/refunds"),
        ("\n\nKind regards", " We have also sent you a new mug.\n\nKind regards"),
        ("\nSupport", "\nSupport\n\nP.S. You need not send it back."), ("within 30 days", ""),
        ("The amount is not charged before 5 May. ", ""), ("free of charge until", "until"),
    ])
    func `another fact or a sentence more or less is an edit`(old: String, new: String) {
        let answer = Self.draft.replacing(old, with: new)
        #expect(answer != Self.draft)
        #expect(!TextLikeness.isNear(Self.draft, answer), "\(new)")
    }
}
