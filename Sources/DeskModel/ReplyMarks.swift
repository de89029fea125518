/// How mail programs announce an earlier mail and a signature, in the languages of our customers.
enum ReplyMarks {
    // MARK: - Attribution ("On … wrote:")

    /// Verbs that end or hold an attribution.
    private static let verbs = [
        "wrote", "writes", "schrieb", "geschrieben", "a écrit", "écrit", "escribió", "escribio", "ha scritto",
        "scritto",
        "escreveu", "schreef", "geschreven", "napisał", "napisała", "napisal", "pisze", "skrev", "kirjoitti", "пишет",
        "написал", "написала", "писал", "написав", "пише", "пишет", "napsal", "napsala", "napísal", "napísala", "írta",
        "ezt írta", "yazdı",
        "yazmış", "έγραψε", "写道", "寫道", "写到", "のメッセージ", "のメール", "書きました", "さんは", "작성", "viết", "đã viết", "a scris",
        "rašė", "kirjutas", "napisao", "je napisao", "написа", "כתב", "كتب", "menulis", "reageerde",
    ]
    static let verbSet = PhraseSet(ReplyMarks.verbs + [" sent"])
    private static let innerVerbs = PhraseSet(ReplyMarks.verbs.flatMap { [" \($0) ", " \($0):"] })
    private static let starts = PhraseSet([
        "on ", "am ", "le ", "el ", "il giorno ", "il ", "em ", "op ", "w dniu ", "dnia ", "den ", "på ", "dne ",
        "dňa ", "pe ", "ma ",
        "ti ", "ke ", "to ", "la ", "su ", "on", "в ", "a ", "no dia ", "le", "fra: ", "στις ", "pada ", "vào ", "в",
        "от",
    ])

    /// How many lines from `index` on say "On … wrote:"; nil when they do not.
    static func attribution(_ lines: [ReplyLine], at index: Int) -> Int? {
        let near = lines[index..<min(index + 5, lines.count)]
        guard near.contains(where: \.hasVerb) || near.prefix(2).contains(where: \.hasAt) else { return nil }
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
        var joined: Substring = ""
        var hasVerb = false
        for length in 1...5 {
            guard index + length <= lines.count else { return nil }
            let line = lines[index + length - 1]
            if line.isQuoted { return nil }
            if line.isBlank {
                // One empty line is tolerated inside brackets that are still open.
                guard length > 1, joined.utf8.count < 200, index + length < lines.count,
                    lines[index + length].lower.begins(with: "<")
                else { return nil }
                continue
            }
            if length == 1 {
                joined = line.lower
            } else {
                joined = Substring(joined + " " + line.lower)
            }
            guard joined.utf8.count < 600 else { return nil }
            let isBeforeQuote = index + length < lines.count && lines[index + length].isQuoted
            hasVerb = hasVerb || line.hasVerb
            if Self.isAttribution(joined, isBeforeQuote: isBeforeQuote, hasVerb: hasVerb) { return length }
            if length == 1, !Self.mayStart(joined) { return nil }
        }
        return nil
    }

