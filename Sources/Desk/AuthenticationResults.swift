internal import DeskModel

/// The verdict of the mail server that handed us a mail. RFC 8601.
enum AuthenticationResults {
    /// Whether DMARC passed (true) or failed (false) by the topmost field of a believed authserv-id; nil when there is
    /// no such field or it does not speak of DMARC.
    ///
    /// Fields below the first Received of our own border may be forged by anyone, so reading stops there. A local
    /// delivery agent (`with LMTP`) adds its own Received above the border's results; it is passed over.
    static func isAligned(_ message: InboundMessage, authservIDs: [String]) -> Bool? {
        for field in message.headers {
            let name = field.name.lowercased()
            if name == "received" {
                if field.value.lowercased().contains(" with lmtp") { continue }
                return nil
            }
            guard name == "authentication-results" else { continue }
            let parts = Self.withoutComments(field.value).split(separator: ";", omittingEmptySubsequences: false)
            let server = parts.first?.split(separator: " ").first.map { $0.lowercased() } ?? ""
            guard authservIDs.contains(where: { $0.lowercased() == server }) else { continue }
            for part in parts.dropFirst() {
                let words = part.split(whereSeparator: \.isWhitespace).map { $0.lowercased() }
                guard let verdict = words.first(where: { $0.hasPrefix("dmarc=") }) else { continue }
                return verdict == "dmarc=pass"
            }
            return nil
        }
        return nil
    }

    /// RFC 5322 comments in parentheses may nest and may hold anything.
    private static func withoutComments(_ text: String) -> String {
        var result = ""
        var depth = 0
        var escaped = false
        for character in text {
            if escaped {
                escaped = false
                if depth == 0 { result.append(character) }
            } else if character == "\\" {
                escaped = true
            } else if character == "(" {
                depth += 1
            } else if character == ")" {
                depth = max(0, depth - 1)
            } else if depth == 0 {
                result.append(character)
            }
        }
        return result
    }
}
