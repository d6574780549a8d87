import Foundation
import Interchange

/// Writes a data set as shards: tar files in WebDataset's convention, which keep the order of the images.
///
/// The files are those of the data set, byte for byte. The folder gets its name when everything is in it.
public struct ShardWriter {
    /// What was written.
    public struct Summary: Equatable, Sendable {
        public var images: Int
        public var shards: Int
        public var bytes: Int
    }

    private let dataset: ImageDataset
    private let folder: String
    private let shardBytes: Int

    /// - Parameters:
    ///   - dataset: in any form.
    ///   - folder: is created; its parents, too.
    ///   - shardBytes: the largest size of a shard. A larger image has a shard of its own.
    public init(_ dataset: ImageDataset, to folder: String, shardBytes: Int) {
        (self.dataset, self.folder, self.shardBytes) = (dataset, folder, shardBytes)
    }

    /// Writes all images.
    ///
    /// - Parameter progress: receives the number of images so far.
    /// - Throws: `DatasetError.list` if the folder exists; errors of the image that cannot be read, or of the file that cannot be written.
    public func write(progress: (Int) -> Void = { _ in }) throws -> Summary {
        guard try DurableFile.kind(of: folder) == nil else {
            throw DatasetError.list(path: folder, reason: "it exists already; give the name of a new folder")
        }
        let temporary = folder + ".incomplete"
        // What a killed process left.
        if try DurableFile.kind(of: temporary) != nil { try FileManager.default.removeItem(atPath: temporary) }
        try DurableFile.createFolder(temporary)
        do {
            let summary = try write(into: temporary, progress: progress)
            try DurableFile.move(temporary, to: folder)
            return summary
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        }
    }

    private func write(into folder: String, progress: (Int) -> Void) throws -> Summary {
        var summary = Summary(images: 0, shards: 0, bytes: 0)
        for (split, samples) in [("train", dataset.training), ("val", dataset.validation)] {
            let keys = keys(samples)
            for (number, shard) in shards(samples, keys).enumerated() {
                let path = "\(folder)/\(split)-\(String(repeating: "0", count: max(0, 6 - "\(number)".utf8.count)))\(number).tar"
                try DurableFile.write(to: path) { descriptor in
                    func write(_ bytes: [UInt8]) throws {
                        try bytes.withUnsafeBytes { try DurableFile.writeAll($0, to: descriptor, path: path) }
                        summary.bytes += bytes.count
                    }
                    for index in shard {
                        try write(try members(samples[index], key: keys[index]))
                        summary.images += 1
                        progress(summary.images)
                    }
                    try write(TarWriter.end)
                }
                summary.shards += 1
            }
        }
        let classes = dataset.classes.map { $0 + "\n" }.joined()
        try DurableFile.write(Data(classes.utf8), to: "\(folder)/\(ClassLabels.fileName)")
        return summary
    }

    private func members(_ sample: ImageDataset.Sample, key: [UInt8]) throws -> [UInt8] {
        let image = try sample.source.read()
        guard let kind = ImageDecoder.fileExtension(of: image) else {
            throw ImageError.unknownFormat(path: sample.path, found: ForeignFormat.describe(image))
        }
        return TarWriter.member(key + Array(".\(kind)".utf8), image)
            + TarWriter.member(key + Array(".cls".utf8), Array("\(sample.label)".utf8))
    }

    /// Divides the images into shards, in order.
    private func shards(_ samples: [ImageDataset.Sample], _ keys: [[UInt8]]) -> [Range<Int>] {
        var (shards, start, bytes): ([Range<Int>], Int, Int) = ([], 0, TarWriter.end.count)
        for (index, sample) in samples.enumerated() {
            let size =
                TarWriter.memberBytes(name: keys[index].count + 5, contents: max(0, sample.source.size))
                + TarWriter.memberBytes(name: keys[index].count + 4, contents: 1)
            if index > start, bytes + size > shardBytes {
                shards.append(start..<index)
                (start, bytes) = (index, TarWriter.end.count)
            }
            bytes += size
        }
        return start < samples.count ? shards + [start..<samples.count] : shards
    }

    /// The names of the samples: the paths within the split, without the extension. A dot would end the name, so others take its place.
    private func keys(_ samples: [ImageDataset.Sample]) -> [[UInt8]] {
        let (slash, dot, underscore) = (UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"))
        var used: Set<[UInt8]> = []
        return samples.map { sample in
            var parts = dataset.relativePathBytes(of: sample).split(separator: slash).map(Array.init)
            if parts.count > 1, let first = parts.first,
                ["train", "val", "validation"].contains(FileSystemPath.text(first))
                    || first.suffix(4).elementsEqual(".tar".utf8)
            {
                parts.removeFirst()
            }
            if let name = parts.popLast() {
                let end = name.lastIndex(of: dot).flatMap { $0 > 0 ? $0 : nil } ?? name.count
                parts.append(name[..<end].map { $0 == dot ? underscore : $0 })
            }
            let key = Array(parts.joined(separator: [slash]))
            var (unique, count) = (key, 1)
            while !used.insert(unique).inserted {
                count += 1
                unique = key + Array("_\(count)".utf8)
            }
            return unique
        }
    }
}
