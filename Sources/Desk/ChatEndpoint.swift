package import Answering
internal import ConnectionThread
package import Curl
package import DeskModel
package import DeskStore
internal import Foundation

/// When an endpoint may be asked: not while it rests after failures. Pure.
struct ChatRest: Sendable, Equatable {
    /// Failures in a row after which it rests.
    private static let patience = 3
    private static let firstRest = 60.0
    private static let longestRest = 900.0
    /// What a server may ask for by Retry-After at most.
    private static let longestWait = 3600.0

    private var failures = 0
    private var restsUntil = 0.0

    /// Why nothing may be asked now, if so.
    /// - Parameter now: seconds since 1970.
    func refusal(now: Double) -> ChatFailure? {
        now < self.restsUntil ? ChatFailure(.resting, "\(Int((self.restsUntil - now).rounded(.up))) s") : nil
    }

    mutating func succeeded() { self.failures = 0 }

    /// - Parameter retryAfter: seconds that the server asked for.
    mutating func failed(now: Double, retryAfter: Double?) {
        self.failures += 1
        if let retryAfter { self.restsUntil = max(self.restsUntil, now + min(retryAfter, Self.longestWait)) }
        guard self.failures >= Self.patience else { return }
        var rest = Self.firstRest
        for _ in Self.patience..<min(self.failures, Self.patience + 8) { rest = min(rest * 2, Self.longestRest) }
        self.restsUntil = max(self.restsUntil, now + rest)
    }
}

