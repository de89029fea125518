/// Where a mail server listens and how the link is protected.
package struct MailEndpoint: Sendable, Hashable {
    package enum Security: String, Sendable, CaseIterable {
        /// TLS from the first byte (IMAPS 993, submissions 465). The default.
        case tls
        /// STARTTLS, required: without it nothing is sent.
        case startTLS = "starttls"
        /// In the clear; credentials are refused unless `allowsCleartextLogin`.
        case none
    }

    package var host: String
    package var port: Int
    package var security: Security
    /// PEM file of the authorities to trust; nil means the system's.
    package var caFile: String?
    /// Set only where the configuration says that the link never leaves the machine (`loopback: true`).
    package var allowsCleartextLogin: Bool

    package init(
        host: String, port: Int, security: Security, caFile: String? = nil, allowsCleartextLogin: Bool = false
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.caFile = caFile
        self.allowsCleartextLogin = allowsCleartextLogin
    }
}
