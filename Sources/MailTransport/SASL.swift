package import DeskModel

internal import struct Foundation.Data

/// Who we are to a mail server.
package enum SASLCredential: Sendable {
    case password(user: String, Secret)
    /// The token is asked for at each login, so that it is fresh.
    case oauth2(user: String, token: @Sendable () async throws -> Secret)
}

/// One SASL conversation: what we say, in order. RFC 4616 (PLAIN), RFC 7628 (OAUTHBEARER).
struct SASLConversation: Sendable {
    let mechanism: String
    /// What the server said when it refused a token, decoded; nil until then.
    private(set) var refusal: String?
    private var answers: [[UInt8]]
    /// Ends the conversation after a refused token; the server's own verdict follows.
    private let acknowledgement: [UInt8]
    private let sendsFirst: Bool

    /// Picks the best mechanism that both sides know.
    /// - Parameter offered: names in upper case, without `AUTH=`.
    /// - Returns: nil when there is none.
    /// - Throws: `.unavailable` or what the token source threw.
    static func choose(
        _ credential: SASLCredential, offered: Set<String>, endpoint: MailEndpoint
    ) async throws(MailError) -> SASLConversation? {
        switch credential {
        case .password(let user, let password):
            let (name, secret) = (Array(user.utf8), Array(password.reveal().utf8))
            if offered.contains("PLAIN") {
                guard !name.contains(0), !secret.contains(0) else {
                    throw MailError(.invalidArgument, "user and password must not hold NUL")
                }
                return SASLConversation("PLAIN", sendsFirst: true, [[0] + name + [0] + secret])
            }
            guard offered.contains("LOGIN") else { return nil }
            return SASLConversation("LOGIN", sendsFirst: false, [name, secret])
        case .oauth2(let user, let token):
            guard !offered.isDisjoint(with: ["OAUTHBEARER", "XOAUTH2"]) else { return nil }
            let secret = try await Self.reveal(token)
            guard !(user + secret).utf8.contains(where: { $0 < 0x20 }) else {
                throw MailError(.invalidArgument, "user and token must not hold control characters")
            }
            if offered.contains("OAUTHBEARER") {
                let escaped = user.replacing("=", with: "=3D").replacing(",", with: "=2C")
                let text =
                    "n,a=\(escaped),\u{1}host=\(endpoint.host)\u{1}port=\(endpoint.port)\u{1}"
                    + "auth=Bearer \(secret)\u{1}\u{1}"
                return SASLConversation("OAUTHBEARER", sendsFirst: true, [Array(text.utf8)], acknowledgement: [1])
            }
            let text = "user=\(user)\u{1}auth=Bearer \(secret)\u{1}\u{1}"
            return SASLConversation("XOAUTH2", sendsFirst: true, [Array(text.utf8)])
        }
    }

    private init(_ mechanism: String, sendsFirst: Bool, _ answers: [[UInt8]], acknowledgement: [UInt8] = []) {
        self.mechanism = mechanism
        self.sendsFirst = sendsFirst
        self.answers = answers
        self.acknowledgement = acknowledgement
    }

    /// The initial response in base64, for servers that take it with the command; nil when the server speaks first.
    mutating func initialResponse() -> String? {
        guard self.sendsFirst, !self.answers.isEmpty else { return nil }
        return Self.encode(self.answers.removeFirst())
    }

    /// The answer to a challenge, both in base64.
    /// - Throws: `.protocolViolation` when the server asks for more than there is to say.
    mutating func answer(to challenge: String) throws(MailError) -> String {
        if !self.answers.isEmpty { return Self.encode(self.answers.removeFirst()) }
        guard self.refusal == nil, self.mechanism == "OAUTHBEARER" || self.mechanism == "XOAUTH2" else {
            throw MailError(.protocolViolation, "the server asks on after the last answer of \(self.mechanism)")
        }
        let decoded = Data(base64Encoded: challenge).map { String(decoding: $0, as: UTF8.self) }
        self.refusal = MailError.printable(decoded ?? "")
        return Self.encode(self.acknowledgement)
    }

    private static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    private static func reveal(_ token: @Sendable () async throws -> Secret) async throws(MailError) -> String {
        do {
            return try await token().reveal()
        } catch let error as MailError {
            throw error
        } catch {
            throw MailError(.unavailable, "no access token: \(error)")
        }
    }
}
