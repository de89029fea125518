internal import DeskModel

/// `format=flowed`: lines that end in a space go on in the next line. RFC 3676.
enum FlowedText {
    static func unfolded(_ text: String, deletesSpace: Bool) -> String {
        var lines: [String] = []
        var openDepth: Int?
        for line in text.lines() {
            let depth = line.utf8.prefix { $0 == 0x3E }.count
            var content = Substring(line.utf8.dropFirst(depth))
            if content.utf8.first == 0x20 { content = Substring(content.utf8.dropFirst()) }
            let isSignature = content == "-- "
            let continues = !isSignature && content.utf8.last == 0x20 && !content.utf8.allSatisfy { $0 == 0x20 }
            if openDepth == depth, !isSignature {
                if deletesSpace, lines[lines.count - 1].hasSuffix(" ") { lines[lines.count - 1].removeLast() }
                lines[lines.count - 1] += content
            } else {
                lines.append(depth == 0 ? String(content) : String(repeating: ">", count: depth) + " " + content)
            }
            openDepth = continues ? depth : nil
        }
        return lines.joined(separator: "\n")
    }
}

/// Files that stand in a text as `begin 644 name` … `end`.
enum Uuencode {
    static func extract(_ text: String) -> (text: String, files: [BodyReader.EncodedFile]) {
        var kept: [Substring] = []
        var files: [BodyReader.EncodedFile] = []
        let lines = text.lines()
        var index = 0
        while index < lines.count {
            if files.count < 100, let name = Self.name(lines[index]), let file = Self.read(lines, from: index + 1) {
                files.append(BodyReader.EncodedFile(filename: name, bytes: file.bytes))
                index = file.next
            } else {
                kept.append(lines[index])
                index += 1
            }
        }
        return (kept.joined(separator: "\n"), files)
    }

    private static func name(_ line: Substring) -> String? {
        guard line.begins(with: "begin ") else { return nil }
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count == 3, words[0] == "begin", (3...4).contains(words[1].count),
            words[1].allSatisfy({ ("0"..."7").contains($0) })
        else { return nil }
        return words[2].trimmingPrefix(" ").description
    }

    /// nil when the lines are no uuencoded data.
    private static func read(_ lines: [Substring], from start: Int) -> (bytes: [UInt8], next: Int)? {
        var bytes: [UInt8] = []
        var index = start
        while index < lines.count {
            let line = Array(lines[index].utf8)
            index += 1
            if line.starts(with: "end".utf8) { return bytes.isEmpty ? nil : (bytes, index) }
            guard let first = line.first, first >= 0x20, first <= 0x60 else {
                if line.isEmpty { continue }
                return nil
            }
            let length = Int(first &- 0x20) & 0x3F
            guard length > 0 else { continue }
            guard line.count >= 1 + length * 4 / 3 - 3 else { return nil }
            var group: UInt32 = 0
            var decoded: [UInt8] = []
            for position in 0..<((length + 2) / 3 * 4) {
                let byte = position + 1 < line.count ? line[position + 1] : 0x20
                group = group << 6 | UInt32((byte &- 0x20) & 0x3F)
                if position % 4 == 3 {
                    decoded += [UInt8(group >> 16 & 0xFF), UInt8(group >> 8 & 0xFF), UInt8(group & 0xFF)]
                    group = 0
                }
            }
            bytes += decoded.prefix(length)
        }
        // Cut off before `end`: what there is, if it is something.
        return bytes.count > 45 ? (bytes, index) : nil
    }
}
