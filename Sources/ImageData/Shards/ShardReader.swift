import Foundation

/// Finds the images and labels of tar files in WebDataset's convention: files with the same name up to the first dot are one sample. Its
/// image has the extension of an image. Its label is the number of a class in a file .cls, or a number or name under `label` in a file
/// .json.
enum ShardReader {
    /// Files of a sample that have a label, the first one first.
    private static let labelKinds = ["cls", "json"]
    /// The largest file with a label, in bytes.
    private static let largestLabel = 1 << 20

    /// Reads the headers of tar files, several at once: a network file system answers slowly, and many at a time.
    ///
    /// - Returns: the images in the order of the files and of their members.
    /// - Throws: `DatasetError`, which names the tar file.
    static func read(_ shards: [FileSystemPath]) throws -> LabelledImages {
        let results = UnsafeMutableBufferPointer<Result<LabelledImages, Error>?>.allocate(capacity: shards.count)
        results.initialize(repeating: nil)
        defer { results.deinitialize().deallocate() }
        // Each iteration writes an element of its own.
        nonisolated(unsafe) let shared = results
        DispatchQueue.concurrentPerform(iterations: shards.count) { index in shared[index] = Result { try read(shards[index]) } }
        return LabelledImages(try results.compactMap { try $0?.get() })
    }

    private static func read(_ shard: FileSystemPath) throws -> LabelledImages {
        do {
            return try FileBytes.withFile(shard) { descriptor, size in
                func bytes(_ range: Range<Int>) throws -> [UInt8] { try FileBytes.read(range, descriptor, shard.description) }
                return try images(try TarReader.members(size: size, read: bytes), of: shard, read: bytes)
            }
        } catch let problem as TarReader.Problem {
            throw DatasetError.shard(path: shard.description, reason: problem.reason)
        }
    }

    /// The files of one sample.
    private struct Sample {
        var image: TarReader.Member?
        var label: TarReader.Member?
        var labelKind = labelKinds.count
    }

    private static func images(
        _ members: [TarReader.Member], of shard: FileSystemPath, read: (Range<Int>) throws -> [UInt8]
    ) throws -> LabelledImages {
        var (samples, keys, others): ([[UInt8]: Sample], [[UInt8]], Int) = ([:], [], 0)
        for member in members {
            let (key, kind) = split(member.name)
            if samples[key] == nil { keys.append(key) }
            var sample = samples.removeValue(forKey: key) ?? Sample()
            if !kind.contains("."), ClassFolders.isImage(Array("x.\(kind)".utf8)) {
                guard sample.image == nil else {
                    throw DatasetError.shard(
                        path: shard.description, reason: "the sample \(FileSystemPath.text(key)) has two images; write one of them only")
                }
                sample.image = member
            } else if let number = labelKinds.firstIndex(of: kind) {
                if number < sample.labelKind { (sample.label, sample.labelKind) = (member, number) }
            } else {
                others += 1
            }
            samples[key] = sample
        }
        var (images, withoutImage): (LabelledImages, Int) = (LabelledImages(), 0)
        for key in keys {
            guard let sample = samples[key], let image = sample.image else {
                withoutImage += 1
                continue
            }
            let name = FileSystemPath(bytes: image.name)
            images.add(
                .member(name: name, shard: shard, bytes: image.bytes), try label(sample, FileSystemPath.text(key), shard, read: read))
        }
        guard !images.sources.isEmpty else { throw DatasetError.shard(path: shard.description, reason: "there are no images in it") }
        if others + withoutImage > 0 {
            images.notes = ["\(shard): not used: \(others) files that are no image and no label, \(withoutImage) samples without an image"]
        }
        return images
    }

    /// The key of a sample, and the kind of a file of it: the name of the file up to its first dot, and the rest in lower case.
    private static func split(_ name: [UInt8]) -> (key: [UInt8], kind: String) {
        let start = name.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        guard let dot = name[start...].firstIndex(of: UInt8(ascii: ".")) else { return (name, "") }
        return (Array(name[..<dot]), FileSystemPath.text(name[(dot + 1)...]).lowercased())
    }

    private struct Metadata: Decodable {
        var label: LabelledImages.Label
    }

    private static func label(
        _ sample: Sample, _ key: String, _ shard: FileSystemPath, read: (Range<Int>) throws -> [UInt8]
    ) throws -> LabelledImages.Label {
        func failure(_ reason: String) -> DatasetError { .shard(path: shard.description, reason: "the sample \(key) \(reason)") }
        guard let member = sample.label else { throw failure("has no label: it needs a file .cls with the number of its class, or .json") }
        guard member.bytes.count <= largestLabel else { throw failure("has a label of \(member.bytes.count) bytes") }
        let bytes = member.beginning.count == member.bytes.count ? member.beginning : try read(member.bytes)
        if labelKinds[sample.labelKind] == "cls" {
            let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let index = Int(text), index >= 0 else {
                throw failure("has the label '\(text.prefix(40))', which is no number of a class")
            }
            return .index(index)
        }
        guard let label = try? JSONDecoder().decode(Metadata.self, from: Data(bytes)).label else {
            throw failure("has a file .json without a label: {\"label\": 3} or {\"label\": \"cat\"}")
        }
        return label
    }
}
