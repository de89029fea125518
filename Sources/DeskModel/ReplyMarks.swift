/// How mail programs announce an earlier mail and a signature, in the languages of our customers.
enum ReplyMarks {
    // MARK: - Attribution ("On … wrote:")

    /// Verbs that end or hold an attribution.
    private static let verbs = [
        "wrote", "writes", "schrieb", "geschrieben", "a écrit", "écrit", "escribió", "escribio", "ha scritto", "scritto",
        "escreveu", "schreef", "geschreven", "napisał", "napisała", "napisal", "pisze", "skrev", "kirjoitti", "пишет",
        "написал", "написала", "писал", "написав", "пише", "пишет", "napsal", "napsala", "napísal", "napísala", "írta", "ezt írta", "yazdı",
        "yazmış", "έγραψε", "写道", "寫道", "写到", "のメッセージ", "のメール", "書きました", "さんは", "작성", "viết", "đã viết", "a scris",
        "rašė", "kirjutas", "napisao", "je napisao", "написа", "כתב", "كتب", "menulis", "reageerde",
    ]
    private static let starts = [
        "on ", "am ", "le ", "el ", "il giorno ", "il ", "em ", "op ", "w dniu ", "dnia ", "den ", "på ", "dne ", "dňa ", "pe ", "ma ",
        "ti ", "ke ", "to ", "la ", "su ", "on", "в ", "a ", "no dia ", "le", "fra: ", "στις ", "pada ", "vào ", "в", "от",
    ]

    /// How many lines from `index` on say "On … wrote:"; nil when they do not.
    static func attribution(_ lines: [ReplyLine], at index: Int) -> Int? {
        var joined = ""
        for length in 1...4 {
            guard index + length <= lines.count else { return nil }
            let line = lines[index + length - 1]
            if line.isBlank || line.isQuoted { return nil }
            joined += (joined.isEmpty ? "" : " ") + line.lower
            guard joined.utf8.count < 600 else { return nil }
            if Self.isAttribution(joined, isOneLine: length == 1) { return length }
            if length == 1, !Self.mayStart(joined) { return nil }
        }
        return nil
    }

    private static func mayStart(_ text: String) -> Bool {
        Self.starts.contains { text.hasPrefix($0) } || Self.hasDate(text) || text.contains("@")
    }

    private static func isAttribution(_ text: String, isOneLine: Bool) -> Bool {
        var text = text[...]
        while let last = text.last, last.isWhitespace || last == "*" || last == "_" { text.removeLast() }
        let endsInColon = text.hasSuffix(":") || text.hasSuffix("：")
        if endsInColon { text.removeLast() }
        while let last = text.last, last.isWhitespace || last == "*" || last == "_" { text.removeLast() }
        if text.hasSuffix("(a)") || text.hasSuffix("(а)") { text = text.dropLast(3) }
        let endsInVerb = Self.verbs.contains { text.hasSuffix($0) }
        let hasAddress = text.contains("@")
        let hasDate = Self.hasDate(text)
        if endsInVerb, hasDate || hasAddress { return text.count > 10 }
        guard endsInColon else { return false }
        // The name may follow the verb: "Am 3. Mai schrieb Anna Beispiel <anna@…>:".
        let holdsVerb = Self.verbs.contains { text.contains(" \($0) ") || text.contains(" \($0):") || text.hasPrefix("\($0) ") }
        if holdsVerb, hasDate || hasAddress, text.count < 300 { return true }
        // A date and a mailbox with nothing else: "2024-05-03 10:00 GMT+02:00 Anna <anna@…>:".
        return hasDate && hasAddress && text.hasSuffix(">") && text.count < 200
    }

    /// A time of day or a day with a year.
    private static func hasDate(_ text: some StringProtocol) -> Bool {
        var digits = 0
        var groups: [Int] = []
        var hasTime = false
        var previous: Character = " "
        var before = 0
        for character in text {
            if character.isNumber {
                digits += 1
                if previous == ":" || previous == ".", before > 0, before <= 2, digits == 2 { hasTime = true }
            } else {
                if digits > 0 {
                    groups.append(digits)
                    before = digits
                } else {
                    before = 0
                }
                digits = 0
                previous = character
            }
        }
        if digits > 0 { groups.append(digits) }
        return (hasTime && !groups.isEmpty) || (groups.contains(4) && groups.contains { $0 <= 2 })
    }

