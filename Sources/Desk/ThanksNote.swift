internal import Answering
internal import DeskModel

/// Tells "thank you, that was all" from a mail that wants something. In doubt it wants something.
enum ThanksNote {
    /// Longer ones say more than thanks.
    private static let wordLimit = 30
    /// Names and words that no list has.
    private static let strangerLimit = 2

    /// - Parameter text: What the sender newly wrote, without quotes and signature.
    static func matches(_ text: String) -> Bool {
        guard text.utf8.count <= 400, !text.contains(where: { "?？¿".contains($0) || $0.isNumber }) else { return false }
        let words = Words.all(in: text)
        guard !words.isEmpty, words.count <= Self.wordLimit, words.contains(where: Self.thanks.contains) else {
            return false
        }
        guard !words.contains(where: Self.wants.contains) else { return false }
        return words.count { !Self.thanks.contains($0) && !Self.courtesy.contains($0) } <= Self.strangerLimit
    }

    private static func list(_ text: String) -> Set<String> { Set(Words.all(in: text)) }

    private static let thanks = list(
        """
        thanks thank thx ty cheers danke dank vielen dankeschön herzlichen merci remercie remercions gracias agradecido
        agradecida grazie ringrazio dank bedankt dankjewel dankuwel dziękuję dzięki dziekuje dzieki obrigado obrigada
        agradeço
        """)

    /// One of these, and the mail wants something whatever else it says.
    private static let wants = list(
        """
        but however still not isn't doesn't don't didn't no never nothing wrong broken problem issue again another when
        where why how what which please could can would should need want refund return cancel except unfortunately wait
        waiting until unless
        aber jedoch trotzdem noch nicht kein keine nie falsch kaputt problem wieder wann wo warum wie was welche bitte
        können könnten brauche möchte erstattung stornieren leider warte warten
        mais cependant encore pas jamais rien faux problème quand où pourquoi comment quel pourriez pouvez besoin
        voudrais remboursement annuler malheureusement attends toujours
        pero aún todavía no nunca nada mal problema cuándo dónde cuando donde cómo favor podría puede necesito
        quiero reembolso cancelar espero
        ma però ancora non mai niente sbagliato quando dove perché come quale potete potreste bisogno vorrei rimborso
        annullare purtroppo aspetto
        maar echter nog niet geen nooit niets fout kapot probleem wanneer waar waarom hoe wat welke alstublieft kunt
        nodig wil terugbetaling annuleren helaas wacht
        ale jednak jeszcze nie nigdy nic źle kiedy gdzie dlaczego jak proszę czy można potrzebuję chcę zwrot anulować
        niestety czekam
        mas porém ainda não nunca errado quando onde porquê como pode poderia preciso quero cancelar infelizmente
        """)

    private static let courtesy = list(
        """
        hi hello hey dear sir madam team all everyone you your yours so very much many a an the for to of and it is was
        that this i i'm im we my me have has had got get received arrived came now today yesterday just works working
        worked fine good great perfect excellent wonderful amazing awesome lovely brilliant nice best kind regards
        wishes sincerely warm help support reply answer response quick fast prompt really appreciate appreciated
        solved resolved fixed sorted done ok okay yes day weekend week evening have hope take care bye again everything
        well service job
        hallo guten tag sehr geehrte damen und herren liebe lieber liebes ihnen sie euch dir für die der das den ihre
        eure schnelle schnellen hilfe antwort unterstützung ist es hat alles jetzt angekommen erhalten bekommen
        funktioniert geklappt super toll prima perfekt gut bestens erledigt gelöst freundliche freundlichen grüße grüßen
        viele beste lg mfg vg schönen schönes wochenende abend noch ich habe bin wir
        bonjour madame monsieur beaucoup bien pour votre vos la le les de l aide réponse rapide rapidité c est tout ça
        fonctionne maintenant reçu arrivé parfait super excellente bonne journée soirée week end cordialement salutations
        je j ai vous nous équipe très résolu
        hola buenos días buenas tardes estimados muchas mil por su tu la el ayuda respuesta rápida rápido todo ya
        funciona llegó recibido he perfecto genial excelente buen día fin semana saludos un cordial atentamente equipo
        muy resuelto gracias
        ciao salve buongiorno gentile molte mille per il la vostro vostra tuo aiuto risposta veloce rapida tutto ora
        funziona arrivato ricevuto ho perfetto ottimo bene buona giornata serata cordiali saluti siete stati gentilissimi
        molto risolto
        goedemorgen goedemiddag beste heel veel wel voor uw je jullie de het hulp reactie antwoord snelle snel alles
        werkt nu ontvangen aangekomen heb ik top prima perfect goed fijne dag weekend avond met vriendelijke groet
        groeten opgelost
        dzień dobry witam państwu bardzo za pomoc odpowiedź szybką szybka wszystko już działa dotarło otrzymałem
        otrzymałam super świetnie pozdrawiam z poważaniem miłego dnia serdecznie rozwiązane
        olá bom dia boa tarde muito pela pelo sua ajuda resposta rápida tudo agora funciona chegou recebi perfeito ótimo
        excelente cumprimentos com os melhores atenciosamente resolvido
        """)
}
