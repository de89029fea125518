/// Where a signature starts.
extension ReplyMarks {
    private static let devices = PhraseSet([
        "sent from my ", "sent from mail for windows", "sent from outlook", "sent from yahoo", "sent from typeapp",
        "sent from samsung", "sent from protonmail", "sent from proton mail",
        "sent from the ", "sent from a ", "sent via ", "sent with ", "sent using ", "sent by ", "sent on the go",
        "sent wirelessly", "get outlook for", "von meinem ", "von meiner ", "gesendet von ", "gesendet mit ",
        "envoyé de mon", "envoyé depuis", "envoyé à partir de", "envoyé avec", "envoyé de ", "envoyé sans fil",
        "envoyé via", "enviado desde ", "enviado do ", "enviado a partir", "enviado de ", "enviado com ", "inviato da",
        "inviato dal",
        "verzonden vanaf", "verstuurd vanaf", "verstuurd met", "verzonden met", "verzonden via", "wysłane z ",
        "wysłano z ", "skickat från", "sendt fra", "lähetetty ", "отправлено с ", "отправлено из ", "відправлено з",
        "odesláno z", "odoslané z", "poslano z", "trimis de pe",
        "iphoneから送信", "从我的", "發自我的", "发自我的", "나의 iphone에서 보냄", "iphone에서 보냄", "στάλθηκε από", "telefonumdan gönderildi",
        "iphone'umdan gönderildi", "elküldve az", "enviat des de", "posláno z", "bidalia", "sendt frá", "nosūtīts no",
        "saadetud minu",
    ])
    private static let deviceWords = [
        "iphone", "ipad", "android", "samsung", "galaxy", "blackberry", "outlook", "yahoo", "huawei", "mobil", "phone",
        "gmx", "web.de", "windows", "mail", "tablet", "handy", "nokia",
        "typeapp", "xiaomi", "htc", "smartphone", "telefon", "teléfono", "téléphone", "telefone", "cellulare", "device",
        "proton", "gmail", "app", "boxer", "spark", "aquamail", "sony", "móvil", "wireless", "motorola", "pixel",
        "oneplus", "telekom",
    ]
    private static let closings: Set<String> = [
        "best regards", "kind regards", "regards", "warm regards", "with kind regards", "many thanks", "best wishes",
        "best", "sincerely", "yours sincerely", "yours truly", "yours faithfully", "cheers", "thanks", "thank you",
        "thanks again", "thx", "ciao",
        "mit freundlichen grüßen", "mit freundlichen grüssen", "mit freundlichem gruß", "freundliche grüße",
        "freundliche grüsse", "viele grüße", "viele grüsse", "liebe grüße", "beste grüße", "herzliche grüße",
        "schöne grüße", "mfg", "lg", "vg", "gruß", "grüße", "hochachtungsvoll",
        "cordialement", "bien cordialement", "bien à vous", "meilleures salutations", "salutations",
        "sincères salutations",
        "saludos", "un saludo", "saludos cordiales", "atentamente", "cordialmente", "atenciosamente", "cumprimentos",
        "com os melhores cumprimentos", "abraços", "obrigado", "obrigada",
        "cordiali saluti", "distinti saluti", "saluti", "un saluto", "grazie", "met vriendelijke groet",
        "met vriendelijke groeten", "vriendelijke groet", "vriendelijke groeten", "groeten", "groet", "mvg",
        "z poważaniem", "z powazaniem", "pozdrawiam", "pozdrowienia", "med venlig hilsen", "venlig hilsen", "mvh",
        "hilsen", "med vänlig hälsning", "med vänliga hälsningar", "vänliga hälsningar", "hälsningar",
        "med vennlig hilsen", "vennlig hilsen",
        "ystävällisin terveisin", "terveisin", "с уважением", "с наилучшими пожеланиями", "з повагою", "s pozdravem",
        "s pozdravom", "üdvözlettel", "saygılarımla", "με εκτίμηση", "cu respect", "cu stimă", "rgds", "brgds",
        "br",
    ]