    // MARK: - Separators and copied headers

    private static let originals = [
        "original message", "originalnachricht", "ursprüngliche nachricht", "ursprungliche nachricht", "message d'origine", "message d’origine", "message original",
        "mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht", "oryginalna wiadomość",
        "wiadomość oryginalna", "wiadomość oryginalna", "ursprungligt meddelande", "oprindelig meddelelse", "opprinnelig melding", "alkuperäinen viesti",
        "исходное сообщение", "пересылаемое сообщение", "původní zpráva", "eredeti üzenet", "orijinal mesaj", "原始邮件", "原始郵件", "원본 메시지", "元のメッセージ",
        "forwarded message", "weitergeleitete nachricht", "message transféré", "mensaje reenviado", "messaggio inoltrato",
        "doorgestuurd bericht", "przekazana wiadomość", "mensagem encaminhada", "reply message", "original email", "reply above this line",
        "original appointment", "pôvodná správa", "mesajul original", "αρχικό μήνυμα", "forwarded by", "begin forwarded message", "anfang der weitergeleiteten nachricht", "reply to message",
    ]
    private static let fromWords: Set<String> = [
        "from", "von", "de", "da", "van", "från", "fra", "od", "от", "від", "lähettäjä", "feladó", "kimden", "gönderen", "από", "de la",
        "发件人", "寄件者", "寄件人", "差出人", "보낸사람", "보낸 사람", "מאת", "من", "dari", "từ", "expéditeur", "mittente", "remitente", "afzender", "nadawca",
    ]
    private static let otherWords: Set<String> = [
        "sent", "date", "to", "subject", "cc", "reply-to", "gesendet", "datum", "an", "betreff", "kopie", "envoyé", "à", "a", "objet", "sujet", "copie à", "date d'envoi",
        "enviado", "enviado el", "enviada em", "para", "asunto", "assunto", "fecha", "data", "inviato", "oggetto", "verzonden", "aan", "onderwerp",
        "wysłano", "do", "temat", "data wysłania", "skickat", "till", "ämne", "sendt", "til", "emne", "lähetetty", "vastaanottaja", "aihe", "отправлено", "кому",
        "тема", "дата", "надіслано", "odesláno", "odoslané", "komu", "předmět", "predmet", "elküldve", "küldve", "címzett", "tárgy", "gönderildi", "kime", "konu", "tarih",
        "στάλθηκε", "προς", "θέμα", "ημερομηνία", "trimis", "către", "subiect", "发送时间", "收件人", "主题", "抄送", "日期", "寄件日期", "收件者", "主旨", "送信日時", "宛先", "件名", "日時",
        "보낸날짜", "보낸 날짜", "받는사람", "받는 사람", "제목", "날짜", "message du", "importance", "copie", "copie à", "dato", "datum/zeit", "sent at", "received", "priority", "organization", "kopia",
    ]

    /// How many lines from `index` on announce that an earlier mail follows whole; nil when they do not.
    static func separator(_ lines: [ReplyLine], at index: Int) -> Int? {
        let line = lines[index]
        if line.lower.utf8.count < 120, Self.isOriginalLine(line.lower) { return 1 }
        if Self.isHeaderBlock(lines, at: index) { return 1 }
        // A rule directly above a copied header.
        if Self.isRule(line.content), line.content.count >= 4 {
            var next = index + 1
            while next < lines.count, lines[next].isBlank, next < index + 3 { next += 1 }
            if next < lines.count, Self.isHeaderBlock(lines, at: next) { return 1 }
            if next < lines.count, Self.attribution(lines, at: next) != nil { return 1 }
            if next < lines.count, line.content.count >= 4, Self.isOriginalLine(lines[next].lower) { return 1 }
        }
        return nil
    }

    private static func isOriginalLine(_ lower: String) -> Bool {
        let bare = lower.trimmingPrefix { "-_=*#+>< \u{2014}\u{2013}".contains($0) }
        let hasDashes = lower.hasPrefix("--") || lower.hasPrefix("__") || lower.hasPrefix("==") || lower.hasPrefix("—") || lower.hasPrefix("**")
            || lower.hasPrefix("<") || lower.hasPrefix("##")
        guard let word = Self.originals.first(where: { bare.hasPrefix($0) }) else { return false }
        let rest = bare.dropFirst(word.count).filter { !"-_=*#+: <>\u{2014}\u{2013}".contains($0) }
        if hasDashes { return rest.count < 60 }
        return rest.isEmpty && (lower.hasSuffix(":") || lower.hasSuffix("-") || word.hasPrefix("begin") || word.hasPrefix("reply above"))
    }

