import Configuration
import Foundation

/// A folder with one secret a file, as systemd's `LoadCredential=` makes it: the key `mailboxes.support.password` is the
/// file `mailboxes-support-password`. Of a whole folder (`LoadCredential=martlet:FOLDER`) systemd makes files with the
/// id and `_` in front, which are found too.
struct CredentialsFolder: ConfigSnapshot {
    let providerName = "CredentialsFolder"
    /// Absolute path; the folder need not exist.
    let path: String

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) -> LookupResult {
        let name = key.components.joined(separator: "-")
        // A key never names a folder above: its parts are plain words, and a slash in one ends the search.
        let data = name.contains("/") ? nil : self.contents("martlet_\(name)") ?? self.contents(name)
        let text = data.map { String(decoding: $0.prefix(65_536), as: UTF8.self).trimmingWhitespace() }
        return LookupResult(encodedKey: name, value: text.map { ConfigValue(.string($0), isSecret: true) })
    }

    private func contents(_ name: String) -> Data? { FileManager.default.contents(atPath: "\(self.path)/\(name)") }
}