    /// Where "On … wrote:" starts inside a line, behind the words of the answer; nil when it does not.
    static func attributionInside(_ line: Substring) -> Substring.Index? {
        guard line.utf8.count < 500, line.utf8.last == 0x3A || line.utf8.last == 0x20,
            line.ends(with: "wrote:") || line.ends(with: "wrote: ")
        else { return nil }
        for mark in [" On ", "--- On ", "-On "] {
            guard let range = Self.firstRange(of: mark, in: line), range.lowerBound > line.startIndex else { continue }
            let start = mark.hasPrefix(" ") ? line.index(after: range.lowerBound) : range.lowerBound
            let before = line[..<start]
            guard before.contains(where: \.isLetter), !before.hasPrefix(">"), !before.contains("<") else { continue }
            if Self.isAttribution(line[start...].lowercased()[...], isBeforeQuote: true, hasVerb: true) { return start }
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
        switch first {
        case 0x2D, 0x5F, 0x3D, 0x2A, 0x23, 0x7E, 0x3C, 0x3E, 0x7C, 0x30...0x39, 0x80...: return true
        default: break
        }
        let bytes = line.lower.utf8
        return line.hasAt || line.hasVerb || bytes.last == 0x3A || bytes.prefix(40).contains(0x3A)
            || Self.starts.prefix(of: line.lower) != nil || Self.originals.prefix(of: line.lower) != nil
    }

    private static func startsProperly(_ text: Substring) -> Bool {
        text.first?.isNumber == true || Self.starts.prefix(of: text) != nil
    }

    private static func mayStart(_ text: Substring) -> Bool {
        Self.starts.prefix(of: text) != nil || text.utf8.contains(0x40) || Self.hasDate(text)
    }

    private static func isAttribution(_ text: Substring, isBeforeQuote: Bool, hasVerb: Bool) -> Bool {
        guard hasVerb || text.utf8.contains(0x40), text.utf8.count > 10 else { return false }
        let dashes = text.begins(with: "---") && text.ends(with: "---")
        var text = Substring(text.utf8.drop { $0 == 0x2D || $0 == 0x20 || $0 == 0x2A || $0 == 0x5F })
        while text.utf8.last == 0x2D { text = Substring(text.utf8.dropLast()) }
        text = Self.withoutMarks(text)
        let endsInColon = text.ends(with: ":") || text.ends(with: "：")
        if endsInColon { text.removeLast() }
        text = Self.withoutMarks(text)
        if text.ends(with: "(a)") || text.ends(with: "(а)") { text = text.dropLast(3) }
        let endsInVerb = hasVerb && Self.verbs.contains { text.ends(with: $0) }
        guard endsInVerb || endsInColon || isBeforeQuote else { return false }
        let hasAddress = text.utf8.contains(0x40)
        let hasDate = Self.hasDate(text)
        if endsInVerb, hasDate || hasAddress || dashes { return true }
        if isBeforeQuote, hasDate, hasAddress, text.ends(with: ">"), text.utf8.count < 200 { return true }
        guard endsInColon else { return false }
        if text.begins(with: "on "), text.ends(with: " sent"), hasDate, hasAddress { return true }
        // The name may follow the verb: "Am 3. Mai schrieb Anna Beispiel <anna@…>:".
        let holdsVerb = hasVerb && Self.innerVerbs.matches(" \(text) ")
        if holdsVerb, hasDate || hasAddress, text.utf8.count < 400 { return true }
        // A date and a mailbox with nothing else: "2024-05-03 10:00 GMT+02:00 Anna <anna@…>:".
        return hasDate && hasAddress && text.ends(with: ">") && text.utf8.count < 250
    }

    /// Without blanks, stars and underscores at the end.
    private static func withoutMarks(_ text: Substring) -> Substring {
        var text = text
        while let last = text.utf8.last {
            if last <= 0x20 || last == 0x2A || last == 0x5F {
                text = Substring(text.utf8.dropLast())
            } else if last >= 0x80, text.last?.isWhitespace == true {
                text.removeLast()
            } else {
                break
            }
        }
        return text
    }

    /// A time of day or a day with a year.
    private static func hasDate(_ text: Substring) -> Bool {
        var date = DateShape()
        if text.utf8.allSatisfy({ $0 < 0x80 }) {
            for byte in text.utf8 { date.take(isDigit: byte >= 0x30 && byte <= 0x39, byte == 0x3A || byte == 0x2E) }
        } else {
            for character in text { date.take(isDigit: character.isNumber, character == ":" || character == ".") }
        }
        return date.isDate
    }

    /// Groups of digits as a line shows them.
    private struct DateShape {
        private var digits = 0
        private var before = 0
        private var isAfterMark = false
        private var hasTime = false
        private var hasGroup = false
        private var hasYear = false
        private var hasDay = false

        mutating func take(isDigit: Bool, _ isMark: Bool) {
            if isDigit {
                self.digits += 1
                if self.isAfterMark, self.before > 0, self.before <= 2, self.digits == 2 { self.hasTime = true }
            } else {
                self.endGroup()
                self.before = self.digits
                self.digits = 0
                self.isAfterMark = isMark
            }
        }

        private mutating func endGroup() {
            guard self.digits > 0 else { return }
            self.hasGroup = true
            if self.digits == 4 { self.hasYear = true }
            if self.digits <= 2 { self.hasDay = true }
        }

        var isDate: Bool {
            var ended = self
            ended.endGroup()
            return (ended.hasTime && ended.hasGroup) || (ended.hasYear && ended.hasDay)
        }
    }

    // MARK: - Separators and copied headers

    private static let originals = PhraseSet([
        "original message", "originalnachricht", "ursprüngliche nachricht", "ursprungliche nachricht",
        "message d'origine", "message d’origine", "message original",
        "mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht",
        "oryginalna wiadomość",
        "wiadomość oryginalna", "wiadomość oryginalna", "ursprungligt meddelande", "oprindelig meddelelse",
        "opprinnelig melding", "alkuperäinen viesti",
        "исходное сообщение", "пересылаемое сообщение", "původní zpráva", "eredeti üzenet", "orijinal mesaj", "原始邮件",
        "原始郵件", "원본 메시지", "元のメッセージ",
        "forwarded message", "weitergeleitete nachricht", "message transféré", "mensaje reenviado",
        "messaggio inoltrato",
        "doorgestuurd bericht", "przekazana wiadomość", "mensagem encaminhada", "reply message", "original email",
        "reply above this line",
        "original appointment", "pôvodná správa", "mesajul original", "αρχικό μήνυμα", "forwarded by",
        "begin forwarded message", "anfang der weitergeleiteten nachricht", "reply to message",
    ])
    private static let fromWords: Set<String> = [
        "from", "von", "de", "da", "van", "från", "fra", "od", "от", "від", "lähettäjä", "feladó", "kimden", "gönderen",
        "από", "de la",
        "发件人", "寄件者", "寄件人", "差出人", "보낸사람", "보낸 사람", "מאת", "من", "dari", "từ", "expéditeur", "mittente", "remitente",
        "afzender", "nadawca",
    ]
    private static let otherWords: Set<String> = [
        "sent", "date", "to", "subject", "cc", "reply-to", "gesendet", "datum", "an", "betreff", "kopie", "envoyé", "à",
        "a", "objet", "sujet", "copie à", "date d'envoi",
        "enviado", "enviado el", "enviada em", "para", "asunto", "assunto", "fecha", "data", "inviato", "oggetto",
        "verzonden", "aan", "onderwerp",
        "wysłano", "do", "temat", "data wysłania", "skickat", "till", "ämne", "sendt", "til", "emne", "lähetetty",
        "vastaanottaja", "aihe", "отправлено", "кому",
        "тема", "дата", "надіслано", "odesláno", "odoslané", "komu", "předmět", "predmet", "elküldve", "küldve",
        "címzett", "tárgy", "gönderildi", "kime", "konu", "tarih",
        "στάλθηκε", "προς", "θέμα", "ημερομηνία", "trimis", "către", "subiect", "发送时间", "收件人", "主题", "抄送", "日期", "寄件日期",
        "收件者", "主旨", "送信日時", "宛先", "件名", "日時",
        "보낸날짜", "보낸 날짜", "받는사람", "받는 사람", "제목", "날짜", "message du", "importance", "copie", "copie à", "dato",
        "datum/zeit", "sent at", "received", "priority", "organization", "kopia",
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
        if line.content.utf8.count >= 4, Self.isRule(line.content) {
            var next = index + 1
            while next < lines.count, lines[next].isBlank, next < index + 3 { next += 1 }
            if next < lines.count, let length = Self.headerBlock(lines, at: next) { return next - index + length }
            if next < lines.count, Self.attribution(lines, at: next) != nil { return 1 }
            if next < lines.count, Self.isOriginalLine(lines[next].lower) { return 1 }
        }
        return nil
    }

    private static func isOriginalLine(_ lower: Substring) -> Bool {
        let bare =
            lower.unicodeScalars.first.map(Self.isMark) == true
            ? lower.drop { $0.unicodeScalars.first.map(Self.isMark) == true } : lower
        guard let word = Self.originals.prefix(of: bare) else { return false }
        let hasDashes =
            lower.hasPrefix("--") || lower.hasPrefix("__") || lower.hasPrefix("==") || lower.hasPrefix("—")
            || lower.hasPrefix("**")
            || lower.hasPrefix("<") || lower.hasPrefix("##")
        let rest = bare.dropFirst(word.count).filter { $0 != ":" && $0.unicodeScalars.first.map(Self.isMark) != true }
        if hasDashes { return rest.count < 60 }
        return rest.isEmpty
            && (lower.hasSuffix(":") || lower.hasSuffix("-") || word.hasPrefix("begin")
                || word.hasPrefix("reply above"))
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "-", "_", "=", "*", "#", "+", ">", "<", " ", "\u{2014}", "\u{2013}": true
        default: false
        }
    }