    private static func isRule(_ text: String) -> Bool {
        guard let first = text.first, "-_=*#~\u{2014}\u{2013}".contains(first) else { return false }
        return text.allSatisfy { $0 == first || $0 == " " }
    }

    /// `From:` and at least one more field near it, one a line (or all on one, as some programs paste them).
    private static func isHeaderBlock(_ lines: [ReplyLine], at index: Int) -> Bool {
        guard let first = Self.field(lines[index].lower) else { return false }
        let isFrom = Self.fromWords.contains(first)
        guard isFrom || Self.otherWords.contains(first) else { return false }
        var others: Set<String> = []
        var hasFrom = isFrom
        var seen = 1
        if !isFrom { others.insert(first) }
        var next = index + 1
        var misses = 0
        while next < lines.count, seen < 9, misses < 2 {
            if lines[next].isBlank {
                // Some programs put empty lines between the fields.
                if next + 1 < lines.count, Self.field(lines[next + 1].lower) != nil {} else { break }
            } else if let name = Self.field(lines[next].lower) {
                if Self.fromWords.contains(name), !hasFrom { hasFrom = true } else if Self.otherWords.contains(name) { others.insert(name) } else { misses += 1 }
            } else {
                misses += 1
            }
            seen += 1
            next += 1
        }
        return hasFrom && others.count >= (isFrom ? 1 : 2) && (others.count >= 2 || lines[index].content.contains("@"))
    }

    /// The name before the colon, without the marks around it; nil when the line is no field.
    private static func field(_ lower: String) -> String? {
        guard let colon = lower.prefix(32).firstIndex(where: { $0 == ":" || $0 == "：" }) else { return nil }
        let name = lower[..<colon].filter { $0 != "*" && $0 != "_" && $0 != "\u{A0}" && $0 != "|" }
        var trimmed = name[...]
        while trimmed.first == " " { trimmed.removeFirst() }
        while trimmed.last == " " { trimmed.removeLast() }
        return trimmed.isEmpty ? nil : String(trimmed)
    }

    // MARK: - Signature

    private static let devices = [
        "sent from my ", "sent from mail for windows", "sent from outlook", "sent from yahoo", "sent from typeapp", "sent from samsung", "sent from protonmail", "sent from proton mail",
        "sent from the ", "sent from a ", "sent via ", "sent with ", "sent using ", "sent by ", "sent on the go", "sent wirelessly", "get outlook for", "von meinem ", "von meiner ", "gesendet von ", "gesendet mit ",
        "envoyé de mon", "envoyé depuis", "envoyé à partir de", "envoyé avec", "envoyé de ", "envoyé sans fil", "envoyé via", "enviado desde ", "enviado do ", "enviado a partir", "enviado de ", "enviado com ", "inviato da", "inviato dal",
        "verzonden vanaf", "verstuurd vanaf", "verstuurd met", "verzonden met", "verzonden via", "wysłane z ", "wysłano z ", "skickat från", "sendt fra", "lähetetty ", "отправлено с ", "отправлено из ", "відправлено з", "odesláno z", "odoslané z", "poslano z", "trimis de pe",
        "iphoneから送信", "从我的", "發自我的", "发自我的", "나의 iphone에서 보냄", "iphone에서 보냄", "στάλθηκε από", "telefonumdan gönderildi", "iphone'umdan gönderildi", "elküldve az", "enviat des de", "posláno z", "bidalia", "sendt frá", "nosūtīts no", "saadetud minu",
    ]
    private static let deviceWords = [
        "iphone", "ipad", "android", "samsung", "galaxy", "blackberry", "outlook", "yahoo", "huawei", "mobil", "phone", "gmx", "web.de", "windows", "mail", "tablet", "handy", "nokia",
        "typeapp", "xiaomi", "htc", "smartphone", "telefon", "teléfono", "téléphone", "telefone", "cellulare", "device", "proton", "gmail", "app", "boxer", "spark", "aquamail", "sony", "móvil", "wireless", "motorola", "pixel", "oneplus", "telekom",
    ]
    private static let closings = [
        "best regards", "kind regards", "regards", "warm regards", "with kind regards", "many thanks", "best wishes", "best", "sincerely", "yours sincerely", "yours truly", "yours faithfully", "cheers", "thanks", "thank you", "thanks again", "thx", "ciao",
        "mit freundlichen grüßen", "mit freundlichen grüssen", "mit freundlichem gruß", "freundliche grüße", "freundliche grüsse", "viele grüße", "viele grüsse", "liebe grüße", "beste grüße", "herzliche grüße", "schöne grüße", "mfg", "lg", "vg", "gruß", "grüße", "hochachtungsvoll",
        "cordialement", "bien cordialement", "bien à vous", "meilleures salutations", "salutations", "sincères salutations",
        "saludos", "un saludo", "saludos cordiales", "atentamente", "cordialmente", "atenciosamente", "cumprimentos", "com os melhores cumprimentos", "abraços", "obrigado", "obrigada",
        "cordiali saluti", "distinti saluti", "saluti", "un saluto", "grazie", "met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet", "vriendelijke groeten", "groeten", "groet", "mvg",
        "z poważaniem", "z powazaniem", "pozdrawiam", "pozdrowienia", "med venlig hilsen", "venlig hilsen", "mvh", "hilsen", "med vänlig hälsning", "med vänliga hälsningar", "vänliga hälsningar", "hälsningar", "med vennlig hilsen", "vennlig hilsen",
        "ystävällisin terveisin", "terveisin", "с уважением", "с наилучшими пожеланиями", "з повагою", "s pozdravem", "s pozdravom", "üdvözlettel", "saygılarımla", "με εκτίμηση", "cu respect", "cu stimă", "best,", "rgds", "brgds", "br",
    ]

