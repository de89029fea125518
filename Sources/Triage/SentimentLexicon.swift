/// Words that carry feeling in mails and messages to a shop, with negation, emphasis and how it is written: numbers for the
/// sentiment head.
enum SentimentLexicon {
    private static let negative = Self.set(
        """
        angry annoyed annoying appalled appalling ashamed atrocious avoid awful bad broken careless cheated clueless \
        complain complained complaint confused crap crappy damaged defective delay delayed deceived disappointed \
        disappointing disappointment disaster disgrace disgraceful disgusted disgusting dishonest dissatisfied dreadful \
        embarrassing excuse excuses fail failed fails failing failure faulty fed frustrated frustrating frustration fuming \
        furious garbage hate hated hopeless horrendous horrible horrific ignored ignoring impossible incompetent \
        inconvenience inexcusable infuriating insult insulting irritated irritating joke junk lame late laughable liar liars \
        lie lied lies lost lousy ludicrous mess miserable misleading missing mistake nightmare nonsense outraged \
        outrageous pathetic pointless poor poorly problem problems refuse refused refuses ridiculous rip-off ripped rude \
        rubbish sad scam scammed scammers shambles shame shameful shocking shoddy sick slow stolen stuck stupid suck sucks \
        terrible terribly tired trash ugly unacceptable unbelievable unfair unfortunately unhappy unhelpful unprofessional \
        unreliable unsatisfied upset useless waste wasted worse worst worthless wrong wtf
        """)
    private static let positive = Self.set(
        """
        amazing appreciate appreciated awesome beautiful best brilliant delighted easy efficient enjoy enjoyed excellent \
        exceptional fabulous fantastic fast flawless friendly glad good great grateful happy helpful impressed incredible \
        kind kudos love loved lovely nice outstanding perfect perfectly pleasant pleased pleasure polite prompt promptly \
        quick quickly recommend satisfied smooth smoothly solved splendid super superb terrific thrilled top wonderful wow \
        yay
        """)
    private static let strong = Self.set(
        """
        appalled appalling atrocious awful cheated deceived disgrace disgraceful disgusted disgusting fuming furious \
        garbage horrendous horrible horrific incompetent inexcusable infuriating insult insulting joke liar liars lied lies \
        outraged outrageous pathetic ridiculous rip-off rubbish scam scammed scammers shambles shameful shocking thieves \
        terrible unacceptable useless worst angry unbelievable
        """)
    /// What goes wrong without a word of feeling in it.
    private static let trouble = Self.set(
        """
        cancelled canceled waiting waited stranded again still yet nobody no-one ignored overcharged lost twice hours weeks \
        hold response reply refund compensation instead without hung rebook promised supposed never broken damaged
        """)
    private static let thanks = Self.set("thank thanks thankyou thx cheers merci danke gracias grazie bedankt tack")
    private static let negations = Self.set(
        """
        not no never nothing nobody none neither nor cannot can't don't doesn't didn't won't isn't aren't wasn't weren't \
        haven't hasn't hadn't couldn't wouldn't shouldn't without hardly cant dont doesnt didnt wont isnt
        """)
    private static let intensifiers = Self.set(
        "very really so extremely absolutely totally completely utterly incredibly truly highly too such beyond")
    private static let units = Self.set(
        "minute minutes min mins hour hours hrs hr day days week weeks month months year years")
    private static let numbers = Self.set(
        "for an a every two three four five six seven eight nine ten twice second third fourth another multiple")
    private static let you = Self.set("you your yours u ur you're you've")
    private static let courtesy = Self.set("please pls plz kindly could may would")
    /// Praise and cheer that often is none.
    private static let irony = Self.set(
        """
        wow lol haha hahaha nice great cool bravo congrats congratulations classy ugh smh wtf ffs hello seriously \
        apparently
        """)
    private static let repetition = Self.set(
        "again still never another twice third second once every yet")
    private static let damage = Self.set(
        "damaged broken shattered smashed cracked dented torn crushed scratched leaking bent defective faulty")

    private static func set(_ words: String) -> Set<String> { Set(words.split(separator: " ").map(String.init)) }

    static func isAngry(_ words: WordList) -> Bool { !words.vocabulary.isDisjoint(with: Self.strong) }
    /// Something went wrong, or somebody waits.
    static func tellsTrouble(_ words: WordList) -> Bool {
        !words.vocabulary.isDisjoint(with: Self.trouble) || !words.vocabulary.isDisjoint(with: Self.negative)
            || !words.vocabulary.isDisjoint(with: Self.damage) || !words.vocabulary.isDisjoint(with: Self.negations)
    }
    static func tellsDamage(_ words: WordList) -> Bool { !words.vocabulary.isDisjoint(with: Self.damage) }

    /// Signs of mood, in order: negative and positive words, trouble, thanks, negations, capitals, exclamation marks, emoji,
    /// stretches of time, “you”, drawn-out letters, question marks, dots, courtesy, irony, repetition, `??`, a handle.
    /// Counts of words are damped by length. All within −2…2.
    static func features(_ text: String, _ words: WordList) -> [Float] {
        var count = Counts()
        for index in words.all.indices { count.add(words.all, at: index) }
        let marks = Marks(text)
        let scale = 2 / Float(max(1, words.all.count)).squareRoot()
        let damped = [count.negative, count.positive, count.trouble, count.thanks, count.negations].map { $0 * scale }
        let later = [count.courtesy, count.irony, count.repetition].map { $0 * scale }
        let values =
            damped + [
                Float(min(4, Emphasis.capitals(text))) / 2, Float(min(4, marks.exclamations)) / 2, Self.emoji(text),
                count.times * scale, count.you * scale, Float(marks.stretches), Float(min(2, marks.questions)) / 2,
                marks.hasDots ? 1 : 0,
            ] + later + [marks.isPressing ? 1 : 0, marks.hasHandle ? 1 : 0]
        return values.map { max(-2, min(2, $0)) }
    }

