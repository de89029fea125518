import Desk
import Foundation

/// Checks of this machine: shipped files, hold file, disk.
enum MachineCheck {
    private static let gigabyte = 1 << 30

    static func findings(_ settings: DeskSettings, environment: [String: String]) -> [Finding] {
        Self.data(settings, environment) + [Self.hold(settings), Self.disk()]
    }

    /// Whether the user that systemd makes for the service gets at the configuration file.
    static func access(to file: String) -> Finding? {
        var path = URL(filePath: file)
        var needed = 0o004
        while path.path != "/" {
            let attributes = try? FileManager.default.attributesOfItem(atPath: path.path)
            if let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue, mode & needed == 0 {
                return .warn(
                    "service", "its own user cannot read \(file), because of \(path.path)",
                    needed == 0o004
                        ? "keep secrets in credentials, then: chmod 644 \(path.path)" : "chmod 755 \(path.path)")
            }
            path = path.deletingLastPathComponent()
            needed = 0o001
        }
        return nil
    }

    private static func data(_ settings: DeskSettings, _ environment: [String: String]) -> [Finding] {
        let data: DataDirectory
        do {
            data = try DataDirectory(environment: environment)
        } catch {
            return [.failure("taxonomy", error), .skip("model", "not looked for without the program's data")]
        }
        var findings: [Finding] = []
        let taxonomy = settings.taxonomyFile.isEmpty ? data.taxonomyFile : settings.taxonomyFile
        if FileManager.default.isReadableFile(atPath: taxonomy) {
            findings.append(.ok("taxonomy", taxonomy))
        } else {
            findings.append(.fail("taxonomy", "\(taxonomy) cannot be read", "check taxonomy_file, or remove it"))
        }
        do {
            let folder = try data.encoder(configured: settings.modelDirectory)
            let missing = ["vocab.txt", "config.json", "SHA256"].filter {
                !FileManager.default.isReadableFile(atPath: "\(folder)/\($0)")
            }
            findings.append(
                missing.isEmpty
                    ? .ok("model", folder)
                    : .fail("model", "\(folder) lacks \(missing.joined(separator: ", "))", "run Scripts/setup again"))
        } catch {
            findings.append(.failure("model", error))
        }
        return findings
    }

    private static func hold(_ settings: DeskSettings) -> Finding {
        guard !settings.holdFile.isEmpty, FileManager.default.fileExists(atPath: settings.holdFile) else {
            return .ok("hold file", "absent, mail may go out")
        }
        return .warn("hold file", "\(settings.holdFile) exists: nothing goes out", "remove it to go on")
    }

    private static func disk() -> Finding {
        let places = ["/var/lib/martlet", "/"]
        let place = places.first { FileManager.default.fileExists(atPath: $0) } ?? "/"
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: place)
        guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue else {
            return .skip("disk", "the free space is not known")
        }
        let detail = "\(Quantity.text(bytes: free / Self.gigabyte * Self.gigabyte)) free on \(place)"
        if free < Self.gigabyte / 10 { return .fail("disk", "less than 100 MB free on \(place)", "free some space") }
        if free < Self.gigabyte { return .warn("disk", "less than 1 GB free on \(place)", "free some space soon") }
        return .ok("disk", detail)
    }
}
