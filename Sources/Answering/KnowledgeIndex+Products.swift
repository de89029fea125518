extension KnowledgeIndex {
    /// Products that a text names in their own words, in whatever case.
    package func products(namedIn text: String) -> Set<String> {
        guard !self.products.isEmpty else { return [] }
        let words = " " + Words.all(in: text).joined(separator: " ") + " "
        let named = self.products.filter { !$0.value.isEmpty && words.contains(" \($0.value.joined(separator: " ")) ") }
        // "Milo" is not what "Milo Mini" is about.
        return Set(
            named.keys.filter { name in
                let own = " \(named[name, default: []].joined(separator: " ")) "
                let longer = named.values.map { " \($0.joined(separator: " ")) " }.filter {
                    $0 != own && $0.contains(own)
                }
                return Self.count(own, in: words) > longer.reduce(0) { $0 + Self.count($1, in: words) }
            })
    }

    private static func count(_ phrase: String, in words: String) -> Int {
        words.indices.count { words[$0...].hasPrefix(phrase) }
    }
}
