/// Dates, hours and amounts: digits that are nobody's number.
extension NumberScan {
    static let months: Set<String> = Set(
        """
        january february march april may june july august september october november december jan feb mar apr jun jul aug
        sep sept oct nov dec januar februar marz mai juni juli oktober dezember janvier fevrier mars avril juin juillet
        aout septembre octobre novembre decembre enero febrero marzo abril mayo junio julio agosto septiembre octubre
        noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre januari februari
        maart mei augustus stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada
        grudnia janeiro fevereiro abril maio junho julho setembro outubro dezembro
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    mutating func scanDates() {
        for start in self.text.scalars.indices where self.text.isDigit(start) && !self.text.isAlphanumeric(start - 1) {
            // Within a longer row of numbers nothing is a date.
            if self.text.isDigit(start - 2), ".-/".unicodeScalars.contains(self.text.scalars[start - 1]) { continue }
            guard !self.settled[start], let end = self.numericDate(from: start) ?? self.wordyDate(from: start) else {
                continue
            }
            if self.masksDates { self.add(start..<end, .date) } else { self.settle(start..<end) }
        }
        // `May 3rd, 2026`
        for word in self.text.words() where Self.months.contains(word.text) {
            var position = word.range.upperBound
            while self.text.scalar(position) == " " || self.text.scalar(position) == "." { position += 1 }
            guard let day = self.digits(from: position), day.count <= 2, self.isFree(day) else { continue }
            var end = day.upperBound
            for suffix in ["st", "nd", "rd", "th"] where self.text.starts(with: suffix, at: end) { end += 2 }
            var year = end
            while self.text.scalar(year) == "," || self.text.scalar(year) == " " { year += 1 }
            if let digits = self.digits(from: year), digits.count == 4 { end = digits.upperBound }
            guard self.isFree(word.range) else { continue }
            if self.masksDates { self.add(word.range.lowerBound..<end, .date) } else { self.settle(day) }
        }
    }

    /// `3.5.2026`, `03/05/26`, `2026-05-03`, `3.5.`
    private func numericDate(from start: Int) -> Int? {
        guard let first = self.digits(from: start), let mark = self.text.scalar(first.upperBound),
            ".-/".unicodeScalars.contains(mark), let second = self.digits(from: first.upperBound + 1),
            second.count <= 2, self.value(second) ?? 99 <= 31
        else { return nil }
        if first.count <= 2, self.text.scalar(second.upperBound) == mark {
            let third = self.digits(from: second.upperBound + 1)
            if let third {
                guard third.count == 2 || third.count == 4, self.value(first) ?? 99 <= 31 else { return nil }
                return self.endsNumber(third.upperBound) ? third.upperBound : nil
            }
            guard mark == ".", self.value(first) ?? 99 <= 31, self.value(second) ?? 99 <= 12 else { return nil }
            return second.upperBound + 1
        }
        guard first.count == 4, ["19", "20"].contains(self.text.text(first.lowerBound..<first.lowerBound + 2)),
            self.text.scalar(second.upperBound) == mark, let third = self.digits(from: second.upperBound + 1),
            third.count <= 2, self.endsNumber(third.upperBound)
        else { return nil }
        return third.upperBound
    }

    private func endsNumber(_ index: Int) -> Bool {
        guard let mark = self.text.scalar(index) else { return true }
        if ".-/".unicodeScalars.contains(mark) { return !self.text.isDigit(index + 1) }
        return !self.text.isAlphanumeric(index)
    }

    /// `3rd of May 2026`, `3. Mai`, `3 de mayo de 2026`
    private func wordyDate(from start: Int) -> Int? {
        guard let day = self.digits(from: start), day.count <= 2 else { return nil }
        var position = day.upperBound
        for _ in 0..<4 {
            while let scalar = self.text.scalar(position), scalar == " " || scalar == "." || scalar == "," {
                position += 1
            }
            guard let word = self.text.word(at: position) else { return nil }
            if Self.months.contains(word.text) {
                var end = word.range.upperBound
                position = end
                while self.text.scalar(position) == " " || self.text.scalar(position) == "." { position += 1 }
                if self.text.starts(with: "de ", at: position) || self.text.starts(with: "do ", at: position) {
                    position += 3
                }
                if let year = self.digits(from: position), year.count == 4 { end = year.upperBound }
                return end
            }
            guard ["st", "nd", "rd", "th", "of", "de", "er"].contains(word.text) else { return nil }
            position = word.range.upperBound
        }
        return nil
    }

    private static let currencies: Set<String> = [
        "eur", "euro", "euros", "usd", "gbp", "chf", "pln", "zl", "kr", "sek", "dkk", "nok", "dollar", "dollars",
        "pound", "pounds", "cent", "cents", "percent", "prozent",
    ]

    /// `1,299.00 EUR`, `€ 49,90`, `15 %` tell nothing about a person.
    mutating func scanAmounts() {
        for start in self.text.scalars.indices
        where self.text.isDigit(start) && !self.text.isAlphanumeric(start - 1) && !self.settled[start] {
            var end = start
            while self.text.isDigit(end)
                || ((self.text.scalar(end) == "." || self.text.scalar(end) == ",") && self.text.isDigit(end + 1))
            {
                end += 1
            }
            guard end - start <= 12 else { continue }
            var after = end
            while self.text.scalar(after) == " " { after += 1 }
            var before = start - 1
            while before >= 0, self.text.scalars[before] == " " { before -= 1 }
            let signs = "€$£%¥".unicodeScalars
            let isAmount =
                self.text.scalar(after).map(signs.contains) ?? false
                || self.text.scalar(before).map(signs.contains) ?? false
                || self.text.word(at: after).map { Self.currencies.contains($0.text) } ?? false
                || self.text.word(endingAt: before + 1).map { Self.currencies.contains($0.text) } ?? false
            if isAmount { self.settle(start..<end) }
        }
    }

    /// `9.00-17.00`, `8.30`: hours, not a number of somebody.
    mutating func scanTimes() {
        for start in self.text.scalars.indices
        where self.text.isDigit(start) && !self.text.isAlphanumeric(start - 1) && !self.settled[start] {
            var position = start
            while let end = self.time(at: position) {
                position = end
                guard self.text.scalar(end) == "-", self.time(at: end + 1) != nil else { break }
                position = end + 1
            }
            guard position > start, let next = self.text.scalar(position) else {
                if position > start { self.settle(start..<position) }
                continue
            }
            let goesOn = ".-/".unicodeScalars.contains(next) && self.text.isDigit(position + 1)
            if !goesOn, self.text.scalar(start - 1).map({ !".-/+(".unicodeScalars.contains($0) }) ?? true {
                self.settle(start..<position)
            }
        }
    }

    private func time(at start: Int) -> Int? {
        guard let hour = self.digits(from: start), hour.count <= 2, self.value(hour) ?? 99 <= 24,
            self.text.scalar(hour.upperBound) == ".", let minute = self.digits(from: hour.upperBound + 1),
            minute.count == 2, self.value(minute) ?? 99 <= 59
        else { return nil }
        return minute.upperBound
    }
}
