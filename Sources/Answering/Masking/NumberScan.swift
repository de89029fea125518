/// Finds what is written with digits: accounts, cards, phones, order numbers, codes, dates, links and mail addresses.
///
/// One pass over the text for each sort, none of which looks further than a bounded distance ahead.
struct NumberScan {
    let text: FoldedText
    private let known: Set<String>
    let masksDates: Bool
    private var found: [Masking.Span] = []
    /// Dates, amounts and harmless links: their digits are not looked at again.
    private(set) var settled: [Bool]

    init(_ text: FoldedText, numbers: Set<String>, masksDates: Bool) {
        self.text = text
        self.known = numbers
        self.masksDates = masksDates
        self.settled = [Bool](repeating: false, count: text.scalars.count)
    }

    mutating func spans() -> [Masking.Span] {
        self.scanLinks()
        self.scanMailAddresses()
        self.scanAccounts()
        self.scanDates()
        self.scanTimes()
        self.scanAmounts()
        self.scanNamedNumbers()
        self.scanCodes()
        self.scanRuns()
        return self.found
    }

    mutating func add(_ range: Range<Int>, _ kind: Masking.Kind) {
        self.found.append(Masking.Span(range: range, kind: kind))
        self.settle(range)
    }

    mutating func settle(_ range: Range<Int>) { for index in range { self.settled[index] = true } }

    func isFree(_ range: Range<Int>) -> Bool { range.allSatisfy { !self.settled[$0] } }

    // MARK: - Links and mail addresses

    private mutating func scanLinks() {
        var index = 0
        while index < self.text.scalars.count {
            guard self.text.scalars[index] == ":" || self.text.scalars[index] == "." else {
                index += 1
                continue
            }
            var start = index
            while start > 0, index - start < 10, self.text.isLetter(start - 1) { start -= 1 }
            let word = self.text.text(start..<index)
            let isLink =
                (word == "www" && self.text.scalars[index] == ".")
                || (self.text.scalar(index + 1) == "/" && self.text.scalar(index + 2) == "/" && !word.isEmpty)
            guard isLink else {
                index += 1
                continue
            }
            var end = index
            while let scalar = self.text.scalar(end), !" \n<>\"".unicodeScalars.contains(scalar) { end += 1 }
            let digits = (start..<end).reduce(into: (run: 0, longest: 0)) { count, position in
                count.run = self.text.isDigit(position) ? count.run + 1 : 0
                count.longest = max(count.longest, count.run)
            }.longest
            let isPersonal = (start..<end).contains { "?@=".unicodeScalars.contains(self.text.scalars[$0]) }
            if isPersonal || digits >= 5 { self.add(start..<end, .link) } else { self.settle(start..<end) }
            index = end
        }
    }

    private mutating func scanMailAddresses() {
        for index in self.text.scalars.indices where !self.settled[index] {
            let scalar = self.text.scalars[index]
            var right = index + 1
            var left = index
            if scalar != "@" {
                // `ann (at) customer (dot) example`, `ann at customer dot example`
                guard let end = self.spelledSign("at", from: index) else { continue }
                right = end
                if "([{<".unicodeScalars.contains(scalar) == false, !self.saysDot(after: right) { continue }
            }
            while self.text.scalar(left - 1) == " ", index - left < 2 { left -= 1 }
            let localEnd = left
            while left > 0, localEnd - left < 128, self.isLocal(self.text.scalars[left - 1]) { left -= 1 }
            while self.text.scalar(right) == " ", right - index < 8 { right += 1 }
            let domainStart = right
            right = self.domainEnd(from: right)
            guard right > domainStart else { continue }
            if left < localEnd {
                self.add(left..<right, .mailAddress)
            } else if scalar == "@", domainStart == index + 1 {
                self.add(index..<right, .name)  // `@ann` on some other service
            }
        }
    }

    private func isLocal(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isFoldedDigit || scalar.isFoldedLetter || "._%+-'!#$&*/=?^{|}~".unicodeScalars.contains(scalar)
    }

    /// The end of `(at)`, `[at]`, ` at ` that begins here.
    private func spelledSign(_ word: String, from index: Int) -> Int? {
        guard let first = self.text.scalar(index), "([{< ".unicodeScalars.contains(first) else { return nil }
        var position = index + 1
        while self.text.scalar(position) == " ", position - index < 3 { position += 1 }
        for scalar in word.unicodeScalars {
            guard self.text.scalar(position) == scalar else { return nil }
            position += 1
        }
        while self.text.scalar(position) == " ", first != " " { position += 1 }
        guard let last = self.text.scalar(position), ")]}> ".unicodeScalars.contains(last) else { return nil }
        guard (first == " ") == (last == " ") else { return nil }
        return position + 1
    }

