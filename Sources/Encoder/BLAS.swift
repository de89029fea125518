internal import COpenBLAS
internal import Glibc

/// OpenBLAS, opened when the first encoder starts and never closed.
///
/// Opening it at run time keeps commands that need no vectors free of its 30 MB and leaves the choice of kernels to the
/// library, which looks at the processor when it is mapped.
struct BLAS: @unchecked Sendable {  // function addresses only; OpenBLAS may be called from any thread
    typealias Multiply =
        @convention(c) (
            CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32,
            UnsafePointer<Float>, Int32, Float, UnsafeMutablePointer<Float>, Int32
        ) -> Void

    /// LAPACK's `spotrf`: the triangle, the order, the matrix, its leading dimension, how it went.
    typealias Factorise =
        @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<Int32>, UnsafeMutablePointer<Float>, UnsafePointer<Int32>,
            UnsafeMutablePointer<Int32>
        ) -> Void
    /// LAPACK's `spotrs`: as before with the number of right sides behind the order, and the right sides.
    typealias Substitute =
        @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<Int32>, UnsafePointer<Int32>, UnsafePointer<Float>,
            UnsafePointer<Int32>, UnsafeMutablePointer<Float>, UnsafePointer<Int32>, UnsafeMutablePointer<Int32>
        ) -> Void

    /// `cblas_sgemm`.
    let multiply: Multiply
    let factorise: Factorise
    let substitute: Substitute
    /// What OpenBLAS calls the kernels it chose, for example `SkylakeX`.
    let kernels: String

    private static let opened = Result<BLAS, EncoderError> { () throws(EncoderError) in try BLAS() }

    /// The library of the process.
    static func shared() throws(EncoderError) -> BLAS { try Self.opened.get() }

    private init() throws(EncoderError) {
        guard let handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) else {
            throw EncoderError(.missingLibrary, "libopenblas.so.0 cannot be opened; install libopenblas0")
        }
        func symbol<T>(_ name: String, as type: T.Type) throws(EncoderError) -> T {
            guard let address = dlsym(handle, name) else {
                throw EncoderError(.missingLibrary, "libopenblas.so.0 has no \(name)")
            }
            return unsafeBitCast(address, to: type)
        }
        self.multiply = try symbol("cblas_sgemm", as: Multiply.self)
        self.factorise = try symbol("spotrf_", as: Factorise.self)
        self.substitute = try symbol("spotrs_", as: Substitute.self)
        // One thread for each call: the encoder's own workers are the parallelism, and OpenBLAS's barriers collapse on
        // a busy machine.
        try symbol("openblas_set_num_threads", as: (@convention(c) (Int32) -> Void).self)(1)
        let name = try symbol("openblas_get_corename", as: (@convention(c) () -> UnsafePointer<CChar>?).self)()
        self.kernels = name.map { String(cString: $0) } ?? "unknown"
    }
}
