internal import Foundation

/// A `model.safetensors` file, mapped and never copied: the kernel may drop and re-read its pages.
///
/// Layout: little-endian `UInt64` length of a JSON header, the header, then the data that its `data_offsets` point into.
final class Safetensors: @unchecked Sendable {  // the mapping is read-only and lives as long as this object
    private struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    private enum Item: Decodable {
        case tensor(Entry)
        case other

        init(from decoder: any Decoder) throws {
            // `__metadata__` is a map of strings.
            self = (try? Entry(from: decoder)).map(Item.tensor) ?? .other
        }
    }

    private let base: UnsafeRawPointer
    private let size: Int
    private let dataStart: Int
    private let path: String
    private let entries: [String: Item]

    init(path: String) throws(EncoderError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw EncoderError(.missingFile, "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 8 else {
            throw EncoderError(.malformedWeights, "\(path) is empty")
        }
        let size = Int(status.st_size)
        guard let mapped = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), mapped != MAP_FAILED else {
            throw EncoderError(.missingFile, "\(path) cannot be mapped: \(String(cString: strerror(errno)))")
        }
        let length = Int(clamping: UInt64(littleEndian: mapped.loadUnaligned(as: UInt64.self)))
        let header =
            length <= size - 8
            ? try? JSONDecoder().decode([String: Item].self, from: Data(bytes: mapped + 8, count: length)) : nil
        guard let header else {
            munmap(mapped, size)
            throw EncoderError(.malformedWeights, "\(path) has no readable safetensors header")
        }
        self.base = UnsafeRawPointer(mapped)
        self.size = size
        self.dataStart = 8 + length
        self.path = path
        self.entries = header
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: self.base), self.size) }

    /// The numbers of one 32-bit tensor, valid as long as this object.
    func tensor(_ name: String, shape: [Int]) throws(EncoderError) -> UnsafePointer<Float> {
        guard case .tensor(let entry)? = self.entries[name] else {
            throw EncoderError(.malformedWeights, "\(self.path) has no tensor \(name)")
        }
        let bytes = shape.reduce(4, *)
        guard entry.dtype == "F32", entry.shape == shape, entry.offsets.count == 2, entry.offsets[0] >= 0,
            entry.offsets[1] - entry.offsets[0] == bytes, entry.offsets[1] <= self.size - self.dataStart,
            (self.dataStart + entry.offsets[0]) % 4 == 0
        else {
            throw EncoderError(.malformedWeights, "\(self.path): \(name) is not F32 \(shape)")
        }
        return (self.base + self.dataStart + entry.offsets[0]).assumingMemoryBound(to: Float.self)
    }
}
