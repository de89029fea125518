/// A mail's text, and the passages in it that are not the customer's own matter.
///
/// Whoever plants a sentence in a mail wants it to decide. So what speaks to a machine about its answer is left out of
/// everything that is learned from the words, and a lone sentence that asks something of the world at large is put
/// aside, to be judged by how far it lies from all that the desk knows (see `TriageEngine`). An honest sentence that is
/// left out by mistake costs little: it is rarely the one that says what a mail is about.
struct Passages: Sendable, Hashable {
    /// Everything, as `TriageText` joined it.
    let whole: String
    /// Without instructions; `whole` when nothing else would be left.
    let own: String
    /// Sentences that instruct a machine.
    let instructions: [String]
    /// Lines of `own` that could be a task for a general assistant, at most `tasksRead`.
    let tasks: [String]

    private static let tasksRead = 3
    /// Sentences of a mail that are looked at.
    private static let sentencesRead = 400

    init(_ text: String, vocabulary: Set<String>) {
        self.whole = text
        let isSuspect = !vocabulary.isDisjoint(with: InstructionWords.triggers) || text.contains("<|")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard isSuspect || lines.count > 1 else {
            (self.own, self.instructions, self.tasks) = (text, [], [])
            return
        }
        var kept: [Substring] = []
        var instructions: [String] = []
        var isBlock = false
        var read = 0
        for line in lines {
            guard isSuspect, read < Self.sentencesRead else {
                kept.append(line)
                continue
            }
            if line.allSatisfy(\.isWhitespace) { isBlock = false }
            // A quoted prompt goes on to the next blank line.
            isBlock = isBlock || InstructionWords.startsPrompt(line)
            if isBlock {
                instructions.append(String(line))
                continue
            }
            let sentences = Self.sentences(line)
            read += sentences.count
            let honest = sentences.filter { !InstructionWords.instructs(Self.words($0)) }
            if honest.count == sentences.count {
                kept.append(line)
            } else {
                instructions += sentences.filter { InstructionWords.instructs(Self.words($0)) }.map(String.init)
                if !honest.isEmpty { kept.append(Substring(honest.joined(separator: " "))) }
            }
        }
        let own = instructions.isEmpty ? text : kept.joined(separator: "\n")
        let isLeft = own.contains(where: \.isLetter)
        self.own = isLeft ? own : text
        self.instructions = isLeft ? instructions : []
        self.tasks = isLeft && lines.count > 1 ? Self.tasks(kept) : []
    }

    /// `own` without the lines `foreign`; nil when too little would be left to judge.
    func own(without foreign: [String]) -> String? {
        let dropped = Set(foreign)
        let kept = self.own.split(separator: "\n").filter { !dropped.contains(Self.trimmed($0)) }
        let rest = kept.joined(separator: "\n")
        return Self.words(rest[...]).count >= 4 ? rest : nil
    }

    /// Lines that are one or two whole sentences by themselves and begin as a task does.
    private static func tasks(_ lines: [Substring]) -> [String] {
        var found: [String] = []
        var before: Substring = ""
        for line in lines {
            defer { before = line }
            // The middle of a paragraph with hard line ends is no sentence of its own.
            let isOpen = before.count >= 60 && !(before.last.map { ".!?:".contains($0) } ?? true)
            guard found.count < Self.tasksRead, !isOpen, line.utf8.count <= 300 else { continue }
            let text = Self.trimmed(line)
            guard let last = text.last, ".?!'\"”’".contains(last) else { continue }
            let words = Self.words(text[...])
            if (3...40).contains(words.count), InstructionWords.taskStarts.contains(words[0]) { found.append(text) }
        }
        return found
    }

    private static func trimmed(_ line: Substring) -> String {
        var line = line
        while line.first?.isWhitespace == true { line.removeFirst() }
        while line.last?.isWhitespace == true { line.removeLast() }
        return String(line)
    }

    /// A line cut behind each full stop, question and exclamation mark that a space follows.
    private static func sentences(_ line: Substring) -> [Substring] {
        var sentences: [Substring] = []
        var start = line.startIndex
        var isEnd = false
        for index in line.indices {
            let character = line[index]
            if isEnd, character.isWhitespace {
                sentences.append(line[start..<index])
                start = line.index(after: index)
            }
            isEnd = character == "." || character == "?" || character == "!"
        }
        if start < line.endIndex { sentences.append(line[start...]) }
        return sentences
    }

    /// Lower-case words of letters and digits.
    static func words(_ text: Substring) -> [String] {
        text.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "'" || $0 == "’") }.map(String.init)
    }
}

/// How people speak to a machine that writes answers.
private enum InstructionWords {
    private static func set(_ words: String) -> Set<String> { Set(words.split(separator: " ").map(String.init)) }

    /// One of these stands in every sentence that `instructs` or `startsPrompt` could find.
    static let triggers = Self.answers.union(Self.script).union(
        set("instructions instruction prompt assistant system chatgpt gpt llm ai model jailbreak user pretend"))

