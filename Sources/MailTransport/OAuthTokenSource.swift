package import Curl
package import DeskModel
package import Foundation
package import Logging

/// Access tokens by the refresh-token grant, fetched before the old one expires. RFC 6749 §6.
///
/// Callers that ask at the same time share one request.
package actor OAuthTokenSource {
    private struct Answer: Decodable {
        let access_token: String?
        let expires_in: Double?
        let refresh_token: String?
        let error: String?
    }

    private let url: String
    private let clientID: String
    private let clientSecret: Secret
    private let configured: Secret
    private var refreshToken: Secret
    private let memory: RotatedToken?
    private let scope: String?
    private let http: HTTPClient
    private let now: @Sendable () -> ContinuousClock.Instant
    private var token: (secret: Secret, renewal: ContinuousClock.Instant)?
    private var refresh: Task<Result<Secret, MailError>, Never>?

    /// - Parameters:
    ///   - clientSecret: empty for public clients.
    ///   - memory: a file that keeps a refresh token the issuer gave in the place of this one; nil forgets it at the end
    ///     of the process.
    ///   - now: the monotonic clock; tests bring their own.
    package init(
        url: String, clientID: String, clientSecret: Secret, refreshToken: Secret, scope: String? = nil,
        memory: URL? = nil, http: HTTPClient = HTTPClient(),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.url = url
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.configured = refreshToken
        self.memory = memory.map { RotatedToken(file: $0) }
        self.refreshToken = self.memory?.successor(of: refreshToken) ?? refreshToken
        self.scope = scope
        self.http = http
        self.now = now
    }

    /// A token that is good for a while yet.
    /// - Throws: `MailError`: `.authenticationFailed` when the grant is refused (a person must log in again),
    ///   `.unavailable` when the issuer cannot just now.
    package func accessToken(logger: Logger) async throws -> Secret {
        if let token = self.token, self.now() < token.renewal { return token.secret }
        if let running = self.refresh { return try await running.value.get() }
        let task = Task { await self.fetch(logger) }
        self.refresh = task
        defer { self.refresh = nil }
        return try await task.value.get()
    }

    /// Forgets the token after a server has refused it; the next call fetches a new one.
    package func invalidate() { self.token = nil }

    private func fetch(_ logger: Logger) async -> Result<Secret, MailError> {
        var fields = [
            ("grant_type", "refresh_token"), ("client_id", self.clientID),
            ("refresh_token", self.refreshToken.reveal()),
        ]
        if !self.clientSecret.isEmpty { fields.append(("client_secret", self.clientSecret.reveal())) }
        if let scope = self.scope { fields.append(("scope", scope)) }
        let form = fields.map { "\($0)=\(Self.escape($1))" }.joined(separator: "&")
        let response: HTTPClient.Response
        do {
            response = try await self.http.send(
                HTTPClient.Request(
                    .post, self.url,
                    headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")],
                    body: Array(form.utf8), maximumResponseSize: 64 << 10))
        } catch {
            return .failure(MailError(error))
        }
        let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body))
        guard response.isSuccess, let answer, let text = answer.access_token, !text.isEmpty else {
            let refusal = Self.refusal(status: response.status, error: answer?.error)
            if refusal.code == .authenticationFailed { self.tryAnother() }
            return .failure(refusal)
        }
        let secret = Secret(text)
        let lifetime = min(max(answer.expires_in ?? 3600, 0), 86_400)
        // Renewed a minute early, or after nine tenths of a short life.
        self.token = (secret, self.now() + .seconds(max(lifetime - 60, lifetime * 0.9 - 1)))
        if let rotated = answer.refresh_token, !rotated.isEmpty, rotated != self.refreshToken.reveal() {
            self.keep(Secret(rotated), logger)
        }
        return .success(secret)
    }

    /// After a refused grant: another process may have been given a newer token, or the configured one may be good still.
    private func tryAnother() {
        let kept = self.memory?.successor(of: self.configured)
        self.refreshToken = kept.flatMap { $0.reveal() == self.refreshToken.reveal() ? nil : $0 } ?? self.configured
    }

    private func keep(_ rotated: Secret, _ logger: Logger) {
        self.refreshToken = rotated
        do {
            try self.memory?.keep(rotated, of: self.configured)
        } catch {
            logger.warning(
                "the issuer gave a new refresh token and it could not be kept: after a restart a person may have to log in",
                metadata: .with([.error: "\(error)"]))
        }
    }

    private static func refusal(status: Int, error: String?) -> MailError {
        let context = "the token issuer answered \(status) \(MailError.printable(error ?? ""))"
        let isFinal = (400..<500).contains(status) && status != 408 && status != 429
        return MailError(isFinal ? .authenticationFailed : .unavailable, context)
    }

    private static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
