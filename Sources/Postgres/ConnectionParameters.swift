internal import CPQ
internal import Glibc

/// The keywords and values for `PQconnectStartParams`, one set for each host to try.
struct ConnectionParameters {
    let values: [(keyword: String, value: String)]

    /// libpq walks through several hosts by itself, but a host that never answers would use up the time of all: hence
    /// one attempt for each.
    /// - Throws: `.connectionFailed` when the connection string cannot be read. The string is not quoted, for it may
    ///   hold a password.
    static func attempts(for configuration: PostgresConfiguration) throws(PostgresError) -> [ConnectionParameters] {
        guard let options = PQconninfoParse(configuration.conninfo, nil) else {
            throw PostgresError(.connectionFailed, "the connection string cannot be read", context: "connect")
        }
        defer { PQconninfoFree(options) }
        var given: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        Self.complete(&given, from: configuration)
        return Self.hosts(of: given).map { host in
            Self(values: given.merging(host) { $1 }.map { ($0.key, $0.value) }.sorted { $0.keyword < $1.keyword })
        }
    }

    private static func complete(_ given: inout [String: String], from configuration: PostgresConfiguration) {
        given["client_encoding"] = "UTF8"
        given["application_name"] = given["application_name"] ?? configuration.applicationName
        // A standby, or a primary that has been demoted, is passed over.
        given["target_session_attrs"] = given["target_session_attrs"] ?? "read-write"
        given["tcp_user_timeout"] = given["tcp_user_timeout"] ?? "15000"
        given["keepalives_idle"] = given["keepalives_idle"] ?? "30"
        given["keepalives_interval"] = given["keepalives_interval"] ?? "5"
        given["keepalives_count"] = given["keepalives_count"] ?? "3"
        // A pooler shares sessions between clients and refuses settings at start.
        guard !configuration.isPooled else { return }
        let idle = configuration.idleInTransactionTimeout / .milliseconds(1)
        var settings = [
            "-c client_min_messages=warning", "-c TimeZone=UTC", "-c DateStyle=ISO", "-c IntervalStyle=iso_8601",
            "-c standard_conforming_strings=on", "-c idle_in_transaction_session_timeout=\(Int(idle))",
        ]
        if let path = configuration.searchPath {
            settings.append("-c search_path=\(path.replacing("\\", with: "\\\\").replacing(" ", with: "\\ "))")
        }
        if let options = given["options"] { settings.append(options) }
        given["options"] = settings.joined(separator: " ")
    }

    private static func hosts(of given: [String: String]) -> [[String: String]] {
        func list(_ keyword: String) -> [String] {
            given[keyword].map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
        }
        let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        let count = max(hosts.count, addresses.count)
        guard count > 1 else { return [[:]] }
        return (0..<count).map { index in
            var one: [String: String] = [:]
            if index < hosts.count { one["host"] = hosts[index] }
            if index < addresses.count { one["hostaddr"] = addresses[index] }
            if let port = ports.count > 1 ? (index < ports.count ? ports[index] : nil) : ports.first {
                one["port"] = port
            }
            return one
        }
    }

    /// Calls `body` with null-terminated arrays of C strings that live as long as the call.
    func withCStrings<R>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> R
    ) -> R {
        let keywords = self.values.map { strdup($0.keyword) }
        let values = self.values.map { strdup($0.value) }
        defer { for text in keywords + values { free(text) } }
        return (keywords.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { keywords in
            (values.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { values in
                body(keywords.baseAddress!, values.baseAddress!)
            }
        }
    }
}
