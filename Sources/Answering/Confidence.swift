/// The shipped priors: small logistic functions whose weights were chosen by hand or fitted on public questions.
///
/// They stand until enough drafts were sent, edited or thrown away to fit the desk's own. Each weight says how much
/// one full step of its sign moves the log-odds.
extension Evidence {
    /// Probability that the best article answers the question, 0…1.
    ///
    /// Title, passage and sentence each name the right article about as often, but what only happens to be near one of
    /// them is seldom near all three: their mean tells an answer from a neighbour better than the best of them, and
    /// weights of their own for each did no better on a base that they were not fitted on. Until the article has been
    /// read there is no sentence: those weights were fitted on two public question sets.
    package var answerable: Double {
        guard self.terms > 0 else { return 0.02 }
        if let sentence = self.sentence {
            return Logistic.probability(-4.4 + 3.5 * Double(self.title + self.passage + sentence))
        }
        // A margin beyond 0.3 says no more; agreement of the legs is carried by margin and coverage.
        let sum =
            -8.9 + 12 * Double(self.cosine) + 5 * Double(min(self.margin, 0.3)) + 2 * Double(self.coverage)
        return Logistic.probability(sum)
    }
}

/// Probability that an agent would send a draft nearly unchanged.
package struct Confidence: Sendable, Equatable {
    /// Probability that the knowledge base answers the question, 0…1.
    package var answerable: Double
    /// Share of the sentences with a source, 0…1.
    package var grounding: Double
    /// How much the mail is like anything triage was taught, 0…1: a rank among known mails, so that a quarter is ample.
    package var familiarity: Double
    /// Calibrated probability of the category, 0…1.
    package var category: Double
    /// Share of the customer's questions that the draft's sources cover, 0…1.
    package var questionsCovered: Double

    package init(
        answerable: Double, grounding: Double, familiarity: Double, category: Double, questionsCovered: Double
    ) {
        self.answerable = answerable
        self.grounding = grounding
        self.familiarity = familiarity
        self.category = category
        self.questionsCovered = questionsCovered
    }

    /// 0…1. A draft without sources is as good as useless, whatever else speaks for it.
    package var probability: Double {
        guard self.grounding > 0 else { return 0.02 }
        let sum =
            -8.8 + 5.0 * self.answerable + 3.0 * self.grounding + 1.5 * min(1, 4 * self.familiarity)
            + 1.0 * self.category
            + 1.5 * self.questionsCovered
        return Logistic.probability(sum)
    }
}

enum Logistic {
    /// 1 / (1 + e^−x), without a math library: e^x by halving and a short series.
    static func probability(_ x: Double) -> Double {
        let bounded = min(max(x, -30), 30)
        let small = -bounded / 1024
        var power = 1 + small + small * small / 2 + small * small * small / 6
        for _ in 0..<10 { power *= power }
        return 1 / (1 + power)
    }
}
