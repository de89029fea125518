import DeskModel
import Testing

@Suite("ReplyParser") struct ReplyParserTests {
    @Test(arguments: [
        "On Mon, 6 Jan 2025 at 10:00, Support <support@shop.example> wrote:",
        "On Mon, 6 Jan 2025 at 10:00, Support <\nsupport@shop.example> wrote:",
        "Am 06.01.2025 um 10:00 schrieb Support:",
        "Am Mo., 6. Jan. 2025 um 10:00 Uhr schrieb Support <support@shop.example>:",
        "Le lun. 6 janv. 2025 à 10:00, Support <support@shop.example> a écrit :",
        "El lun, 6 ene 2025 a las 10:00, Support (<support@shop.example>) escribió:",
        "Il giorno lun 6 gen 2025 alle ore 10:00 Support <support@shop.example> ha scritto:",
        "Em seg., 6 de jan. de 2025 às 10:00, Support <support@shop.example> escreveu:",
        "Op ma 6 jan 2025 om 10:00 schreef Support <support@shop.example>:",
        "W dniu 06.01.2025 o 10:00, Support pisze:",
        "pon., 6 sty 2025 o 10:00 Support <support@shop.example> napisał(a):",
        "Den mån 6 jan. 2025 kl 10:00 skrev Support <support@shop.example>:",
        "ma 6. tammik. 2025 klo 10.00 Support <support@shop.example> kirjoitti:",
        "6 янв. 2025 г., 10:00, Support <support@shop.example> написал(а):",
        "2025年1月6日(月) 10:00 Support <support@shop.example>:",
    ])
    func `takes off the quoted mail below its attribution`(attribution: String) {
        let reply = ReplyParser.split("Still waiting.\n\n\(attribution)\n\n> Where is it?\n> Bye\n")
        #expect(reply.visible == "Still waiting.")
        #expect(reply.quoted.contains("Where is it?"))
    }

    @Test(arguments: [
        "-----Original Message-----\nFrom: Support <support@shop.example>\nSent: Monday\nTo: Anna\nSubject: x",
        "________________________________\nVon: Support <support@shop.example>\nGesendet: Montag\nAn: Anna\nBetreff: x",
        "De : Support <support@shop.example>\nEnvoyé : lundi\nÀ : Anna\nObjet : x",
        "*From:* Support <support@shop.example>\n*Sent:* Monday\n*To:* Anna\n*Subject:* x",
        "-------- Ursprüngliche Nachricht --------\nVon: Support <support@shop.example>\nDatum: 6.1.25\nAn: a@example.org\nBetreff: x",
        "发件人: Support <support@shop.example>\n发送时间: 2025年1月6日\n收件人: Anna\n主题: x",
        "От: Support <support@shop.example>\nОтправлено: понедельник\nКому: Anna\nТема: x",
    ])
    func `takes off a mail below a copied header`(header: String) {
        let reply = ReplyParser.split("Thanks, that helped.\n\n\(header)\n\nYour order 4711 was sent.")
        #expect(reply.visible == "Thanks, that helped.")
        #expect(reply.quoted.contains("4711"))
    }

    @Test(arguments: [
        "-- \nAnna Beispiel\nShop Ltd", "--\nAnna", "Sent from my iPhone", "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone", "Inviato da iPhone", "Get Outlook for Android", "Verstuurd vanaf mijn iPad",
        "Anna Beispiel\nanna@example.org\n+49 30 1234567\nwww.shop.example",
    ])
    func `parts the signature`(signature: String) {
        let reply = ReplyParser.split("Please cancel order 4711.\n\n\(signature)\n")
        #expect(reply.visible == "Please cancel order 4711.")
        #expect(reply.signature == signature)
    }

    @Test func `keeps answers between quotes`() {
        let reply = ReplyParser.split(
            "On Mon, 6 Jan 2025 10:00 Support wrote:\n> Which size?\n\n42\n\n> Which colour?\n\nred\n")
        #expect(reply.visible.contains("42"))
        #expect(reply.visible.contains("red"))
    }

    @Test(arguments: [
        "> only\n> quotes", "On Mon, 6 Jan 2025 at 10:00, A <a@example.org> wrote:\n> x", "-- \nAnna", "4711",
        "Sent from my iPhone",
    ])
    func `never eats everything`(text: String) {
        #expect(!ReplyParser.split(text).visible.isEmpty)
    }

    @Test(arguments: [
        "On Monday I wrote:\nmy parcel is late", "From: the beginning it was broken.\nIt still is.",
        "I am sent from pillar to post.\nWhy?",
        "Order: 4711\nSize: 42", "Thanks,\nplease hurry", "price > 100 and < 200",
    ])
    func `leaves ordinary words alone`(text: String) {
        #expect(ReplyParser.split(text).visible == text)
    }

    @Test func `shows the text of a forwarded mail`() {
        let reply = ReplyParser.split(
            "---------- Forwarded message ---------\nFrom: Anna <anna@example.org>\nDate: Mon, 6 Jan 2025\nSubject: x\nTo: a@example.com\n\nMy parcel is lost."
        )
        #expect(reply.visible == "My parcel is lost.")
    }

    @Test(arguments: [
        "<div>New words</div><div class=\"gmail_quote\"><div>On Mon, Anna wrote:</div><blockquote>old words</blockquote></div>",
        "<p>New words</p><div id=\"divRplyFwdMsg\"><b>From:</b> Support</div><p>old words</p>",
        "<p>New words</p><div style='border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p>Von: S</p></div><p>old words</p>",
        "<p>New words</p><blockquote type=cite>old words</blockquote>",
    ])
    func `parts HTML by the marks of mail programs`(html: String) {
        let reply = ReplyParser.split(html: html)
        #expect(reply.visible == "New words")
        #expect(reply.quoted.contains("old words"))
    }

    static let hostile: [Hostile] = [
        Hostile("a ", 20_000), Hostile("> ", 20_000), Hostile("On 10:00 a@b\n", 2_000),
        Hostile("From: x@example.org\n", 2_000),
        Hostile("x\n--\n", 2_000), Hostile("-----\n", 4_000), Hostile("\n", 20_000), Hostile(" On On", 2_000),
    ]

    @Test(arguments: hostile)
    func `takes any input`(input: Hostile) {
        #expect(ReplyParser.split(input.text).visible.utf8.count <= input.text.utf8.count)
    }
}
