internal import DeskModel

/// Automatic answers that carry no field, known by what they say.
///
/// The subject decides alone when it starts like one. The text decides only when it says that its writer is away or that
/// a program wrote it, says a second such thing, and asks for nothing.
enum AutomaticWords {
    static func verdict(_ message: InboundMessage) -> String? {
        let subject = BaseSubject.of(message.subject).lowercased()
        let full = message.subject.lowercased()
        if let words = AutomaticPhrases.subjects.prefix(of: subject) ?? AutomaticPhrases.subjects.prefix(of: full),
            Self.leads(subject, words, message)
        {
            return "subject starts with “\(words)”"
        }
        guard message.reply.visible.utf8.count < 4_000 else { return nil }
        let text = Self.folded(message.reply.visible)
        guard !text.isEmpty, text.utf8.count < 2_000 else { return nil }
        let absent = AutomaticPhrases.absent.first(in: text)
        let machine = AutomaticPhrases.machines.first(in: text)
        if let machine, absent != nil { return "text says “\(machine)”" }
        let receipt = AutomaticPhrases.receipts.first(in: text)
        if let receipt, machine != nil { return "text says “\(receipt)”" }
        let departure = AutomaticPhrases.departures.first(in: text)
        guard absent ?? machine ?? departure ?? receipt != nil, !AutomaticPhrases.wishes.matches(text) else {
            return nil
        }
        if let receipt, AutomaticPhrases.assurances.matches(text) { return "text says “\(receipt)”" }
        if let sign = machine ?? absent, AutomaticPhrases.companions.matches(text) { return "text says “\(sign)”" }
        if let departure, AutomaticPhrases.redirections.matches(text) { return "text says “\(departure)”" }
        return nil
    }

    /// Words that people also start a subject with count only when the text agrees or asks for nothing.
    private static func leads(_ subject: String, _ words: String, _ message: InboundMessage) -> Bool {
        let sure = [
            "reply", "response", "antwort", "answer", "automa", "autosvar", "autoodp", "автоответ", "réponse",
            "respuesta", "risposta", "resposta",
            "svar", "vastaus", "odpowied", "ответ", "自動", "自动", "yanıt", "válasz", "răspuns", "odpověď", "ooo",
        ]
        if sure.contains(where: { words.contains($0) }) { return true }
        // `Out of office: Re: your order` quotes the subject it answers.
        let rest = subject.dropFirst(words.count)
        if rest.hasPrefix(":") || rest.hasPrefix(" re") { return true }
        return !AutomaticPhrases.wishes.matches(message.reply.visible.lowercased())
            && !AutomaticPhrases.wishes.matches(rest)
    }

    /// Lower case, white space as single blanks, typographic apostrophes as the plain one, "I am" in full: one spelling
    /// suffices in lists.
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
                // `i'm` behind a blank or at the start.
                if byte == 0x6D, output.suffix(3).elementsEqual("i'm".utf8), output.dropLast(3).last ?? 0x20 == 0x20 {
                    output.removeLast(2)
                    output += " am".utf8
                }
            }
            index += 1
        }
        return String(decoding: output, as: UTF8.self)
    }
}
