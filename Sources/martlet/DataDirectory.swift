import Foundation

/// Where the files that ship with the program are: taxonomies, small weights, the demo's articles, and the encoder.
///
/// Looked for in this order: `MARTLET_DATA`; `share/martlet` beside the executable's folder, as the package installs
/// it; `Config` of the source tree that the executable was built in.
struct DataDirectory: Sendable {
    /// The folder that holds `taxonomies/` and `models/`.
    let path: String
    /// The folder with the encoder's `model.safetensors`; nil when it has not been fetched.
    let encoder: String?

    /// - Parameters:
    ///   - environment: `MARTLET_DATA` and `MARTLET_MODEL` are read.
    ///   - executable: absolute path, symbolic links resolved.
    /// - Throws: `CommandError.usage` when the files are nowhere.
    init(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        executable: String = DataDirectory.executable
    ) throws(CommandError) {
        let candidates = Self.candidates(environment: environment, executable: executable)
        guard let data = candidates.first(where: { FileManager.default.fileExists(atPath: "\($0)/taxonomies") }) else {
            throw CommandError(
                .usage, "the program's data (taxonomies) was not found",
                remedy: "set MARTLET_DATA to the folder that holds taxonomies/, in the source tree it is Config")
        }
        self.path = data
        self.encoder = Self.encoder(environment: environment, data: data)
    }

    /// The taxonomy to use when the configuration names none.
    var taxonomyFile: String { "\(self.path)/taxonomies/ecommerce.yaml" }

    /// Absolute path of a file below the folder.
    func file(_ name: String) -> String { "\(self.path)/\(name)" }

    /// The folder of the encoder's weights.
    /// - Parameter configured: `model_directory` of the configuration; empty means: the shipped one.
    /// - Throws: `CommandError.usage` with what to do when there is none.
    func encoder(configured: String) throws(CommandError) -> String {
        let folder = configured.isEmpty ? self.encoder : configured
        if let folder, FileManager.default.isReadableFile(atPath: "\(folder)/model.safetensors") { return folder }
        throw CommandError(
            .usage,
            folder.map { "the encoder's weights are not in \($0)" } ?? "the encoder's weights were not found",
            remedy: "run Scripts/setup, or set model_directory or MARTLET_MODEL to the folder with model.safetensors")
    }

    /// The running program, symbolic links resolved.
    static var executable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    private static func candidates(environment: [String: String], executable: String) -> [String] {
        if let chosen = environment["MARTLET_DATA"], !chosen.isEmpty { return [chosen] }
        var folder = URL(filePath: executable).deletingLastPathComponent()
        var candidates = [folder.deletingLastPathComponent().appending(path: "share/martlet").path]
        while folder.path != "/" {
            if FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path) {
                candidates.append(folder.appending(path: "Config").path)
            }
            folder.deleteLastPathComponent()
        }
        return candidates
    }

    private static func encoder(environment: [String: String], data: String) -> String? {
        if let chosen = environment["MARTLET_MODEL"], !chosen.isEmpty { return chosen }
        let tree = URL(filePath: data).deletingLastPathComponent().path
        return ["\(data)/model", "\(tree)/.martlet/model", "/var/lib/martlet/model"]
            .first { FileManager.default.isReadableFile(atPath: "\($0)/model.safetensors") }
    }
}
