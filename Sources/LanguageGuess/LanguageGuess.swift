internal import CTextCat
internal import ConnectionThread
internal import Glibc

/// The language of a text, or nothing when it cannot be told.
///
/// Latin scripts are compared with the fingerprints of libexttextcat, whose low-level calls give a distance to every
/// language; the margin between the best two says how sure that is. Texts too short for that are judged by their
/// function words, and other scripts by the script itself.
package final class LanguageGuess: Sendable {
    package struct Guess: Sendable, Hashable {
        /// ISO 639-1.
        package let language: String
        /// How far the second language is behind, as a part of the best distance; 1 when decided otherwise.
        package let margin: Double
    }

    /// The languages that fixed texts exist in, and their neighbours, which would otherwise be mistaken for them.
    package static let usual = [
        "en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "da", "cs", "fi", "hu", "ro", "tr",
    ]

    /// Bytes that are looked at; more adds nothing.
    private static let window = 1500
    private static let ngrams: Int32 = 400

    /// A fingerprint holds the buffers of the comparison under way: one thread at a time.
    private struct Fingerprints: @unchecked Sendable {  // only reached under `Locked`
        var languages: [(name: String, handle: UnsafeMutableRawPointer)]
        let unknown: UnsafeMutableRawPointer
    }

    private let fingerprints: Locked<Fingerprints>
    private let floor: Double

    /// - Parameters:
    ///   - languages: ISO 639-1 codes to choose from; those without a fingerprint file are left out.
    ///   - directory: the fingerprint files, `de.lm` and so on.
    ///   - floor: the least margin that counts as certain.
    /// - Throws: `LanguageError` when no fingerprint can be read.
    package init(
        languages: [String] = LanguageGuess.usual, directory: String = "/usr/share/libexttextcat", floor: Double = 0.03
    ) throws(LanguageError) {
        var loaded: [(String, UnsafeMutableRawPointer)] = []
        for language in languages {
            guard let handle = fp_Init(language) else { continue }
            _ = fp_SetProperty(handle, TCPROP_UTF8AWARE, Int32(TC_TRUE.rawValue))
            if fp_Read(handle, "\(directory)/\(language).lm", Self.ngrams) != 0 {
                loaded.append((language, handle))
            } else {
                fp_Done(handle)
            }
        }
        guard !loaded.isEmpty, let unknown = fp_Init(nil) else {
            for (_, handle) in loaded { fp_Done(handle) }
            throw LanguageError(context: "no fingerprint of \(languages.joined(separator: ", ")) in \(directory)")
        }
        _ = fp_SetProperty(unknown, TCPROP_UTF8AWARE, Int32(TC_TRUE.rawValue))
        _ = fp_SetProperty(unknown, TCPROP_MINIMUM_DOCUMENT_SIZE, 6)
        self.fingerprints = Locked(Fingerprints(languages: loaded, unknown: unknown))
        self.floor = floor
    }

    deinit {
        self.fingerprints.withLock { prints in
            for (_, handle) in prints.languages { fp_Done(handle) }
            fp_Done(prints.unknown)
        }
    }

    /// The language of `text`; nil when it has too few words or two languages are equally near.
    package func guess(_ text: String) -> Guess? {
        let sample = Sample(text, limit: Self.window)
        guard sample.letters >= 2 else { return nil }
        if let language = sample.scriptLanguage { return Guess(language: language, margin: 1) }
        let words = FunctionWords.hits(in: sample.words)
        let distances = self.distances(sample.text)
        if let best = distances.first, let second = distances.dropFirst().first, best.distance > 0 {
            let margin = Double(second.distance - best.distance) / Double(best.distance)
            // Few words: the fingerprint needs the function words' consent.
            let agreed = words.first?.language == best.language
            if margin >= self.floor, sample.words.count >= 12 || agreed {
                return Guess(language: best.language, margin: margin)
            }
        }
        // Two words that only one language has, or three more than the next one has.
        if let first = words.first, first.count >= 2, first.count > (words.dropFirst().first?.count ?? 0) {
            return Guess(language: first.language, margin: 1)
        }
        return nil
    }

    /// All languages, nearest first.
    private func distances(_ text: String) -> [(language: String, distance: Int)] {
        let bytes = Array(text.utf8)
        return self.fingerprints.withLock { prints in
            let made = bytes.withUnsafeBufferPointer { buffer in
                buffer.withMemoryRebound(to: CChar.self) {
                    fp_Create(prints.unknown, $0.baseAddress, UInt32($0.count), UInt32(Self.ngrams))
                }
            }
            guard made != 0 else { return [] }
            return prints.languages
                .map { ($0.name, Int(fp_Compare($0.handle, prints.unknown, Int32.max))) }
                .sorted { $0.1 < $1.1 }
        }
    }
}

/// Why no language can be guessed.
package struct LanguageError: Error, CustomStringConvertible {
    package enum Code: String, Sendable { case missingFingerprints }

    package let code = Code.missingFingerprints
    package var isRetryable: Bool { false }
    package let context: String

    init(context: String) { self.context = context }

    package var description: String { "\(self.code): \(self.context)" }
}
