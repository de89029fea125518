import Desk
import DeskModel
import MIME
import Testing

/// Mails without any field that would tell: only the words decide.
@Suite("Automatic mail by its words") struct AutomaticMailWordsTests {
    private func isSilent(_ subject: String, _ body: String) -> Bool {
        let head =
            "From: Anna <anna@example.org>\nTo: support@shop.example\nContent-Type: text/plain; charset=utf-8\nSubject: \(subject)"
        return AutomaticMail.classify(MIMEParser.parse(Array("\(head)\n\n\(body)".utf8)), own: [], authservIDs: [])
            .suppressAutoReply
    }

    static let robots: [(String, String)] = [
        ("Automatic reply: [MT-1042] Your order", "I am out of the office until Monday."),
        ("Out of Office: Re: Your order", "Thank you for your email. I will be back on 12 May."),
        ("Re: Your order", "I am currently out of the office with limited access to email. I will return on Monday."),
        (
            "Re: Your order",
            "Thank you for contacting Example Ltd. This is an automated response. We will get back to you as soon as possible."
        ),
        ("Re: Ticket", "I am on annual leave until 3 June. For urgent matters please contact my colleague."),
        ("Auto: away", "I'm out of the office this week and will be back in the office on Friday."),
        ("Abwesenheitsnotiz: Ihre Bestellung", "Ich bin ab dem 12.05. wieder erreichbar."),
        ("Automatische Antwort: Ihre Anfrage", "Vielen Dank für Ihre Nachricht. Ich bin im Urlaub."),
        (
            "AW: Ihre Anfrage",
            "Ich bin derzeit nicht im Büro. In dringenden Fällen wenden Sie sich bitte an meine Kollegin."
        ),
        (
            "AW: Ihre Anfrage",
            "Ich befinde mich im Urlaub und bin am 3. Juni wieder erreichbar. Ihre Nachricht wird nicht weitergeleitet."
        ),
        (
            "AW: Ihre Anfrage",
            "Dies ist eine automatisch erzeugte Antwort. Ich bin bis zum 5. Mai abwesend, meine Vertretung ist Frau Beispiel."
        ),
        ("Réponse automatique : Votre message", "Je suis absent jusqu'au 12 mai."),
        ("Re: Votre message", "Je suis actuellement en congé. En cas d'urgence, merci de contacter ma collègue."),
        (
            "Re: Votre message",
            "Bonjour, je suis absente du bureau. Ceci est une réponse automatique. Je serai de retour lundi."
        ),
        ("Respuesta automática: Su mensaje", "Estoy fuera hasta el lunes."),
        (
            "Re: Su mensaje",
            "Me encuentro fuera de la oficina hasta el 12 de mayo. Para asuntos urgentes póngase en contacto con mi compañera."
        ),
        ("Re: Su mensaje", "Estoy de vacaciones. A mi regreso responderé a su correo. Gracias por su paciencia."),
        ("Risposta automatica: Il suo messaggio", "Sono assente fino a lunedì."),
        ("Re: Il suo messaggio", "Sono in ferie fino al 12 maggio. Per urgenze contattare la mia collega."),
        ("Re: Il suo messaggio", "Al momento sono fuori ufficio, risponderò al mio rientro."),
        ("Resposta automática: A sua mensagem", "Estou fora até segunda."),
        ("Re: A sua mensagem", "Estou de férias até 12 de maio. Em caso de urgência, contactar a minha colega."),
        ("Re: A sua mensagem", "Encontro-me ausente do escritório. Responderei ao meu regresso."),
        ("Automatisch antwoord: Uw bericht", "Ik ben afwezig tot maandag."),
        ("Re: Uw bericht", "Ik ben op vakantie en ben op 12 mei weer bereikbaar. Voor spoed kunt u bellen."),
        ("Re: Uw bericht", "Dit is een automatisch antwoord. Ik ben niet aanwezig; neem contact op met mijn collega."),
        ("Automatiskt svar: Ditt meddelande", "Jag är på semester."),
        (
            "Re: Ditt meddelande",
            "Jag är på semester och är tillbaka den 12 maj. Vid brådskande ärenden, kontakta min kollega."
        ),
        ("Automatyczna odpowiedź: Wiadomość", "Jestem na urlopie do poniedziałku."),
        ("Re: Wiadomość", "Przebywam na urlopie do 12 maja. W pilnych sprawach proszę o kontakt z koleżanką."),
        ("Re: Wiadomość", "Jestem poza biurem. Dziękuję za wiadomość, odpowiem gdy wracam."),
        ("Автоответ: Ваше письмо", "Я в отпуске."),
        ("Re: Ваше письмо", "Я нахожусь в отпуске до 12 мая. По срочным вопросам обращайтесь к коллеге."),
        ("自動返信: お問い合わせ", "不在にしております。"),
        ("Re: お問い合わせ", "このメールは自動送信です。不在にしておりますので、お急ぎの方はお電話ください。"),
        ("自动回复: 您的邮件", "我正在休假。"),
    ]