    /// Whether a signature starts at `index`.
    static func isSignatureStart(_ lines: [ReplyLine], at index: Int, remaining: () -> Int) -> Bool {
        let line = lines[index]
        let content = line.content
        if line.text == "-- " || content == "--" || content == "—" && remaining() <= 8 || content == "__" || content == "–" && remaining() <= 8 || content == "- --" {
            return true
        }
        if Self.isRule(content), content.count >= 3, content.count < 80, remaining() <= 12 { return content.first != "*" || remaining() <= 6 }
        if line.lower.utf8.count < 160, Self.isDeviceLine(line.lower) { return true }
        guard line.lower.utf8.count < 60, remaining() <= 10 else { return false }
        if Self.isClosing(line.lower), index > 0, lines[index - 1].isBlank || remaining() <= 4 {
            return remaining() <= 8 && remaining() >= 2 || Self.closings.contains(Self.bare(line.lower)) && remaining() <= 3 && Self.bare(line.lower).contains(" ")
        }
        // `-roman`, `/John`
        if remaining() == 1, content.hasPrefix("-") || content.hasPrefix("/") || content.hasPrefix("—") {
            let name = content.dropFirst().drop { $0 == " " || $0 == "-" }
            return !name.isEmpty && name.count <= 30 && name.allSatisfy { $0.isLetter || $0 == " " || $0 == "." } && name.split(separator: " ").count <= 3
        }
        return false
    }

    private static func isDeviceLine(_ lower: String) -> Bool {
        let bare = lower.trimmingPrefix { "-_*[(<> ".contains($0) }
        guard let start = Self.devices.first(where: { bare.hasPrefix($0) }) else {
            return bare.utf8.count < 60 && (bare.hasSuffix("から送信") || bare.hasSuffix("gönderildi"))
        }
        return start.contains("outlook") || start.hasPrefix("sent wirelessly") || Self.deviceWords.contains { bare.dropFirst(start.count - min(start.count, 12)).contains($0) } && !bare.contains(", is ")
    }

    private static func isClosing(_ lower: String) -> Bool {
        let bare = Self.bare(lower)
        return Self.closings.contains(bare)
    }

    private static func bare(_ lower: String) -> String {
        var text = lower[...]
        while let last = text.last, ",.!;: *".contains(last) { text.removeLast() }
        return String(text)
    }
}

extension String {
    func trimmingPrefix(where isTrimmed: (Character) -> Bool) -> Substring { self.drop(while: isTrimmed) }
}