    static func isRule(_ text: Substring) -> Bool {
        switch text.utf8.first {
        case 0x2D, 0x5F, 0x3D, 0x2A, 0x23, 0x7E: return text.utf8.allSatisfy { $0 == text.utf8.first || $0 == 0x20 }
        case 0xE2: break
        default: return false
        }
        guard let first = text.first, "\u{2014}\u{2013}".contains(first) else { return false }
        return text.allSatisfy { $0 == first || $0 == " " }
    }

    /// The length of a copied header: `From:` and at least one more field near it, one a line, or all on one line.
    private static func headerBlock(_ lines: [ReplyLine], at index: Int) -> Int? {
        guard let first = Self.field(lines[index].lower) else { return nil }
        let isFrom = Self.fromWords.contains(first)
        guard isFrom || Self.otherWords.contains(first) else { return nil }
        if isFrom, lines[index].hasAt, Self.holdsFields(lines[index].lower) { return 1 }
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
                guard let following, Self.fromWords.contains(following) || Self.otherWords.contains(following) else {
                    break
                }
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
        guard
            isDated
                || (hasFrom && others.count >= (isFrom ? 1 : 2)
                    && (others.count >= 2 || lines[index].hasAt))
        else { return nil }
        return last - index + 1
    }

    private static func holdsFields(_ lower: Substring) -> Bool {
        [" date:", " sent:", " to:", " subject:", " gesendet:", " an:", " betreff:", " envoyé :", " objet :"].count {
            lower.holds($0)
        } >= 1
    }

    /// The name before the colon, without the marks around it; nil when the line is no field.
    private static func field(_ lower: Substring) -> String? {
        guard lower.utf8.prefix(96).contains(where: { $0 == 0x3A || $0 == 0x9A }) else { return nil }
        var name: [UInt8] = []
        var previous: UInt8 = 0
        var hasColon = false
        for byte in lower.utf8.prefix(96) {
            // `：` is EF BC 9A, a no-break space C2 A0.
            if byte == 0x3A || (byte == 0x9A && previous == 0xBC && name.suffix(2) == [0xEF, 0xBC]) {
                if byte != 0x3A { name.removeLast(2) }
                hasColon = true
                break
            }
            if byte == 0xA0, previous == 0xC2 {
                name.removeLast()
            } else if byte != 0x2A, byte != 0x5F, byte != 0x7C, byte != 0x20 || !name.isEmpty {
                name.append(byte)
            }
            previous = byte
        }
        while name.last == 0x20 { name.removeLast() }
        return hasColon && !name.isEmpty && name.count <= 40 ? String(decoding: name, as: UTF8.self) : nil
    }
}
