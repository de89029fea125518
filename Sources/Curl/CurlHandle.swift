internal import CCurl
internal import ConnectionThread
internal import Glibc

/// One easy handle with the buffers that its callbacks fill.
///
/// `@unchecked Sendable`: libcurl lets a handle move between threads as long as one uses it at a time. `perform` is
/// awaited by the only owner; after it every call goes through the lock of `CurlConnection`.
final class CurlHandle: @unchecked Sendable {
    /// `curl_global_init` is not safe to run twice at once; a static is initialised exactly once.
    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    let raw: UnsafeMutableRawPointer
    /// Header lines (handshake lines for mail protocols) as they came.
    private(set) var head: [UInt8] = []
    private(set) var body: [UInt8] = []
    private let headLimit: Int
    private let bodyLimit: Int
    private let message: UnsafeMutablePointer<CChar>
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private let isCancelled = Locked(false)

    /// - Parameter headLimit, bodyLimit: octets; more ends the transfer with `.tooLarge`.
    init(headLimit: Int, bodyLimit: Int) throws(CurlError) {
        guard Self.isReady, let raw = curl_easy_init() else {
            throw CurlError(.failed, "libcurl cannot be initialised")
        }
        self.raw = raw
        self.headLimit = headLimit
        self.bodyLimit = bodyLimit
        self.message = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try self.setCallbacks()
        // Signals are for single-threaded programs, and the environment's proxies are nobody's configuration.
        try self.set(CURLOPT_NOSIGNAL, 1)
        try self.set(CURLOPT_PROXY, "")
        try self.set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    }

    deinit {
        curl_easy_cleanup(self.raw)
        for list in self.lists { curl_slist_free_all(list) }
        self.message.deallocate()
    }

    func set(_ option: CURLoption, _ value: Int) throws(CurlError) {
        try CurlError.check(shim_setopt_long(self.raw, option, value))
    }

    func set(_ option: CURLoption, _ value: String) throws(CurlError) {
        guard !value.utf8.contains(0) else { throw CurlError(.invalidRequest, "an option holds a NUL") }
        try CurlError.check(shim_setopt_string(self.raw, option, value))
    }

    func set(_ option: CURLoption, lines: [String]) throws(CurlError) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines { list = curl_slist_append(list, line) ?? list }
        guard let list else { return }
        self.lists.append(list)
        try CurlError.check(shim_setopt_slist(self.raw, option, list))
    }

    /// libcurl copies the body.
    func setPost(_ bytes: [UInt8]) throws(CurlError) {
        try CurlError.check(shim_setopt_off(self.raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count)))
        let status = bytes.withUnsafeBytes { buffer in
            // With no bytes the base address may be nil, which would make libcurl ask a read callback for the body.
            guard let base = buffer.baseAddress else { return shim_setopt_string(self.raw, CURLOPT_COPYPOSTFIELDS, "") }
            return shim_setopt_pointer(self.raw, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: base))
        }
        try CurlError.check(status)
    }

    func number(_ info: CURLINFO) -> Int {
        var value = 0
        _ = shim_getinfo_long(self.raw, info, &value)
        return value
    }

    /// Runs the transfer on a thread of `pool` until it is done, `timeout` has passed or the task is cancelled.
    /// - Parameter timeout: from when a thread is free: the wait for one is not the peer's fault.
    func perform(on pool: BlockingPool, timeout: Duration) async throws(CurlError) {
        let status = await withTaskCancellationHandler {
            await pool.run {
                let limit = Int(min(max((timeout / .milliseconds(1)).rounded(.up), 1), 86_400_000))
                _ = shim_setopt_long(self.raw, CURLOPT_TIMEOUT_MS, limit)
                _ = shim_setopt_long(self.raw, CURLOPT_CONNECTTIMEOUT_MS, limit)
                return curl_easy_perform(self.raw).rawValue
            }
        } onCancel: {
            self.isCancelled.withLock { $0 = true }
        }
        guard let status else { throw CurlError(.cancelled, "cancelled before a thread was free") }
        try CurlError.check(CURLcode(status), detail: String(cString: self.message), serverLine: self.headLines.last)
    }

    /// Header lines without their line ends; bytes that are not UTF-8 are replaced.
    var headLines: [String] {
        self.head.split(separator: 0x0A).map { line in
            String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
        }
    }

    private func setCallbacks() throws(CurlError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        try CurlError.check(shim_setopt_pointer(self.raw, CURLOPT_ERRORBUFFER, self.message))
        try CurlError.check(shim_setopt_pointer(self.raw, CURLOPT_HEADERDATA, context))
        try CurlError.check(shim_setopt_pointer(self.raw, CURLOPT_WRITEDATA, context))
        try CurlError.check(shim_setopt_pointer(self.raw, CURLOPT_XFERINFODATA, context))
        try CurlError.check(
            shim_setopt_write(self.raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                CurlHandle.from(context).takeHead(UnsafeRawBufferPointer(start: bytes, count: size * count))
            })
        try CurlError.check(
            shim_setopt_write(self.raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                CurlHandle.from(context).takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
            })
        try CurlError.check(
            shim_setopt_progress(self.raw, CURLOPT_XFERINFOFUNCTION) { context, _, _, _, _ in
                CurlHandle.from(context).isCancelled.withLock { $0 } ? 1 : 0
            })
        try self.set(CURLOPT_NOPROGRESS, 0)
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> CurlHandle {
        Unmanaged<CurlHandle>.fromOpaque(context!).takeUnretainedValue()
    }

    /// - Returns: octets taken; fewer than given ends the transfer.
    private func takeHead(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count <= self.headLimit - self.head.count else { return 0 }
        self.head.append(contentsOf: bytes)
        return bytes.count
    }

    private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count <= self.bodyLimit - self.body.count else { return 0 }
        self.body.append(contentsOf: bytes)
        return bytes.count
    }
}
