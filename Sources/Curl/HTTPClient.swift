internal import CCurl
internal import Glibc

/// Small HTTP calls with everything bounded: time, size, and where they go.
///
/// Follows no redirect, uses no proxy that is not named, trusts only `https` certificates that check out. A call
/// blocks one of a few threads that serve nothing else, so that slow endpoints do not delay mail.
package struct HTTPClient: Sendable {
    package enum Method: String, Sendable { case get = "GET", post = "POST" }

    package struct Request: Sendable {
        package var method: Method
        /// `http` or `https`.
        package var url: String
        /// Fields in order. Values may hold secrets; they are never logged.
        package var headers: [(name: String, value: String)]
        /// Only for POST.
        package var body: [UInt8]
        /// For the whole call: resolving, connecting, sending, receiving; counted from when a thread is free.
        package var timeout: Duration
        /// Octets; a longer body ends the call with `.tooLarge`.
        package var maximumResponseSize: Int

        package init(
            _ method: Method, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
            timeout: Duration = .seconds(30), maximumResponseSize: Int = 4 << 20
        ) {
            self.method = method
            self.url = url
            self.headers = headers
            self.body = body
            self.timeout = timeout
            self.maximumResponseSize = maximumResponseSize
        }

        /// A POST with a JSON body.
        package static func json(
            _ url: String, body: [UInt8], headers: [(name: String, value: String)] = [],
            timeout: Duration = .seconds(30), maximumResponseSize: Int = 4 << 20
        ) -> Request {
            Request(
                .post, url,
                headers: [("Content-Type", "application/json"), ("Accept", "application/json")] + headers, body: body,
                timeout: timeout, maximumResponseSize: maximumResponseSize)
        }
    }

    package struct Response: Sendable {
        /// 100…599. A status that tells of failure is a value, not an error.
        package let status: Int
        package let body: [UInt8]
        /// From now, from Retry-After in either of its forms; nil when absent, never negative. RFC 9110 §10.2.3.
        package let retryAfter: Duration?

        package var isSuccess: Bool { (200..<300).contains(self.status) }
    }

    private static let pool = BlockingPool(name: "http", width: 8)
    private static let headLimit = 64 << 10

    private let caFile: String?
    private let proxy: String?

    /// - Parameters:
    ///   - caFile: PEM file of the authorities to trust; nil means the system's.
    ///   - proxy: URL of a proxy; nil means none, whatever the environment says.
    package init(caFile: String? = nil, proxy: String? = nil) {
        self.caFile = caFile
        self.proxy = proxy
    }

    /// Makes one call.
    /// - Throws: `.dns`, `.refused`, `.timedOut`, `.cancelled`, `.closed`, `.tooLarge`, `.certificateInvalid`,
    ///   `.nameMismatch`, `.tlsFailed`, `.badReply`, `.invalidRequest`.
    package func send(_ request: Request) async throws(CurlError) -> Response {
        let handle = try CurlHandle(headLimit: Self.headLimit, bodyLimit: request.maximumResponseSize)
        try handle.set(CURLOPT_URL, request.url)
        try handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try handle.set(CURLOPT_FOLLOWLOCATION, 0)
        if let proxy = self.proxy { try handle.set(CURLOPT_PROXY, proxy) }
        if let file = self.caFile { try handle.set(CURLOPT_CAINFO, file) }
        if request.method == .post { try handle.setPost(request.body) }
        var lines: [String] = []
        for (name, value) in request.headers {
            guard !(name + value).unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
                throw CurlError(.invalidRequest, "a header field holds a control character")
            }
            lines.append("\(name): \(value)")
        }
        // libcurl would wait a second for "100 Continue" before a large body.
        try handle.set(CURLOPT_HTTPHEADER, lines: lines + ["Expect:"])
        try await handle.perform(on: Self.pool, timeout: request.timeout)
        return Response(
            status: handle.number(CURLINFO_RESPONSE_CODE), body: handle.body,
            retryAfter: Self.retryAfter(in: handle.headLines, now: time(nil)))
    }

    /// - Parameter now: seconds since 1970.
    static func retryAfter(in lines: [String], now: Int) -> Duration? {
        let field = "retry-after:"
        guard let line = lines.last(where: { $0.lowercased().hasPrefix(field) }) else { return nil }
        let value = line.dropFirst(field.count).drop { $0 == " " || $0 == "\t" }
        let text = String(value.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return .seconds(Int32(text).map(Int.init) ?? Int(Int32.max))
        }
        let date = curl_getdate(text, nil)
        return date < 0 ? nil : .seconds(max(0, Int(date) - now))
    }
}
