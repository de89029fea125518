internal import DeskModel

/// Automatic mail that carries no field, known by what it says.
///
/// The subject decides alone when it starts like one. The text decides when it says what only a program says, or when two
/// things come together (away, and who helps meanwhile; received, and when an answer comes) and nothing is asked for.
enum AutomaticWords {
    struct Verdict {
        let reason: String
        /// The subject has the form that programs give it (`Automatic reply: …`).
        var isCertain = false
    }

    static func verdict(_ message: InboundMessage) -> Verdict? {
        let subject = BaseSubject.of(message.subject).lowercased()
        let full = message.subject.lowercased()
        if let words = AutomaticPhrases.subjects.prefix(of: subject) ?? AutomaticPhrases.subjects.prefix(of: full),
            Self.leads(subject, words, message)
        {
            let isCertain = words.hasSuffix(":") || subject.hasPrefix("\(words):") || full.hasPrefix("\(words):")
            return Verdict(reason: "subject starts with “\(words)”", isCertain: isCertain)
        }
        guard message.reply.visible.utf8.count < 4_000 else { return nil }
        let text = Self.folded(message.reply.visible)
        guard text.utf8.count > 2, text.utf8.count < 2_000 else { return nil }
        if let words = AutomaticPhrases.gateways.prefix(of: subject), !text.holds("?"),
            AutomaticPhrases.records.matches(text) || subject.utf8.count(where: { $0 >= 0x30 && $0 <= 0x39 }) >= 6
        {
            return Verdict(reason: "subject starts with “\(words)”")
        }
        return Self.sign(in: text, message).map { Verdict(reason: "text says “\($0)”") }
    }

    /// What in the text decided.
    private static func sign(in text: String, _ message: InboundMessage) -> String? {
        let machine = AutomaticPhrases.machines.first(in: text)
        if let machine, AutomaticPhrases.absent.matches(text) || AutomaticPhrases.receipts.matches(text) {
            return machine
        }
        if let full = AutomaticPhrases.fullBoxes.first(in: text) { return full }
        guard !AutomaticPhrases.wishes.matches(text) else { return nil }
        if let notice = AutomaticPhrases.notices.first(in: text) { return notice }
        if let refusal = AutomaticPhrases.refusals.first(in: text) { return refusal }
        let absent = AutomaticPhrases.absent.first(in: text)
        let receipt = AutomaticPhrases.receipts.first(in: text)
        if let sign = receipt ?? AutomaticPhrases.thanks.first(in: text), AutomaticPhrases.assurances.matches(text) {
            return sign
        }
        if let sign = machine ?? absent, AutomaticPhrases.companions.matches(text) { return sign }
        if let departure = AutomaticPhrases.departures.first(in: text), AutomaticPhrases.redirections.matches(text) {
            return departure
        }
        if AutomaticPhrases.houses.matches(text), let closure = AutomaticPhrases.closures.first(in: text) {
            return closure
        }
        guard Self.namesAnother(text, than: message) else { return nil }
        if let absent { return absent }
        if let ending = AutomaticPhrases.endings.first(in: text), AutomaticPhrases.belongings.matches(text) {
            return ending
        }
        return nil
    }

    /// Whether the text names an address that is neither the sender's nor the receiver's: who helps instead, or where the
    /// sender is to be found now. A customer who tells a new address writes from it.
    private static func namesAnother(_ text: String, than message: InboundMessage) -> Bool {
        guard text.utf8.contains(0x40) else { return false }
        let known = Set((message.writtenFrom + message.writtenTo + message.writtenCc).map { $0.address.lowercased() })
        return FailedAddresses.addresses(in: text).contains { !known.contains($0.lowercased()) }
    }

    /// Words that people also start a subject with count only when the text agrees or asks for nothing.
    private static func leads(_ subject: String, _ words: String, _ message: InboundMessage) -> Bool {
        let sure = [
            "reply", "response", "antwort", "answer", "automa", "autosvar", "autoodp", "автоответ", "réponse",
            "respuesta", "risposta", "resposta",
            "svar", "vastaus", "odpowied", "ответ", "自動", "自动", "yanıt", "válasz", "răspuns", "odpověď", "ooo",
        ]
        if sure.contains(where: { words.contains($0) }) {
            return !AutomaticPhrases.receiving.matches(Self.folded(message.reply.visible))
        }
        // `Out of office: Re: your order` quotes the subject it answers.
        let rest = subject.dropFirst(words.count)
        if rest.hasPrefix(":") || rest.hasPrefix(" re") { return true }
        return !AutomaticPhrases.wishes.matches(message.reply.visible.lowercased())
            && !AutomaticPhrases.wishes.matches(rest)
    }

    /// Lower case, white space as single blanks and one at each end, typographic apostrophes as the plain one, "I am" in full: one spelling
    /// suffices in lists.
    private static func folded(_ text: String) -> String {
        var output: [UInt8] = [0x20]
        let bytes = Array((text.isASCII ? text.lowercasedASCII() : text.lowercased()).utf8)
        output.reserveCapacity(bytes.count + 2)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte <= 0x20 {
                if output.last != 0x20 { output.append(0x20) }
            } else if byte == 0xE2, index + 2 < bytes.count, bytes[index + 1] == 0x80, bytes[index + 2] | 1 == 0x99 {
                output.append(0x27)
                index += 2
            } else if byte == 0x6D, output.last == 0x27, output.dropLast().last == 0x69, output.dropLast(2).last == 0x20
            {
                output.removeLast()
                output += " am".utf8
            } else {
                output.append(byte)
            }
            index += 1
        }
        if output.last != 0x20 { output.append(0x20) }
        return String(decoding: output, as: UTF8.self)
    }
}
