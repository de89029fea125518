/// Everybody whom a text may be about: their names and addresses are masked wherever they stand.
package struct KnownIdentities: Sendable {
    /// Of persons, as they write themselves: `Ann Smith`, `Smith, Ann`.
    package var names: [String]
    /// Mail addresses; their local parts name persons and their domains companies.
    package var addresses: [String]
    /// Order numbers and the like that stand anywhere on the ticket.
    package var numbers: [String]
    /// What may stay although it looks like a name: the shop's own names and domains.
    package var own: [String]

    package init(names: [String] = [], addresses: [String] = [], numbers: [String] = [], own: [String] = []) {
        self.names = names
        self.addresses = addresses
        self.numbers = numbers
        self.own = own
    }
}

/// Takes out of a text what says who it is about.
///
/// Two ways, both always: everything known of the people on the ticket, in whatever form they write it, and patterns of
/// what nobody told us of. In doubt it masks: a lost word costs a sentence, a name that stays costs a customer.
package struct Masking: Sendable {
    /// What was masked; the word stands in the text instead.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case name, company
        case postalAddress = "postal address"
        case mailAddress = "mail address"
        case phone = "phone number"
        case orderNumber = "order number"
        case number
        case account = "bank account"
        case card = "card number"
        case link, date
        /// What repeats somebody's own words.
        case quotation
    }

    let names: NameTable
    let numbers: Set<String>
    let masksDates: Bool
    private let quotes: QuoteScan

    /// - Parameters:
    ///   - masksDates: whether full dates go as well: in what is kept for other customers they do.
    ///   - quoted: what somebody wrote; nothing may repeat it word for word.
    package init(
        _ known: KnownIdentities = KnownIdentities(), masksDates: Bool = false, quoted: [String] = []
    ) {
        self.quotes = QuoteScan(quoted)
        self.names = NameTable(known)
        self.numbers = Set(known.numbers.map { FoldedText($0) }.map { $0.text(0..<$0.scalars.count) })
        self.masksDates = masksDates
    }

    /// The text with a word in brackets for each thing that was taken out: `[name]`, for another one `[name 2]`.
    package func mask(_ text: String) -> MaskedText {
        let folded = FoldedText(text)
        var scan = NumberScan(folded, numbers: self.numbers, masksDates: self.masksDates)
        var spans = scan.spans()
        spans += NameScan(folded, table: self.names).spans()
        spans += self.quotes.spans(in: folded)
        let places = PlaceScan(folded).spans()
        spans += places + AddresseeScan(folded, addresses: places).spans()
        return MaskedText(folded, Self.merged(spans))
    }

    struct Span: Sendable {
        var range: Range<Int>
        var kind: Kind
    }

    /// Ascending and apart from each other; of those that overlap the longest names the whole.
    private static func merged(_ spans: [Span]) -> [Span] {
        let sorted = spans.filter { !$0.range.isEmpty }.sorted {
            ($0.range.lowerBound, $1.range.count) < ($1.range.lowerBound, $0.range.count)
        }
        var result: [Span] = []
        var longest = 0
        for span in sorted {
            guard let last = result.last, span.range.lowerBound < last.range.upperBound else {
                result.append(span)
                longest = span.range.count
                continue
            }
            let end = max(last.range.upperBound, span.range.upperBound)
            result[result.count - 1].range = last.range.lowerBound..<end
            if span.range.count > longest {
                result[result.count - 1].kind = span.kind
                longest = span.range.count
            }
        }
        return result
    }
}

/// A text after masking, with the way back for whoever holds it.
package struct MaskedText: Sendable {
    package struct Spot: Sendable, Hashable {
        package let kind: Masking.Kind
        /// What stands in the text: `[name]`.
        package let placeholder: String
        /// What was written.
        package let original: String
    }

    package let text: String
    /// One for each different thing, in the order in which they first stand.
    package let spots: [Spot]

    init(_ folded: FoldedText, _ spans: [Masking.Span]) {
        var text = String.UnicodeScalarView()
        var spots: [Spot] = []
        var known: [String: String] = [:]
        var counts: [Masking.Kind: Int] = [:]
        var position = 0
        for span in spans {
            let written = folded.written(span.range)
            guard written.lowerBound >= position else { continue }
            text.append(contentsOf: folded.original[position..<written.lowerBound])
            let key = "\(span.kind.rawValue):\(folded.text(span.range))"
            if known[key] == nil {
                let count = counts[span.kind, default: 0] + 1
                counts[span.kind] = count
                let placeholder = count == 1 ? "[\(span.kind.rawValue)]" : "[\(span.kind.rawValue) \(count)]"
                known[key] = placeholder
                spots.append(
                    Spot(
                        kind: span.kind, placeholder: placeholder,
                        original: FoldedText.text(folded.original[written])))
            }
            text.append(contentsOf: (known[key] ?? "").unicodeScalars)
            position = written.upperBound
        }
        text.append(contentsOf: folded.original[position...])
        self.text = String(text)
        self.spots = spots
    }

    /// A text that speaks of the same things by their placeholders, with the things put back.
    package func restoring(_ text: String) -> String {
        // The longer ones first: `[name 2]` before `[name]` cannot be confused, but one pass must not feed the next.
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "[") {
            result += rest[..<open]
            rest = rest[open...]
            if let spot = self.spots.first(where: { rest.hasPrefix($0.placeholder) }) {
                result += spot.original
                rest = rest.dropFirst(spot.placeholder.count)
            } else {
                result.append("[")
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    /// A text without its masked spots, as it is matched with others.
    package static func withoutSpots(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "[") {
            result += rest[..<open]
            rest = rest[open...]
            let kind = Masking.Kind.allCases.first { rest.dropFirst().hasPrefix($0.rawValue) }
            if let kind, let close = rest.prefix(kind.rawValue.count + 8).firstIndex(of: "]") {
                rest = rest[rest.index(after: close)...]
            } else {
                result.append("[")
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    /// Whether a text names something that was masked.
    package static func hasSpot(_ text: some StringProtocol) -> Bool {
        text.contains("[") && Masking.Kind.allCases.contains { text.contains("[\($0.rawValue)") }
    }
}