    static let humans: [(String, String)] = [
        ("Order 4711", "I am out of the office next week, please ship on Thursday instead."),
        ("Delivery date", "I will be out of the office until Monday. Can you deliver after that?"),
        ("Vacation", "I am on vacation from Friday, could the parcel arrive before?"),
        ("Automatic payments", "Please turn off the automatic payment for my order."),
        ("Your automatic reply", "I got your automatic reply but no answer yet. When will my order ship?"),
        ("Urgent", "Please contact me as soon as possible, my parcel is lost."),
        ("Thank you for your message", "Thank you for your message. The invoice is still wrong."),
        ("Auto parts order", "The brake pads for my car do not fit."),
        ("On vacation, parcel at neighbour?", "Hello, I am on holiday. Is the neighbour delivery possible?"),
        ("Away from home", "We are away from home on Tuesday, please deliver on Wednesday."),
        ("Bestellung 4711", "Ich bin nächste Woche im Urlaub. Bitte liefern Sie erst danach."),
        ("Lieferung", "Ich bin im Urlaub, können Sie das Paket später schicken?"),
        ("Automatische Abbuchung", "Die automatische Abbuchung war doppelt. Bitte erstatten Sie die Rechnung."),
        ("Dringend", "Bitte melden Sie sich dringend, die Lieferung fehlt."),
        ("Urlaub", "Ich bin bis zum 5. Mai verreist, bitte die Bestellung zurückhalten."),
        ("Commande 4711", "Je suis absent la semaine prochaine, merci de livrer ma commande après."),
        ("Livraison", "Je suis en congé jusqu'à lundi, pouvez-vous garder le colis ?"),
        ("Pedido 4711", "Estoy de vacaciones, ¿puede llegar el pedido la semana que viene?"),
        ("Urgente", "Es urgente: mi pedido no ha llegado."),
        ("Ordine 4711", "Sono in ferie la prossima settimana, potete spedire dopo?"),
        ("Ordine", "Sono assente domani, lasciate il pacco al vicino."),
        ("Encomenda 4711", "Estou de férias até sexta; por favor entreguem a encomenda depois."),
        ("Bestelling 4711", "Ik ben op vakantie, kan het pakket later geleverd worden?"),
        ("Beställning 4711", "Jag är på semester nästa vecka, kan ni skicka paketet senare?"),
        ("Zamówienie 4711", "Jestem na urlopie do piątku, proszę wysłać paczkę później."),
        ("Заказ 4711", "Я в отпуске до пятницы, доставьте заказ позже."),
        ("注文4711", "来週は不在にしておりますので、配送を遅らせてください。"),
        ("Absence of a part", "One screw is missing from the box. Please send it."),
        ("Re: Ticket", "I am back. Thanks!"), ("Hello", "Do you also sell automatic watches?"),
    ]

    @Test(arguments: robots)
    func `a robot without fields gets no answer`(subject: String, body: String) {
        #expect(self.isSilent(subject, body))
    }

    @Test(arguments: humans)
    func `a person who uses the same words gets one`(subject: String, body: String) {
        #expect(!self.isSilent(subject, body))
    }
}
