internal import CCurl

/// What went wrong on a connection or in an HTTP call.
package struct CurlError: Error, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The host name has no address.
        case dns
        /// Nobody listens, or the host cannot be reached.
        case refused
        case timedOut
        /// The peer ended the connection.
        case closed
        case cancelled
        /// STARTTLS is required and the server does not offer it, or claims to be authenticated before it (PREAUTH).
        case tlsNotOffered
        case tlsFailed
        /// The chain does not lead to a trusted authority, or the certificate has expired.
        case certificateInvalid
        /// The certificate is good but names another host.
        case nameMismatch
        /// The peer does not speak the protocol, or refused with its first line.
        case badReply
        /// The answer is larger than allowed.
        case tooLarge
        /// The call itself is wrong: address, option or CA file.
        case invalidRequest
        case failed
    }

    package let code: Code
    /// Whether the same call may succeed later while nobody changes the configuration.
    package let isRetryable: Bool
    /// Never holds credentials or bodies.
    package let context: String
    /// The last line that the server sent during the handshake, without line end; nil when it sent none.
    package let serverLine: String?

    package var description: String { "\(self.code.rawValue): \(self.context)" }

    init(_ code: Code, _ context: String, serverLine: String? = nil) {
        self.code = code
        self.context = context
        self.serverLine = serverLine
        self.isRetryable =
            switch code {
            case .dns, .refused, .timedOut, .closed, .tlsFailed, .badReply, .failed: true
            case .cancelled, .tlsNotOffered, .certificateInvalid, .nameMismatch, .tooLarge, .invalidRequest: false
            }
    }

    /// The single place where a status of libcurl becomes an error.
    /// - Parameter detail: the library's own words, empty when it has none.
    static func check(_ status: CURLcode, detail: String = "", serverLine: String? = nil) throws(CurlError) {
        guard status != CURLE_OK else { return }
        let context = detail.isEmpty ? String(cString: curl_easy_strerror(status)) : detail
        throw CurlError(Self.code(of: status, detail: detail), context, serverLine: serverLine)
    }

    private static func code(of status: CURLcode, detail: String) -> Code {
        switch status {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .dns
        case CURLE_COULDNT_CONNECT: .refused
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE: .closed
        case CURLE_ABORTED_BY_CALLBACK: .cancelled
        case CURLE_USE_SSL_FAILED: .tlsNotOffered
        case CURLE_PEER_FAILED_VERIFICATION:
            // One status for both; only the text tells a wrong name from a wrong authority.
            detail.contains("subject name") ? .nameMismatch : .certificateInvalid
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_SHUTDOWN_FAILED: .tlsFailed
        case CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2, CURLE_BAD_CONTENT_ENCODING,
            CURLE_LOGIN_DENIED:
            .badReply
        case CURLE_WRITE_ERROR, CURLE_FILESIZE_EXCEEDED: .tooLarge
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_SSL_CACERT_BADFILE, CURLE_BAD_FUNCTION_ARGUMENT,
            CURLE_UNKNOWN_OPTION, CURLE_NOT_BUILT_IN:
            .invalidRequest
        default: .failed
        }
    }
}
