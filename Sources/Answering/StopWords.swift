/// The commonest words of the desk's languages, folded as `Words` folds them.
package enum StopWords {
    package static let byLanguage: [String: Set<String>] = [
        "en": Self.set(
            """
            a about after all also am an and any are as at be because been before being but by can could did do does
            doing dont done for from get got had has have having he her here hi him his how i id if ill im in into is
            it its ive just me more most my no nor not now of off on once only or other our out over own please same
            she should so some such than thank thanks that the their them then there these they this those through to
            too under until up us very was we were what when where which while who whom why will with would you your
            yours hello dear regards
            """),
        "de": Self.set(
            """
            aber als am an auch auf aus bei bin bis bitte da danke das dass dem den der des die dies diese dieser doch
            du ein eine einem einen einer eines er es fur guten habe haben hallo hat hatte ich ihm ihn ihnen ihr ihre
            ihrem ihren im in ist ja kann kein keine konnen man mein meine meinem meinen meiner mich mir mit nach nicht
            noch nun nur ob oder ohne sehr sein sich sie sind so tag uber um und uns unser von vor wann war warum was
            weil wenn wer werden wie wir wird wo wurde zu zum zur grusse freundlichen
            """),
        "fr": Self.set(
            """
            a ai au aux avec avez bonjour ce ces cet cette comme comment dans de des du elle en est et ete etes eu il
            ils je jai la le les leur lui ma mais me mes moi mon ne nest nos notre nous on ou par pas pour pourquoi
            quand que quel quelle qui sa se ses si son sont suis sur ta te tes toi ton tres tu un une vos votre vous y
            merci cordialement
            """),
        "es": Self.set(
            """
            a al algo como con cual cuando de del desde donde el ella ellos en entre era es esta estan este esto fue
            gracias ha han has hay he hola la las le les lo los mas me mi mis muy no nos o para pero por porque que
            quien se ser si sin sobre son su sus te tengo tiene tu tus un una uno usted ya yo saludos
            """),
        "it": Self.set(
            """
            a ai al alla alle anche buongiorno che chi ci ciao come con cosa cui da dal dalla dei del della delle di
            dove e ed era gli grazie ha hai hanno ho i il in io la le lei lo loro ma me mi mia mio miei ne nel nella
            noi non nostro o per perche piu quale quando quello questo se si sono su sua suo tra tu un una uno vi voi
            vostro saluti
            """),
        "nl": Self.set(
            """
            aan al als ben bij dag dan dat de der deze die dit door een en er geen graag groet had heb hebben heeft
            het hij hoe hun ik in is ja je kan kunnen maar me met mij mijn naar niet nog nu of om onze ons ook op over
            te tot u uit uw van voor waar waarom wanneer was wat we wel wij wil worden wordt zijn zo bedankt
            vriendelijke
            """),
        "pl": Self.set(
            """
            a aby albo ale bardzo bez bo by byc byl byla bylo co czy dla do dzien dobry dziekuje gdy gdzie go i ich
            ile ja jak jaki jako je jest jestem jeszcze juz kiedy kto ktory ktora mam mi mnie moge moja moje moj na
            nad nie o od oraz po pod prosze przez przy sa sie ta tak tam te tego ten to tu tylko u w we z za ze
            zostal
            """),
        "pt": Self.set(
            """
            a ao aos as bom com como da das de dele do dos e ela ele em entre era essa esse esta este eu foi ha isso
            ja la lhe mais mas me meu meus minha muito na nao nas nem no nos nossa nosso o obrigado obrigada ola onde
            os ou para pela pelo por porque qual quando que quem se sem ser seu sua so sou sao tem tenho um uma voce
            cumprimentos
            """),
    ]

    /// The language whose common words are most frequent in `text`; nil when no language stands out.
    package static func language(of text: some StringProtocol) -> String? { Self.language(of: Words.all(in: text)) }

    static func language(of words: [String]) -> String? {
        guard words.count >= 3 else { return nil }
        var hits: [String: Int] = [:]
        for word in words {
            for language in Self.languages[word] ?? [] { hits[language, default: 0] += 1 }
        }
        let counts = Self.byLanguage.keys.map { (language: $0, count: hits[$0] ?? 0) }
            .sorted { ($0.count, $1.language) > ($1.count, $0.language) }
        guard counts[0].count * 5 >= words.count, counts[0].count > counts[1].count else { return nil }
        return counts[0].language
    }

    /// Whether any language has it among its common words.
    static func contains(_ word: String) -> Bool { Self.languages[word] != nil }

    /// The languages of each common word.
    private static let languages: [String: [String]] = {
        var languages: [String: [String]] = [:]
        for (language, words) in Self.byLanguage {
            for word in words { languages[word, default: []].append(language) }
        }
        return languages
    }()

    private static func set(_ words: String) -> Set<String> {
        Set(words.split(whereSeparator: \.isWhitespace).map(String.init))
    }
}