    /// Whether a signature starts at `index`.
    static func isSignatureStart(_ lines: [ReplyLine], at index: Int, remaining: Int) -> Bool {
        let line = lines[index]
        let content = line.content
        if line.text == "-- " || content == "--" || content == "__" || content == "- --" { return true }
        if remaining <= 12, content.utf8.count >= 3, content.utf8.count < 80, Self.isRule(content) {
            return content.first != "*" || remaining <= 6
        }
        if line.lower.utf8.count < 160, Self.isDeviceLine(line.lower) { return true }
        guard line.lower.utf8.count < 60, remaining <= 10 else { return false }
        // A sign-off belongs to the message; with a block of contact data below it, it is a signature.
        if Self.isClosing(line.lower), remaining >= 3 {
            var end = index
            var seen = 0
            while end < lines.count, seen < remaining { seen += lines[end].isBlank ? 0 : 1; end += 1 }
            return Self.hasContacts(lines[(index + 1)..<end])
        }
        // `-roman`
        if remaining == 1, content.utf8.first == 0x2D { return Self.isName(content) }
        return false
    }

    /// `-Roman` or `- Roman Beispiel`
    private static func isName(_ content: Substring) -> Bool {
        let name = content.dropFirst().drop { $0 == " " || $0 == "-" }
        return !name.isEmpty && name.count <= 30 && name.allSatisfy { $0.isLetter || $0 == " " || $0 == "." }
            && name.split(separator: " ").count <= 3
    }

    /// The line of a dashed name right above a signature that starts at `start`.
    static func nameLine(_ lines: [ReplyLine], above start: Int, _ isVisible: (Int) -> Bool) -> Int? {
        var index = start - 1
        while index > 0, lines[index].isBlank { index -= 1 }
        guard index > 0, isVisible(index), lines[index].content.begins(with: "-"), Self.isName(lines[index].content)
        else {
            return nil
        }
        return index
    }

    /// The start of a last paragraph that is a block of contact data; nil when there is none.
    static func contactBlock(_ lines: [ReplyLine], _ isVisible: (Int) -> Bool) -> Int? {
        guard let last = lines.indices.last(where: { isVisible($0) && !lines[$0].isBlank }) else { return nil }
        var start = last
        while start > 0, last - start < 10, isVisible(start - 1), !lines[start - 1].isBlank { start -= 1 }
        guard start > 0, lines[start - 1].isBlank, last - start >= 1, last - start < 10 else { return nil }
        guard lines[start...last].allSatisfy({ $0.content.utf8.count <= 90 && !$0.content.ends(with: "?") }) else {
            return nil
        }
        return Self.hasContacts(lines[start...last]) ? start : nil
    }

    private static func hasContacts(_ lines: ArraySlice<ReplyLine>) -> Bool {
        var contacts = 0
        for line in lines.prefix(14) where !line.isBlank {
            let lower = line.lower
            let isPhone = Self.isPhone(lower)
            if isPhone || lower.holds("www.") || lower.holds("http")
                || (line.hasAt && lower.utf8.contains(0x2E)) || lower == "via mobile"
            {
                contacts += 1
            }
        }
        return contacts >= 2
    }

    private static func isPhone(_ lower: Substring) -> Bool {
        guard lower.utf8.allSatisfy({ $0 < 0x80 }) else {
            return lower.count(where: \.isNumber) >= 7 && lower.count(where: \.isLetter) <= 12
        }
        return lower.utf8.count { $0 >= 0x30 && $0 <= 0x39 } >= 7
            && lower.utf8.count { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A } <= 12
    }

    private static func isDeviceLine(_ lower: Substring) -> Bool {
        let bare = Substring(lower.utf8.drop(while: Self.isLead))
        guard let start = Self.devices.prefix(of: bare) else {
            guard bare.utf8.count < 60, let last = bare.utf8.last, last >= 0x80 || last == 0x69 else { return false }
            return bare.ends(with: "から送信") || bare.ends(with: "gönderildi")
        }
        return start.holds("outlook") || start.hasPrefix("sent wirelessly")
            || Self.deviceWords.contains { bare.dropFirst(start.count - min(start.count, 12)).contains($0) }
                && !bare.holds(", is ")
    }

    /// Marks in front of the line that a device adds.
    private static func isLead(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x2D, 0x5F, 0x2A, 0x5B, 0x28, 0x3C, 0x3E, 0x20: true
        default: false
        }
    }

    private static func isClosing(_ lower: Substring) -> Bool {
        self.closings.contains(Self.bare(lower))
    }

    private static func bare(_ lower: Substring) -> String {
        var text = lower.utf8
        while let last = text.last, [0x2C, 0x2E, 0x21, 0x3B, 0x3A, 0x20, 0x2A].contains(last) { text.removeLast() }
        return String(Substring(text))
    }
}
