import Curl
import Desk
import DeskModel
import Foundation

/// Checks the endpoint of the chat model by asking which models it has: no mail, no tokens.
struct ChatCheck {
    let settings: ChatSettings
    var http = HTTPClient()

    private static let check = "chat model"
    private static let size = 1 << 20

    private struct Listing: Decodable {
        struct Model: Decodable { let id: String }
        let data: [Model]
    }

    /// Nothing where no endpoint is configured.
    func findings() async -> [Finding] {
        guard !self.settings.url.isEmpty else { return [] }
        guard let parts = URLComponents(string: self.settings.url), parts.host != nil,
            ["http", "https"].contains(parts.scheme?.lowercased() ?? "")
        else {
            return [
                .fail(
                    Self.check, "draft.chat.url is not the URL of an endpoint",
                    "write http://HOST:PORT/v1 or https://HOST/v1")
            ]
        }
        var url = self.settings.url[...]
        while url.last == "/" { url.removeLast() }
        let key = self.settings.key.reveal()
        let request = HTTPClient.Request(
            .get, "\(url)/models", headers: key.isEmpty ? [] : [(name: "Authorization", value: "Bearer \(key)")],
            timeout: .seconds(10), maximumResponseSize: Self.size)
        do {
            let response = try await self.http.send(request)
            return [self.judged(status: response.status, body: response.body)]
        } catch {
            return [self.explained(error)]
        }
    }

    /// The URL's host; the rest may hold a secret.
    private var host: String {
        guard let parts = URLComponents(string: self.settings.url), let host = parts.host else {
            return "draft.chat.url"
        }
        return parts.port.map { "\(host):\($0)" } ?? host
    }

    func judged(status: Int, body: [UInt8]) -> Finding {
        switch status {
        case 200..<300: break
        case 401, 403:
            return .fail(
                Self.check, "\(self.host) refuses the key (status \(status)); drafts are made without the model",
                self.settings.key.isEmpty
                    ? "it wants one: write it to a file and name that under draft.chat.key_file"
                    : "check draft.chat.key_file or the credential draft-chat-key")
        case 404, 405:
            return .warn(
                Self.check, "\(self.host) has no list of models at that path (status \(status))",
                "check that draft.chat.url ends where /chat/completions begins, mostly with /v1")
        default:
            return .fail(
                Self.check, "\(self.host) answers with status \(status); drafts are made without the model",
                "see the log of that server")
        }
        guard let listing = try? JSONDecoder().decode(Listing.self, from: Data(body)) else {
            return .warn(
                Self.check, "\(self.host) answers, but not with a list of models",
                "check that draft.chat.url is an OpenAI-compatible endpoint, mostly ending with /v1")
        }
        let names = listing.data.map(\.id)
        let model = self.settings.model
        // Some list `name:latest` for `name`; a server with one model often takes any name.
        guard names.isEmpty || names.contains(where: { $0 == model || $0.hasPrefix("\(model):") }) else {
            let known = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
            return .warn(
                Self.check, "\(self.host) does not list \(model.isEmpty ? "a model without a name" : model)",
                "name one under draft.chat.model, unless the server takes any name: \(known)")
        }
        return .ok(Self.check, "\(self.host) answers and has \(model)")
    }

    func explained(_ error: CurlError) -> Finding {
        let (what, remedy) =
            switch error.code {
            case .dns: ("has no address", "check the host in draft.chat.url")
            case .refused: ("does not answer", "start the server, or check host and port in draft.chat.url")
            case .timedOut: ("did not answer within 10 s", "check the port in draft.chat.url and the firewall between")
            case .certificateInvalid, .nameMismatch, .tlsFailed:
                (
                    "has no certificate that is trusted here",
                    "use the name in its certificate, or http:// on this machine"
                )
            case .invalidRequest: ("cannot be asked", "write draft.chat.url as http://HOST:PORT/v1 or https://HOST/v1")
            default: ("broke off (\(error.code.rawValue))", "see the log of that server")
            }
        return .fail(Self.check, "\(self.host) \(what); drafts are made without the model", remedy)
    }
}