    private func saysDot(after index: Int) -> Bool {
        (index..<min(index + 40, self.text.scalars.count)).contains { self.spelledSign("dot", from: $0) != nil }
    }

    private func domainEnd(from start: Int) -> Int {
        var end = start
        while end - start < 253 {
            if let next = self.text.scalar(end), next.isFoldedDigit || next.isFoldedLetter || next == "-" {
                end += 1
            } else if self.text.scalar(end) == ".", self.text.isAlphanumeric(end + 1) {
                end += 1
            } else if let dot = self.spelledSign("dot", from: end)
                ?? (self.text.scalar(end) == " " ? self.spelledSign("dot", from: end + 1) : nil)
            {
                end = dot
                while self.text.scalar(end) == " " { end += 1 }
            } else if self.text.scalar(end) == " ", self.text.scalar(end + 1) == ".", self.text.scalar(end + 2) == " " {
                end += 3
            } else {
                break
            }
        }
        return end
    }

    // MARK: - Accounts

    /// IBANs by their checksum (ISO 13616), however they are cut into groups.
    private mutating func scanAccounts() {
        for start in self.text.scalars.indices
        where self.text.isLetter(start) && self.text.isLetter(start + 1) && !self.text.isAlphanumeric(start - 1) {
            var value = 0
            var tail = 0
            var count = 0
            var digits = 0
            var best: Int?
            var position = start
            var gap = 0
            while count < 34, position < self.text.scalars.count {
                let scalar = self.text.scalars[position]
                guard scalar.isASCII, scalar.isFoldedDigit || scalar.isFoldedLetter else {
                    gap += 1
                    guard gap <= 2, " -.\n/_".unicodeScalars.contains(scalar) else { break }
                    position += 1
                    continue
                }
                gap = 0
                let number = scalar.isFoldedDigit ? Int(scalar.value) - 48 : Int(scalar.value) - 87
                digits += scalar.isFoldedDigit ? 1 : 0
                let width = number > 9 ? 100 : 10
                // The first four are read last.
                if count < 4 {
                    guard scalar.isFoldedDigit == (count >= 2) else { break }
                    tail = tail * width + number
                } else {
                    value = (value * width + number) % 97
                }
                count += 1
                position += 1
                if count >= 15, digits >= 8, !self.text.isAlphanumeric(position),
                    (value * 1_000_000 + tail) % 97 == 1
                {
                    best = position
                }
            }
            if let best, self.isFree(start..<best) { self.add(start..<best, .account) }
        }
    }

    // MARK: - Numbers of orders and people

    private static let orderWords: Set<String> = [
        "order", "orders", "ordernumber", "invoice", "parcel", "tracking", "shipment", "customer", "reference", "ref",
        "booking", "ticket", "case", "account", "serial", "bestellung", "bestellnummer", "bestellnr", "auftrag",
        "auftragsnummer", "rechnung", "rechnungsnummer", "kundennummer", "sendungsnummer", "commande", "facture",
        "suivi", "pedido", "factura", "ordine", "fattura", "bestelling", "bestelnummer", "factuur", "zamowienie",
        "zamowienia", "faktura", "encomenda", "fatura", "passport", "bic", "swift", "vat", "iban", "pin", "code",
    ]
    private static let numberWords: Set<String> = [
        "number", "no", "nr", "num", "nummer", "numero", "id", "is", "ist", "n", "the", "my", "lautet", "est", "es",
        "e", "numer", "de", "do", "code",
    ]

    /// `#4711`, `order no. A-17`, and numbers that are known from elsewhere on the ticket.
    private mutating func scanNamedNumbers() {
        for token in self.text.tokens() where self.isFree(token) {
            let hasDigit = token.contains { self.text.isDigit($0) }
            guard hasDigit else { continue }
            let written = self.text.text(token)
            if self.known.contains(written) || self.isNamed(token) || self.text.scalar(token.lowerBound - 1) == "#" {
                guard token.count >= 3 || self.known.contains(written) else { continue }
                let hash = self.text.scalar(token.lowerBound - 1) == "#" ? 1 : 0
                self.add(token.lowerBound - hash..<token.upperBound, .orderNumber)
            }
        }
    }

    /// What the text itself calls the number of an order, in order.
    func orders() -> [Range<Int>] {
        self.text.tokens().filter { token in
            token.count >= 4 && token.count <= 24 && token.contains { self.text.isDigit($0) }
                && self.isNamed(token, by: Self.strictOrderWords)
        }
    }