/// A chat model behind an OpenAI-compatible endpoint: OpenAI, Ollama, vLLM, llama-server.
///
/// One call a draft, no tools, no streaming; time, size and tokens are bounded and a failure is never tried again for
/// the same mail: the extractive draft is there already.
package struct ChatEndpoint: ChatModel {
    /// Octets of an answer; a reply of `maximumTokens` is far smaller.
    private static let answerSize = 256 << 10

    package let isLocal: Bool
    private let settings: ChatSettings
    private let http: HTTPClient
    private let now: @Sendable () -> Double
    private let store: DeskStore
    private let rest = Locked(ChatRest())

    /// - Returns: nil when no endpoint is configured.
    /// - Parameters:
    ///   - store: counts the day's tokens.
    ///   - now: seconds since 1970.
    package init?(
        _ settings: ChatSettings, store: DeskStore, http: HTTPClient = HTTPClient(),
        now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) {
        guard !settings.url.isEmpty else { return nil }
        self.settings = settings
        self.http = http
        self.now = now
        self.isLocal = Self.isLoopback(settings.url)
        self.store = store
    }

    package func complete(_ prompt: ChatPrompt) async throws(ChatFailure) -> String {
        let body = try self.body(prompt)
        // About three octets a token, so that the estimate is rather too high; the server's count replaces it.
        let tokens = body.count / 3 + self.settings.maximumTokens
        if let refusal = self.rest.withLock({ $0.refusal(now: self.now()) }) { throw refusal }
        try await self.take(tokens)
        do {
            let response = try await self.send(body)
            let answer = try Self.answer(response)
            self.rest.withLock { $0.succeeded() }
            if let spent = answer.tokens, spent >= 0 {
                // What cannot be corrected stays taken: the estimate is rather too high.
                try? await self.store.correctChatTokens(by: min(spent, 10 * tokens) - tokens)
            }
            return answer.content
        } catch {
            self.rest.withLock { $0.failed(now: self.now(), retryAfter: error.retryAfter) }
            throw error.failure
        }
    }

    private func take(_ tokens: Int) async throws(ChatFailure) {
        let isTaken: Bool
        do {
            isTaken = try await self.store.takeChatTokens(tokens, limit: self.settings.dailyTokens)
        } catch {
            throw ChatFailure(.overBudget, "the day's tokens cannot be counted")
        }
        guard isTaken else { throw ChatFailure(.overBudget, "\(self.settings.dailyTokens) a day") }
    }

    /// A failure with what the server asked for.
    private struct Refusal: Error {
        let failure: ChatFailure
        var retryAfter: Double?

        init(_ code: ChatFailure.Code, _ context: String = "", retryAfter: Double? = nil) {
            self.failure = ChatFailure(code, context)
            self.retryAfter = retryAfter
        }
    }

    private func send(_ body: [UInt8]) async throws(Refusal) -> HTTPClient.Response {
        let key = self.settings.key.reveal()
        let headers = key.isEmpty ? [] : [(name: "Authorization", value: "Bearer \(key)")]
        let request = HTTPClient.Request.json(
            "\(self.base)/chat/completions", body: body, headers: headers, timeout: self.settings.timeout,
            maximumResponseSize: Self.answerSize)
        let response: HTTPClient.Response
        do {
            response = try await self.http.send(request)
        } catch {
            switch error.code {
            case .timedOut: throw Refusal(.timedOut, "\(self.settings.timeout / .seconds(1)) s")
            case .tooLarge: throw Refusal(.tooLarge, "more than \(Self.answerSize) octets")
            default: throw Refusal(.unreachable, "\(error.code)")
            }
        }
        guard response.isSuccess else {
            throw Refusal(
                .refused, "status \(response.status)", retryAfter: response.retryAfter.map { $0 / .seconds(1) })
        }
        return response
    }

    private var base: String {
        var url = self.settings.url[...]
        while url.last == "/" { url.removeLast() }
        return String(url)
    }

    private func body(_ prompt: ChatPrompt) throws(ChatFailure) -> [UInt8] {
        guard let schema = try? JSONSerialization.jsonObject(with: Data(prompt.schema.utf8)),
            let data = try? JSONSerialization.data(
                withJSONObject: [
                    "model": self.settings.model, "temperature": 0, "stream": false,
                    "max_tokens": self.settings.maximumTokens,
                    "messages": [
                        ["role": "system", "content": prompt.instructions],
                        ["role": "user", "content": prompt.material],
                    ],
                    "response_format": [
                        "type": "json_schema",
                        "json_schema": ["name": prompt.schemaName, "strict": true, "schema": schema],
                    ],
                ], options: [.sortedKeys, .withoutEscapingSlashes])
        else { throw ChatFailure(.malformed, "prompt") }
        return [UInt8](data)
    }

    private struct Completion: Decodable {
        struct Choice: Decodable {
            struct Message: Decodable { var content: String? }
            var message: Message
            var finish_reason: String?
        }

        struct Usage: Decodable { var total_tokens: Int? }
        var choices: [Choice]
        var usage: Usage?
    }

    private static func answer(_ response: HTTPClient.Response) throws(Refusal) -> (content: String, tokens: Int?) {
        guard let completion = try? JSONDecoder().decode(Completion.self, from: Data(response.body)),
            let choice = completion.choices.first
        else { throw Refusal(.malformed, "no completion") }
        // `length` cuts the JSON off, `tool_calls` answers something else.
        guard choice.finish_reason == "stop" else { throw Refusal(.unfinished, choice.finish_reason ?? "no reason") }
        return (choice.message.content ?? "", completion.usage?.total_tokens)
    }

    /// Whether a URL names this machine by a loopback name or address.
    static func isLoopback(_ url: String) -> Bool {
        guard let host = URLComponents(string: url)?.host?.lowercased() else { return false }
        return host == "localhost" || host == "[::1]" || host == "::1" || Self.isLoopbackAddress(host)
    }

    private static func isLoopbackAddress(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } && parts[0] == "127"
    }
}

extension ChatDrafter {
    /// The configured model's drafter; nil when none is configured.
    package init?(_ settings: DraftSettings, store: DeskStore) {
        guard let endpoint = ChatEndpoint(settings.chat, store: store) else { return nil }
        self.init(
            model: endpoint, mask: Self.masking(own: [settings.signature]), linkHosts: settings.linkHosts,
            signature: settings.signature, templates: settings.templates)
    }

    /// Takes out of a mail what says who wrote it, and puts it back into the reply.
    /// - Parameter own: names of the shop, which may stay.
    static func masking(own: [String]) -> Mask {
        { text, question in
            let known = KnownIdentities(names: [question.customerName].compactMap(\.self), own: own)
            let masked = Masking(known).mask(text)
            return (masked.text, { masked.restoring($0) })
        }
    }
}

/// Where a chat model is asked to word drafts.
package struct ChatSettings: Sendable {
    /// Up to and with `/v1`; empty means that drafts are made without a model.
    package var url = ""
    package var model = ""
    package var key = Secret("")
    /// For one call.
    package var timeout: Duration = .seconds(20)
    /// Of one answer.
    package var maximumTokens = 600
    /// Prompts and answers of one day (UTC), of all hosts.
    package var dailyTokens = 500_000

    package init() {}
}
