import Answering
import Foundation

/// The folder of templates that replies are made with.
enum ReplyTemplateFolder {
    /// Every `.mustache` file in the folder and in its folders of languages.
    static func read(_ folder: String) throws(ConfigurationComplaint) -> ReplyTemplates {
        guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder) else {
            throw ConfigurationComplaint("\(folder) is no readable folder", remedy: "name a folder of templates")
        }
        var files: [String: String] = [:]
        for name in names.sorted() where name.hasSuffix(".mustache") {
            guard let text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) else {
                throw ConfigurationComplaint("\(folder)/\(name) cannot be read as UTF-8")
            }
            files[name] = text
        }
        do {
            return try ReplyTemplates(files: files)
        } catch {
            let known = ReplyTemplates.variables.sorted().joined(separator: ", ")
            throw ConfigurationComplaint("\(folder)/\(error.context)", remedy: "a template may name \(known)")
        }
    }
}
