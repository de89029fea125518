/// Words that carry feeling in mails to a shop, with negation and emphasis; eight numbers for the sentiment head.
enum SentimentLexicon {
    /// Names of the numbers, in order; part of a model file's meaning.
    static let features = 8

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

    /// Negative and positive words (damped by length), trouble, thanks, negations, capitals, exclamation and question
    /// marks, emoji. All within −2…2.
    static func features(_ text: String, _ words: WordList) -> [Float] {
        var negative: Float = 0
        var positive: Float = 0
        var trouble: Float = 0
        var thanks: Float = 0
        var negations: Float = 0
        for (index, word) in words.all.enumerated() {
            let before = words.all[max(0, index - 3)..<index]
            let isNegated = before.contains { Self.negations.contains($0) }
            let weight: Float = index > 0 && Self.intensifiers.contains(words.all[index - 1]) ? 1.5 : 1
            if Self.negative.contains(word) {
                if isNegated { negative += 0.3 } else { negative += weight }
            } else if Self.positive.contains(word) {
                // `not happy` is unhappy; `not bad` is not praise.
                if isNegated { negative += weight } else { positive += weight }
            }
            if Self.trouble.contains(word) { trouble += 1 }
            if Self.thanks.contains(word) { thanks += 1 }
            if Self.negations.contains(word) { negations += 1 }
        }
        let length = Float(max(1, words.all.count)).squareRoot()
        let capitals = Float(min(4, Emphasis.capitals(text)))
        let exclamations = Float(min(4, text.utf8.prefix(20_000).count { $0 == UInt8(ascii: "!") }))
        let emoji = Self.emoji(text)
        func bounded(_ value: Float) -> Float { max(-2, min(2, value)) }
        return [
            bounded(negative * 2 / length), bounded(positive * 2 / length), bounded(trouble * 2 / length),
            bounded(thanks * 2 / length), bounded(negations * 2 / length), capitals / 2, exclamations / 2,
            bounded(emoji),
        ]
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
