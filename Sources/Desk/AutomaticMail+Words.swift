internal import DeskModel

/// Automatic answers that carry no field, known by what they say.
///
/// The subject decides alone when it starts like one. The text decides only when it says that its writer is away or that
/// a program wrote it, says a second such thing, and asks for nothing.
enum AutomaticWords {
    /// What a mail program or a person's absence assistant puts first in the subject.
    private static let subjects = [
        "out of office", "out of the office", "automatic reply", "automated reply", "auto reply", "auto-reply",
        "autoreply", "auto response", "autoresponse", "automatic response", "auto:",
        "automatic answer", "automated response", "away from", "on vacation", "vacation reply", "ooo:", "ooo re",
        "automatische antwort", "automatische rückantwort", "abwesenheit", "abwesend", "außer haus",
        "ich bin nicht im büro",
        "réponse automatique", "absence du bureau", "absent du bureau", "absence :", "absence:", "message d'absence",
        "en congé", "respuesta automática", "respuesta automatica", "fuera de la oficina", "fuera de oficina",
        "ausencia",
        "risposta automatica", "fuori ufficio", "fuori sede", "assenza", "resposta automática", "resposta automatica",
        "ausência", "fora do escritório", "automatisch antwoord", "afwezig", "niet aanwezig", "buiten kantoor",
        "automatiskt svar", "autosvar", "automatisk svar", "frånvaro", "fraværende", "fravær", "automaattinen vastaus",
        "poissaolo", "poissa", "automatyczna odpowiedź", "nieobecność", "poza biurem", "autoodpowiedź",
        "автоответ", "автоматический ответ", "нет на месте", "в отпуске", "automatická odpověď", "mimo kancelář",
        "自動返信", "自動応答", "自动回复", "自動回覆", "부재중", "otomatik yanıt", "automatikus válasz", "răspuns automat",
    ]
    /// The writer is away.
    private static let absent = PhraseSet([
        "i am out of the office", "i am currently out of", "i'm currently out of", "i'm out of the office",
        "i am away from", "i am currently away", "i will be out of the office", "i am on vacation",
        "i am on annual leave", "i am on leave", "i'm on vacation", "i am on holiday", "currently on parental leave",
        "currently on vacation", "i am travelling", "i am traveling",
        "ich bin derzeit nicht", "ich bin zur zeit nicht", "ich bin im moment nicht", "ich bin momentan nicht",
        "ich bin nicht im büro", "ich bin nicht im haus", "ich bin im urlaub", "ich befinde mich im urlaub",
        "ich bin bis zum", "ich bin bis einschließlich", "ich bin ab dem", "bin ich nicht im büro", "ich bin abwesend",
        "derzeit außer haus",
        "je suis absent", "je suis actuellement absent", "je suis en congé", "je suis actuellement en congé",
        "je suis hors du bureau", "je serai absent", "je serai de retour", "estoy fuera de la oficina",
        "me encuentro fuera", "estaré fuera", "estoy de vacaciones", "actualmente estoy fuera", "estoy ausente",
        "sono fuori ufficio", "sono assente", "sarò assente", "sono in ferie", "al momento sono fuori",
        "estou fora do escritório", "estou ausente", "estarei ausente", "estou de férias", "encontro-me ausente",
        "ik ben afwezig", "ik ben niet aanwezig", "ik ben momenteel", "ik ben op vakantie", "ik ben niet op kantoor",
        "ik ben met vakantie",
        "jag är på semester", "jag är inte på kontoret", "jag är tillbaka", "jag är för närvarande", "jeg er på ferie",
        "jeg er ikke på kontoret", "jeg er for tiden", "jestem na urlopie", "jestem poza biurem", "jestem nieobecn",
        "przebywam na urlopie", "nie ma mnie w biurze", "olen lomalla", "olen poissa",
        "я в отпуске", "я нахожусь в отпуске", "меня нет в офисе", "я буду отсутствовать", "jsem na dovolené",
        "nejsem v kanceláři", "不在にしております", "休暇を", "休假", "不在办公室",
    ])
    /// A program says what it is.
    private static let machines = PhraseSet([
        "this is an automatic", "this is an automated", "this is an auto", "automatically generated", "auto-generated",
        "automatic reply", "automated response", "automated reply", "autoresponder", "generated automatically",
        "do not reply to this", "please do not reply",
        "dies ist eine automatisch", "diese nachricht wurde automatisch", "automatisch generiert",
        "automatisch erstellt", "automatisch erzeugt", "ceci est une réponse automatique",
        "ceci est un message automatique", "message automatique", "généré automatiquement",
        "esta es una respuesta automática", "respuesta automática", "mensaje automático",
        "questa è una risposta automatica", "risposta automatica", "messaggio automatico",
        "esta é uma resposta automática", "mensagem automática", "resposta automática", "dit is een automatisch",
        "automatisch gegenereerd",
        "detta är ett automatiskt", "dette er et automatisk", "dette er en automatisk", "to jest automatyczna",
        "wiadomość wygenerowana automatycznie", "wiadomość automatyczna", "tämä on automaattinen", "это автоматический",
        "автоматический ответ", "toto je automatická", "自動送信", "自動返信", "自动回复",
    ])
    /// When the writer is back, whom to ask meanwhile, thanks for the mail.
    private static let companions = PhraseSet([
        "will return", "i return on", "be back on", "be back in", "will be back", "back in the office", "returning on",
        "limited access", "no access to", "not have access", "urgent", "in my absence", "during my absence",
        "as soon as possible", "upon my return", "when i return", "thank you for your e", "thank you for your message",
        "thanks for your e", "thank you for contacting", "we have received your", "please contact", "will not be read",
        "not be forwarded",
        "wieder erreichbar", "wieder im büro", "zurück", "in dringenden", "dringend", "meine vertretung", "vertret",
        "wird nicht weitergeleitet", "nicht weitergeleitet", "nach meiner rückkehr", "vielen dank für ihre",
        "wenden sie sich", "melde mich", "nicht gelesen",
        "de retour", "en cas d'urgence", "urgence", "à mon retour", "merci de contacter", "merci pour votre",
        "veuillez contacter", "durante mi ausencia", "urgente", "a mi regreso", "regreso", "volveré", "gracias por su",
        "póngase en contacto", "acceso limitado",
        "al mio rientro", "rientrerò", "rientro", "per urgenze", "contattare", "grazie per", "regressarei",
        "ao meu regresso", "voltarei", "retorno", "em caso de urg", "contactar", "contate", "obrigado por",
        "weer bereikbaar", "terug op", "dringende", "neem contact op", "spoed", "bedankt voor uw", "tillbaka",
        "brådskande", "kontakta", "tilbake", "tilbage", "haster", "kontakt", "wracam", "będę z powrotem", "w pilnych",
        "proszę o kontakt", "dziękuję za", "palaan", "kiireellis", "ota yhteyttä",
        "вернусь", "срочн", "обращайтесь", "спасибо за", "vrátím", "naléhav", "kontaktujte", "お急ぎ", "戻り", "紧急", "返回",
    ])
    /// A customer wants something: no absence assistant writes this.
    private static let wishes = PhraseSet([
        "?", "？", "order", "refund", "invoice", "ship", "deliver", "parcel", "package", "bestell", "lieferung",
        "liefern", "rechnung", "paket", "commande", "livraison", "colis", "facture", "pedido", "envío", "entrega",
        "factura", "encomenda", "fatura",
        "ordine", "consegna", "spedi", "pacco", "fattura", "levering", "pakket", "factuur", "beställning", "leverans",
        "paketet", "faktur", "bestilling", "pakke", "zamówieni", "przesyłk", "paczk", "dostaw", "tilaus", "toimitu",
        "заказ", "доставк", "посылк", "objednávk", "zásilk", "注文", "配送", "订单",
    ])

