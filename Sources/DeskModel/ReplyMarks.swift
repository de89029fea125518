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
        guard let length = Self.attributionLength(lines, at: index) else { return nil }
        // Of several starts the last one counts: the lines before it are the answer.
        let hasLater = (1..<max(length, 2)).contains { offset in
            index + offset < lines.count && Self.startsProperly(lines[index + offset].lower)
                && Self.attributionLength(lines, at: index + offset) != nil
        }
        if length > 1, hasLater { return nil }
        return length
    }

    private static func attributionLength(_ lines: [ReplyLine], at index: Int) -> Int? {
        var joined = ""
        for length in 1...5 {
            guard index + length <= lines.count else { return nil }
            let line = lines[index + length - 1]
            if line.isQuoted { return nil }
            if line.isBlank {
                // One empty line is tolerated inside brackets that are still open.
                guard length > 1, joined.utf8.count < 200, index + length < lines.count, lines[index + length].lower.hasPrefix("<") else { return nil }
                continue
            }
            joined += (joined.isEmpty ? "" : " ") + line.lower
            guard joined.utf8.count < 600 else { return nil }
            let isBeforeQuote = index + length < lines.count && lines[index + length].isQuoted
            if Self.isAttribution(joined, isBeforeQuote: isBeforeQuote) { return length }
            if length == 1, !Self.mayStart(joined) { return nil }
        }
        return nil
    }

    /// Where "On … wrote:" starts inside a line, behind the words of the answer; nil when it does not.
    static func attributionInside(_ line: Substring) -> Substring.Index? {
        guard line.utf8.count < 500, line.hasSuffix("wrote:") || line.hasSuffix("wrote: ") else { return nil }
        for mark in [" On ", "--- On ", "-On "] {
            guard let range = Self.firstRange(of: mark, in: line), range.lowerBound > line.startIndex else { continue }
            let start = mark.hasPrefix(" ") ? line.index(after: range.lowerBound) : range.lowerBound
            let before = line[..<start]
            guard before.contains(where: \.isLetter), !before.hasPrefix(">"), !before.contains("<") else { continue }
            if Self.isAttribution(line[start...].lowercased(), isBeforeQuote: true) { return start }
        }
        return nil
    }

    private static func firstRange(of mark: String, in line: Substring) -> Range<Substring.Index>? {
        guard let first = mark.first else { return nil }
        var start = line.startIndex
        while let index = line[start...].firstIndex(of: first) {
            if line[index...].hasPrefix(mark) { return index..<line.index(index, offsetBy: mark.count) }
            start = line.index(after: index)
        }
        return nil
    }

    /// Whether a line can be the first of an attribution, a separator or a copied header; cheap.
    static func mayAnnounce(_ line: ReplyLine) -> Bool {
        guard let first = line.content.utf8.first else { return false }
        if "-_=*#~<>\u{2014}\u{2013}|".unicodeScalars.contains(line.content.unicodeScalars[line.content.startIndex]) { return true }
        if first >= 0x30 && first <= 0x39 { return true }
        let bytes = line.lower.utf8
        if bytes.prefix(40).contains(0x3A) || bytes.last == 0x3A || bytes.contains(0x40) { return true }
        return Self.starts.contains { line.lower.hasPrefix($0) } || line.lower.hasSuffix("wrote") || first >= 0x80
    }

    private static func startsProperly(_ text: String) -> Bool {
        text.first?.isNumber == true || Self.starts.contains { text.hasPrefix($0) }
    }

    private static func mayStart(_ text: String) -> Bool {
        Self.starts.contains { text.hasPrefix($0) } || Self.hasDate(text) || text.contains("@")
    }

    private static func isAttribution(_ text: String, isBeforeQuote: Bool) -> Bool {
        let dashes = text.hasPrefix("---") && text.hasSuffix("---")
        var text = text.drop { $0 == "-" || $0 == " " || $0 == "*" || $0 == "_" }
        while text.last == "-" { text.removeLast() }
        while let last = text.last, last.isWhitespace || last == "*" || last == "_" { text.removeLast() }
        let endsInColon = text.hasSuffix(":") || text.hasSuffix("：")
        if endsInColon { text.removeLast() }
        while let last = text.last, last.isWhitespace || last == "*" || last == "_" { text.removeLast() }
        if text.hasSuffix("(a)") || text.hasSuffix("(а)") { text = text.dropLast(3) }
        let endsInVerb = Self.verbs.contains { text.hasSuffix($0) }
        let hasAddress = text.contains("@")
        let hasDate = Self.hasDate(text)
        if endsInVerb, hasDate || hasAddress || dashes { return text.count > 10 }
        if isBeforeQuote, hasDate, hasAddress, text.hasSuffix(">"), text.utf8.count < 200 { return true }
        guard endsInColon else { return false }
        if text.hasPrefix("on "), text.hasSuffix(" sent"), hasDate, hasAddress { return true }
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
        if line.lower.utf8.count < 120, Self.isOriginalLine(line.lower) {
            var next = index + 1
            while next < lines.count, lines[next].isBlank { next += 1 }
            return next < lines.count ? next - index + (Self.headerBlock(lines, at: next) ?? 0) : 1
        }
        if let length = Self.headerBlock(lines, at: index) { return length }
        // A rule directly above a copied header.
        if Self.isRule(line.content), line.content.count >= 4 {
            var next = index + 1
            while next < lines.count, lines[next].isBlank, next < index + 3 { next += 1 }
            if next < lines.count, let length = Self.headerBlock(lines, at: next) { return next - index + length }
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

    /// The length of a copied header: `From:` and at least one more field near it, one a line, or all on one line.
    private static func headerBlock(_ lines: [ReplyLine], at index: Int) -> Int? {
        guard let first = Self.field(lines[index].lower) else { return nil }
        let isFrom = Self.fromWords.contains(first)
        guard isFrom || Self.otherWords.contains(first) else { return nil }
        if isFrom, lines[index].content.contains("@"), Self.holdsFields(lines[index].lower) { return 1 }
        var others: Set<String> = isFrom ? [] : [first]
        var hasFrom = isFrom
        var last = index
        var next = index + 1
        var misses = 0
        while next < lines.count, next < index + 14, misses < 2 {
            let name = Self.field(lines[next].lower)
            if lines[next].isBlank {
                // Some programs put empty lines between the fields.
                let following = next + 1 < lines.count ? Self.field(lines[next + 1].lower) : nil
                guard let following, Self.fromWords.contains(following) || Self.otherWords.contains(following) else { break }
            } else if let name, Self.fromWords.contains(name), !hasFrom {
                hasFrom = true
                last = next
            } else if let name, Self.otherWords.contains(name) {
                others.insert(name)
                last = next
            } else {
                misses += 1
            }
            next += 1
        }
        let isDated = (first == "date" || first == "sent") && others.contains("to") && Self.hasDate(lines[index].lower)
        guard isDated || (hasFrom && others.count >= (isFrom ? 1 : 2) && (others.count >= 2 || lines[index].content.contains("@"))) else { return nil }
        return last - index + 1
    }

    private static func holdsFields(_ lower: String) -> Bool {
        [" date:", " sent:", " to:", " subject:", " gesendet:", " an:", " betreff:", " envoyé :", " objet :"].count { lower.contains($0) } >= 1
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
        if line.text == "-- " || content == "--" || content == "__" || content == "- --" { return true }
        if Self.isRule(content), content.count >= 3, content.count < 80, remaining() <= 12 {
            return content.first != "*" || remaining() <= 6
        }
        if line.lower.utf8.count < 160, Self.isDeviceLine(line.lower) { return true }
        guard line.lower.utf8.count < 60, remaining() <= 10 else { return false }
        // A sign-off belongs to the message; with a block of contact data below it, it is a signature.
        let count = remaining()
        if Self.isClosing(line.lower), count >= 3 {
            var end = index
            var seen = 0
            while end < lines.count, seen < count { seen += lines[end].isBlank ? 0 : 1; end += 1 }
            return Self.hasContacts(lines[(index + 1)..<end])
        }
        // `-roman`
        if remaining() == 1, content.hasPrefix("-") { return Self.isName(content) }
        return false
    }

    /// `-Roman` or `- Roman Beispiel`
    private static func isName(_ content: String) -> Bool {
        let name = content.dropFirst().drop { $0 == " " || $0 == "-" }
        return !name.isEmpty && name.count <= 30 && name.allSatisfy { $0.isLetter || $0 == " " || $0 == "." }
            && name.split(separator: " ").count <= 3
    }

    /// The line of a dashed name right above a signature that starts at `start`.
    static func nameLine(_ lines: [ReplyLine], above start: Int, _ isVisible: (Int) -> Bool) -> Int? {
        var index = start - 1
        while index > 0, lines[index].isBlank { index -= 1 }
        guard index > 0, isVisible(index), lines[index].content.hasPrefix("-"), Self.isName(lines[index].content) else { return nil }
        return index
    }

    /// The start of a last paragraph that is a block of contact data; nil when there is none.
    static func contactBlock(_ lines: [ReplyLine], _ isVisible: (Int) -> Bool) -> Int? {
        guard let last = lines.indices.last(where: { isVisible($0) && !lines[$0].isBlank }) else { return nil }
        var start = last
        while start > 0, last - start < 10, isVisible(start - 1), !lines[start - 1].isBlank { start -= 1 }
        guard start > 0, lines[start - 1].isBlank, last - start >= 1, last - start < 10 else { return nil }
        guard lines[start...last].allSatisfy({ $0.content.count <= 60 && !$0.content.hasSuffix("?") }) else { return nil }
        return Self.hasContacts(lines[start...last]) ? start : nil
    }

    private static func hasContacts(_ lines: ArraySlice<ReplyLine>) -> Bool {
        var contacts = 0
        for line in lines.prefix(14) where !line.isBlank {
            let lower = line.lower
            let isPhone = lower.count(where: \.isNumber) >= 7 && lower.count(where: \.isLetter) <= 12
            if isPhone || lower.contains("www.") || lower.contains("http") || (lower.contains("@") && lower.contains(".")) || lower == "via mobile" {
                contacts += 1
            }
        }
        return contacts >= 2
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