    /// Words that name an order and nothing else.
    private static let strictOrderWords: Set<String> = [
        "order", "ordernumber", "bestellung", "bestellnummer", "bestellnr", "auftrag", "auftragsnummer", "commande",
        "pedido", "ordine", "bestelling", "bestelnummer", "zamowienie", "zamowienia", "encomenda",
    ]

    private func isNamed(_ token: Range<Int>, by names: Set<String> = Self.orderWords) -> Bool {
        // A year or a count after `order` is none: three letters and digits, or four digits that are no year.
        let digits = token.count { self.text.isDigit($0) }
        guard digits >= 3 || token.count > digits && token.count >= 4 else { return false }
        var position = token.lowerBound
        for _ in 0..<4 {
            while let scalar = self.text.scalar(position - 1), " .:#()=\"'*".unicodeScalars.contains(scalar) {
                position -= 1
            }
            guard let word = self.text.word(endingAt: position) else { return false }
            if names.contains(word.text) { return true }
            guard Self.numberWords.contains(word.text) else { return false }
            position = word.range.lowerBound
        }
        return false
    }

    private static let units: Set<String> = Set(
        """
        ml l cl g kg mg mm cm m km gb mb tb mah wh w kw v hz p k x st nd rd th h min s d eur usd gbp px dpi rpm oz lb lbs
        in ft er e ste te de
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    /// Tokens of letters and digits that name one thing: `1Z999AA10123456784`, `FD-10442`.
    private mutating func scanCodes() {
        for token in self.text.tokens() where self.isFree(token) {
            let digits = token.count { self.text.isDigit($0) }
            let letters = token.count { self.text.isLetter($0) }
            guard digits >= 2, letters >= 1, token.count >= 6 else { continue }
            let lead = token.prefix { self.text.isDigit($0) }
            if lead.count == digits, Self.units.contains(self.text.text(lead.endIndex..<token.upperBound)) { continue }
            if digits >= 4 || letters + digits >= 8 { self.add(token, digits >= 4 ? .orderNumber : .number) }
        }
    }

    /// Everything else with five digits or more, however it is grouped.
    private mutating func scanRuns() {
        var index = 0
        while index < self.text.scalars.count {
            guard self.text.isDigit(index), !self.settled[index] else {
                index += 1
                continue
            }
            var end = index
            var count = 0
            var position = index
            var gap = 0
            while position < self.text.scalars.count, gap <= 3 {
                if self.settled[position] { break }
                if self.text.isDigit(position) {
                    count += 1
                    gap = 0
                    end = position + 1
                } else if " -./()_\n".unicodeScalars.contains(self.text.scalars[position]) {
                    gap += 1
                } else {
                    break
                }
                position += 1
            }
            self.judge(index..<end, digits: count)
            index = end
        }
    }

    private mutating func judge(_ range: Range<Int>, digits: Int) {
        // Over a line end only a card goes on: two numbers under each other are two.
        if range.contains(where: { self.text.scalars[$0] == "\n" }), !self.isCard(range) {
            var start = range.lowerBound
            for position in Array(range) + [range.upperBound]
            where position == range.upperBound || self.text.scalars[position] == "\n" {
                let part = start..<position
                let own = part.count { self.text.isDigit($0) }
                if own > 0 { self.judge(part, digits: own) }
                start = position + 1
            }
            return
        }
        guard digits >= 5 else { return }
        var start = range.lowerBound
        while let before = self.text.scalar(start - 1), "+(".unicodeScalars.contains(before),
            range.lowerBound - start < 2
        {
            start -= 1
        }
        let whole = start..<range.upperBound
        if self.isCard(range) { return self.add(whole, .card) }
        let isDialled = self.text.scalar(start) != self.text.scalar(range.lowerBound) || self.text.scalar(start) == "0"
        self.add(whole, isDialled && (6...16).contains(digits) ? .phone : digits > 16 ? .number : .orderNumber)
    }

    /// 13 to 19 digits with a right check digit (ISO/IEC 7812).
    private func isCard(_ range: Range<Int>) -> Bool {
        let digits = range.filter { self.text.isDigit($0) }.map { Int(self.text.scalars[$0].value) - 48 }
        guard (13...19).contains(digits.count) else { return false }
        let sum = digits.reversed().enumerated().reduce(0) { sum, entry in
            let value = entry.offset % 2 == 1 ? entry.element * 2 : entry.element
            return sum + (value > 9 ? value - 9 : value)
        }
        return sum % 10 == 0
    }

    func digits(from start: Int) -> Range<Int>? {
        var end = start
        while self.text.isDigit(end), end - start < 20 { end += 1 }
        return end > start ? start..<end : nil
    }

    func value(_ digits: Range<Int>) -> Int? { Int(self.text.text(digits)) }
}