    /// What a word may tell; some tell several things.
    private struct Meaning: OptionSet {
        let rawValue: UInt16

        static let negative = Meaning(rawValue: 1 << 0)
        static let positive = Meaning(rawValue: 1 << 1)
        static let trouble = Meaning(rawValue: 1 << 2)
        static let thanks = Meaning(rawValue: 1 << 3)
        static let negation = Meaning(rawValue: 1 << 4)
        static let you = Meaning(rawValue: 1 << 5)
        static let courtesy = Meaning(rawValue: 1 << 6)
        static let irony = Meaning(rawValue: 1 << 7)
        static let repetition = Meaning(rawValue: 1 << 8)
    }

    private static let meanings: [String: Meaning] = {
        let lists: [(Set<String>, Meaning)] = [
            (Self.negative, .negative), (Self.positive, .positive), (Self.trouble, .trouble), (Self.thanks, .thanks),
            (Self.negations, .negation), (Self.you, .you), (Self.courtesy, .courtesy), (Self.irony, .irony),
            (Self.repetition, .repetition),
        ]
        var meanings: [String: Meaning] = [:]
        for (words, meaning) in lists {
            for word in words { meanings[word, default: []].insert(meaning) }
        }
        return meanings
    }()

    /// Words by what they tell.
    private struct Counts {
        var negative: Float = 0
        var positive: Float = 0
        var trouble: Float = 0
        var thanks: Float = 0
        var negations: Float = 0
        var times: Float = 0
        var you: Float = 0
        var courtesy: Float = 0
        var irony: Float = 0
        var repetition: Float = 0

        mutating func add(_ words: [String], at index: Int) {
            let word = words[index]
            let before = index > 0 ? words[index - 1] : ""
            let lexicon = SentimentLexicon.self
            if lexicon.isTime(word, after: before) { self.times += 1 }
            // Most words tell nothing.
            guard let meaning = lexicon.meanings[word] else { return }
            if !meaning.isDisjoint(with: [.negative, .positive]) {
                let isNegated = words[max(0, index - 3)..<index].contains { lexicon.negations.contains($0) }
                let weight: Float = lexicon.intensifiers.contains(before) ? 1.5 : 1
                if meaning.contains(.negative) {
                    self.negative += isNegated ? 0.3 : weight
                } else if isNegated {
                    // `not happy` is unhappy; `not bad` is not praise.
                    self.negative += weight
                } else {
                    self.positive += weight
                }
            }
            if meaning.contains(.trouble) { self.trouble += 1 }
            if meaning.contains(.thanks) { self.thanks += 1 }
            if meaning.contains(.negation) { self.negations += 1 }
            if meaning.contains(.you) { self.you += 1 }
            if meaning.contains(.courtesy) { self.courtesy += 1 }
            if meaning.contains(.irony) { self.irony += 1 }
            if meaning.contains(.repetition) { self.repetition += 1 }
        }
    }

    /// `two hours`, `for days`, `45min`.
    private static func isTime(_ word: String, after before: String) -> Bool {
        if Self.units.contains(word) { return before.first?.isNumber == true || Self.numbers.contains(before) }
        guard word.utf8.first.map({ (0x30...0x39).contains($0) }) == true else { return false }
        return ["min", "mins", "h", "hr", "hrs"].contains(String(word.drop { $0.isNumber }))
    }

    /// What stands between the words.
    private struct Marks {
        var exclamations = 0
        var questions = 0
        /// Letters written three times or more: `sooooo`.
        var stretches = 0
        var hasDots = false
        /// `??`, `?!` or `!?`
        var isPressing = false
        /// `@name`
        var hasHandle = false

        init(_ text: String) {
            var before: UInt8 = 0x20
            var run = 1
            for byte in text.utf8.prefix(20_000) {
                run = byte == before ? run + 1 : 1
                switch byte {
                case UInt8(ascii: "!"):
                    self.exclamations += 1
                    self.isPressing = self.isPressing || before == UInt8(ascii: "?")
                case UInt8(ascii: "?"):
                    self.questions += 1
                    self.isPressing = self.isPressing || before == byte || before == UInt8(ascii: "!")
                case UInt8(ascii: "."): self.hasDots = self.hasDots || run == 3
                case 0x41...0x5A, 0x61...0x7A:
                    if run == 3 { self.stretches += 1 }
                    // A handle stands at the start of a word; an address has a name before the sign.
                    self.hasHandle = self.hasHandle || (before == UInt8(ascii: "@") && run == 1 && self.isOpen)
                default: break
                }
                self.isOpen = byte == UInt8(ascii: "@") ? before <= 0x20 || before == 0x2E : false
                before = byte
            }
        }

        /// Whether the byte before is a sign that starts a word.
        private var isOpen = false
    }

    private static func emoji(_ text: String) -> Float {
        var sum: Float = 0
        for scalar in text.unicodeScalars.prefix(20_000) where scalar.value > 0x2600 {
            switch scalar.value {
            case 0x1F600...0x1F60E, 0x1F642, 0x1F44D, 0x1F44F, 0x1F64F, 0x2764, 0x1F495...0x1F49C, 0x1F389, 0x263A:
                sum += 1
            case 0x1F620...0x1F62D, 0x1F612...0x1F616, 0x1F644, 0x1F92C, 0x1F44E, 0x1F4A9, 0x1F641, 0x2639,
                0x1F61E...0x1F61F:
                sum -= 1
            default: break
            }
        }
        return sum
    }
}
