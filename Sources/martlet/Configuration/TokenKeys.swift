import Desk
import DeskModel

/// The keys that sign tokens in Message-IDs: the first one signs, all verify, so that keys can be changed without losing
/// threads.
enum TokenKeys {
    /// Shorter secrets are refused, in characters.
    static let shortest = 32

    /// From the credential `token-key` (or `MARTLET_TOKEN_KEY`), else `token_key_file`, else `token_keys`.
    ///
    /// A credential or file holds `id: secret` on each line, or a secret alone, whose id is then `k1`.
    static func read(_ reader: inout ConfigurationReader) -> [TokenKey] {
        let credential = reader.secret(["token", "key"])
        // Behind a credential the file may not even be readable for the service.
        let text = credential ?? reader.secret(["token_key"])
        reader.expect([["token_key"], ["token_key_file"]])
        var pairs = text.map(Self.parse) ?? []
        for id in reader.file.children(of: ["token_keys"]) {
            guard let secret = reader.secret(["token_keys", id]), pairs.allSatisfy({ $0.id != id }) else { continue }
            pairs.append((id, secret))
        }
        var keys: [TokenKey] = []
        for (id, secret) in pairs {
            if let complaint = Self.complaint(id: id, secret: secret, earlier: keys) {
                // What stands where an id belongs may be a secret: it is not repeated unless it looks like an id.
                let key = Self.isID(id) ? "token_keys.\(id)" : "token_keys"
                reader.report([ConfigurationProblem(key, complaint, remedy: Self.remedy)])
            } else {
                keys.append(TokenKey(id: id, secret: secret))
            }
        }
        return keys
    }

    /// Lines `id: secret`, or one secret.
    static func parse(_ text: Secret) -> [(id: String, secret: Secret)] {
        let lines = text.reveal().split(whereSeparator: \.isNewline).map { $0.trimmingWhitespace() }
        return lines.filter { !$0.isEmpty }.map { line in
            guard let colon = line.firstIndex(of: ":") else { return ("k1", Secret(line)) }
            return (
                line[..<colon].trimmingWhitespace(),
                Secret(line[line.index(after: colon)...].trimmingWhitespace())
            )
        }
    }

    /// A new secret of 32 random bytes, as 64 hexadecimal digits.
    static func random() -> Secret {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Secret(bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
    }

    private static let remedy = "run martlet setup --token-key, which makes one"

    private static func isID(_ id: String) -> Bool {
        (1...8).contains(id.count) && id.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber) }
    }

    private static func complaint(id: String, secret: Secret, earlier: [TokenKey]) -> String? {
        if !Self.isID(id) { return "an id is not 1 to 8 lower-case letters and digits" }
        if earlier.contains(where: { $0.id == id }) { return "the id is used twice" }
        return secret.reveal().count < Self.shortest ? "the secret is shorter than \(Self.shortest) characters" : nil
    }
}