    static func verdict(_ message: InboundMessage) -> String? {
        let subject = BaseSubject.of(message.subject).lowercased()
        let full = message.subject.lowercased()
        if let words = Self.subjects.first(where: { subject.hasPrefix($0) || full.hasPrefix($0) }),
            Self.leads(subject, words, message)
        {
            return "subject starts with “\(words)”"
        }
        guard message.reply.visible.utf8.count < 4_000 else { return nil }
        let text = Self.folded(message.reply.visible)
        guard !text.isEmpty, text.utf8.count < 2_000 else { return nil }
        let absent = Self.absent.first(in: text)
        let machine = Self.machines.first(in: text)
        guard let sign = machine ?? absent else { return nil }
        let hasWish = Self.wishes.matches(text)
        let hasCompanion = Self.companions.matches(text)
        if absent != nil, machine != nil { return "text says “\(sign)”" }
        if hasCompanion, !hasWish { return "text says “\(sign)”" }
        return nil
    }

    /// Words that people also start a subject with count only when the text agrees or asks for nothing.
    private static func leads(_ subject: String, _ words: String, _ message: InboundMessage) -> Bool {
        let sure = [
            "reply", "response", "antwort", "answer", "automa", "auto", "réponse", "respuesta", "risposta", "resposta",
            "svar", "vastaus", "odpowied", "ответ", "自動", "自动", "yanıt", "válasz", "răspuns", "odpověď", "ooo",
        ]
        if sure.contains(where: { words.contains($0) }) { return true }
        // `Out of office: Re: your order` quotes the subject it answers.
        let rest = subject.dropFirst(words.count)
        if rest.hasPrefix(":") || rest.hasPrefix(" re") { return true }
        return !Self.wishes.matches(message.reply.visible.lowercased()) && !Self.wishes.matches(rest)
    }

    /// Lower case, white space as single blanks, typographic apostrophes as the plain one: one spelling suffices in lists.
    private static func folded(_ text: String) -> String {
        var output: [UInt8] = []
        let bytes = Array(text.lowercased().utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte <= 0x20 {
                if output.last != 0x20 { output.append(0x20) }
            } else if byte == 0xE2, index + 2 < bytes.count, bytes[index + 1] == 0x80, bytes[index + 2] | 1 == 0x99 {
                output.append(0x27)
                index += 2
            } else {
                output.append(byte)
            }
            index += 1
        }
        return String(decoding: output, as: UTF8.self)
    }
}