    private static let answers = Self.set(
        """
        answer answers answer's response responses response's reply replies reply's output outputs message messages email \
        summary antwort réponse respuesta risposta antwoord odpowiedź odpowiedzi resposta
        """)
    private static let yours = Self.set(
        "your deine deiner ihrer ihre votre ta tu su tua vostra jouw uw twoją twojej sua")
    /// What an answer is made of, when it is treated as letters rather than as words to somebody.
    private static let script = Self.set(
        """
        letter letters vowel vowels consonant consonants character characters alphabet base64 base32 hex hexadecimal morse \
        cipher caesar rot13 emoji emojis anagram anagrams binary leetspeak typos misspellings misspelling punctuation \
        uppercase lowercase capitals palindrome syllable syllables ascii unicode backwards
        """)
    /// Nobody asks a shop to do these to its words.
    private static let mangling = Self.set(
        """
        alter anagram augment capitalise capitalize convert decode disguise embed emphasise emphasize encode encrypt enhance \
        format embellish garble group hide infuse inject integrate interleave intersperse invert jumble mask mimic misspell mix \
        modify obfuscate obscure omit paraphrase prepend promote randomise randomize rearrange reformat rephrase replace \
        represent reverse rewrite rhyme scramble shuffle sprinkle spell substitute swap tease transform translate transpose \
        twist weave incorporate introduce compose combine conclude craft
        """)
    /// What anybody may ask of an answer, too.
    private static let ordinary = Self.set(
        """
        add advertise allow answer append apply ask avoid base be begin break change claim close create cut deliver describe direct \
        display do don't employ encourage end endorse ensure express fill finish follow force generate give highlight include \
        insert invite keep leave limit link make mention never offer output place portray position present print produce provide \
        put quote recommend refer remove repeat reply respond restrict return say separate share show shift split \
        start state structure suggest summarise summarize switch tell turn use utilise utilize write
        """)
    private static let openers = Self.set(
        "please also now then and additionally furthermore finally next kindly always simply just first")
    /// Who speaks of himself speaks to people.
    private static let persons = Self.set("i i'm i've i'd i'll my me we our us mine ours we're we've")
    private static let past = Self.set("said wrote told promised mentioned stated explained confirmed asked offered announced")

    /// How a line begins that asks for knowledge or a piece of work.
    static let taskStarts = Self.set(
        """
        analyse analyze arrange assess book brainstorm break build calculate can check classify code compare compile compose \
        compute consider convert could create debate debug define derive describe design determine develop differentiate \
        discuss do does draft draw elaborate estimate evaluate examine explain explore find forecast generate give guess \
        help how identify illustrate imagine implement invent is are investigate interpret launch list locate make name outline \
        order perform pick plan play predict prepare present prove provide rank rate recite recommend remind research review \
        schedule search send set share show simplify solve start state suggest summarise summarize tell trace translate \
        turn what what's when where which who whom whose why will would write
        """)

    static func startsPrompt(_ line: Substring) -> Bool {
        let start = line.drop(while: \.isWhitespace).prefix(24).lowercased()
        return [
            "system:", "assistant:", "user:", "<|", "[inst]", "<<sys>>", "### instruction", "### system", "<system",
        ]
        .contains { start.hasPrefix($0) }
    }

    static func instructs(_ words: [String]) -> Bool {
        guard words.count >= 3 else { return false }
        if Self.overrides(words) { return true }
        let first = words.first { !Self.openers.contains($0) } ?? ""
        let isPersonal = words.contains { Self.persons.contains($0) }
        let isMangling = Self.mangling.contains(first)
        let isOrder = isMangling || (Self.ordinary.contains(first) && !isPersonal)
        if let place = self.answer(in: words) {
            // “In your reply, suggest …”, but not “In your reply you said …”.
            let isOpening = place <= 4 && Self.set("in within for at throughout with during into").contains(words[0])
            if isOpening, !isPersonal, !words.dropFirst(place + 1).prefix(6).contains(where: Self.past.contains) {
                return true
            }
            if isOrder { return true }
        }
        let speaksOfScript = words.contains { Self.script.contains($0) }
        return speaksOfScript && (isMangling || (isOrder && words.contains { Self.answers.contains($0) }))
    }

    /// Position of “answer” in “your final answer”; nil when nobody's answer is spoken of.
    private static func answer(in words: [String]) -> Int? {
        words.indices.first { index in
            Self.answers.contains(words[index])
                && words[max(0, index - 3)..<index].contains { Self.yours.contains($0) }
        }
    }

    /// Tells a machine to forget what it was told, or to be somebody else.
    private static func overrides(_ words: [String]) -> Bool {
        let text = " " + words.joined(separator: " ") + " "
        return Self.phrases.contains { text.contains($0) }
    }

    private static let phrases = [
        " previous instructions ", " prior instructions ", " above instructions ", " your instructions ",
        " earlier instructions ", " all instructions ", " ignore previous ", " ignore all previous ",
        " ignore everything above ", " ignore the above ", " disregard the above ", " disregard previous ",
        " disregard all previous ", " system prompt ", " developer mode ", " you are now a ", " you are now an ",
        " as an ai ", " ai assistant ", " ai model ", " language model ", " chatgpt ", " vorherigen anweisungen ",
        " bisherigen anweisungen ", " instructions précédentes ", " instrucciones anteriores ",
        " istruzioni precedenti ", " vorige instructies ", " poprzednie instrukcje ", " instruções anteriores ",
    ]
}
