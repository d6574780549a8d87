import Communication
import Foundation
import ImageData
import Interchange
import Randomness

/// What the ranks compare of a data set before they use it: the classes, the names and sizes of all images, and the contents of a sample.
///
/// Without the comparison, ranks with different files would train on wrong labels, or miss images, without an error.
struct DataAgreement {
    /// The number of images whose contents are compared.
    static let sampledImages = 64

    private let folder: ImageDataset
    private let names: [String]
    private let sizes: [Int]
    /// Indices in `names`, drawn at random by the seed; the same on all ranks that have the same number of images.
    private let sample: [Int]
    private let checksums: [UInt32?]

    /// Looks at all files, and reads the sample.
    init(_ folder: ImageDataset, seed: UInt64) {
        self.folder = folder
        let samples = folder.training + folder.validation
        names = samples.map(folder.relativePath)
        sizes = Self.sizes(of: samples)
        var random = CounterRandom(seed: seed, purpose: .comparison)
        let count = samples.count
        sample = count <= Self.sampledImages ? Array(0..<count) : (0..<Self.sampledImages).map { _ in random.integer(below: count) }
        checksums = sample.map { samples[$0].source.checksum }
    }

    /// The sizes of the files. Several threads ask for them, because a network file system answers slowly and many at a time.
    private static func sizes(of samples: [ImageDataset.Sample]) -> [Int] {
        let threads = min(32, samples.count / 1000 + 1)
        return [Int](unsafeUninitializedCapacity: samples.count) { buffer, count in
            // Each thread writes elements of its own.
            nonisolated(unsafe) let sizes = buffer
            let group = DispatchGroup()
            for first in 0..<threads {
                group.enter()
                Thread.detachNewThread {
                    for index in stride(from: first, to: samples.count, by: threads) { sizes[index] = samples[index].source.size }
                    group.leave()
                }
            }
            group.wait()
            count = samples.count
        }
    }

    /// Compares the data sets of all ranks. Does nothing in a job of one rank. Collective.
    ///
    /// - Parameters:
    ///   - folder: of this rank.
    ///   - seed: of the run; selects the sample.
    ///   - communicator: of this rank.
    /// - Throws: `AgreedFailure`, which names the first image that differs and the ranks.
    static func check(_ folder: ImageDataset, seed: UInt64, _ communicator: Communicator) throws {
        guard communicator.rankCount > 1 else { return }
        let own = DataAgreement(folder, seed: seed)
        let all = try communicator.gatherFixed(own.digests, label: "data sets")
        guard all.contains(where: { $0 != all[0] }) else { return }
        // The slow way, to find out what differs. All ranks take it.
        let data = communicator.rank == 0 ? try JSON.encode(own.listing, .compact) : Data()
        let encoded = try communicator.broadcast(data, root: 0, label: "data set of rank 0")
        let expected = try JSON.decode(Listing.self, from: encoded, source: "the data set of rank 0")
        try communicator.agree(label: "data sets") {
            if let difference = own.difference(from: expected) { throw DataDifference(path: folder.path, difference: difference) }
        }
    }

    /// The values that the ranks compare first. Their number is fixed.
    private var digests: [UInt64] {
        var (texts, lengths, contents) = (CRC32(), CRC32(), CRC32())
        func add(_ text: String, to sum: inout CRC32) { Array((text + "\n").utf8).withUnsafeBytes { sum.add($0) } }
        for name in folder.classes { add(name, to: &texts) }
        for (name, label) in zip(names, labels) { add("\(label) \(name)", to: &texts) }
        sizes.withUnsafeBytes { lengths.add($0) }
        for checksum in checksums { add("\(checksum.map(String.init) ?? "unreadable")", to: &contents) }
        return [folder.classes.count, folder.training.count, folder.validation.count].map(UInt64.init)
            + [texts, lengths, contents].map { UInt64($0.value) }
    }

    private var labels: [Int32] { (folder.training + folder.validation).map(\.label) }

    /// Everything that is compared, for a rank that differs.
    private struct Listing: Codable {
        var classes: [String]
        var training: Int
        var names: [String]
        var labels: [Int32]
        var sizes: [Int]
        var checksums: [UInt32?]
    }

    private var listing: Listing {
        Listing(
            classes: folder.classes, training: folder.training.count, names: names, labels: labels, sizes: sizes, checksums: checksums)
    }

    /// The first difference from the data set of rank 0, as the end of a sentence; nil if there is none.
    private func difference(from other: Listing) -> String? {
        if folder.classes != other.classes {
            return "it has other classes than on rank 0 (\(Figures.difference(folder.classes, from: other.classes)))"
        }
        let counts =
            "\(folder.training.count) training and \(folder.validation.count) validation images; rank 0 has "
            + "\(other.training) and \(other.names.count - other.training)"
        if let index = (0..<max(names.count, other.names.count)).first(where: { !isEqualName($0, other) }) {
            return "\(nameDifference(at: index, other)). It has \(counts)"
        }
        if let index = labels.indices.first(where: { labels[$0] != other.labels[$0] }) {
            return
                "\(names[index]) has class \(folder.classes[Int(labels[index])]), and \(other.classes[Int(other.labels[index])]) on rank 0"
        }
        if let index = sizes.indices.first(where: { sizes[$0] != other.sizes[$0] }) {
            return "\(names[index]) has \(Self.bytes(sizes[index])), and \(Self.bytes(other.sizes[index])) on rank 0"
        }
        if let index = sample.indices.first(where: { checksums[$0] != other.checksums[$0] }) {
            return "\(names[sample[index]]) has other contents than on rank 0"
        }
        return folder.training.count == other.training ? nil : "it has \(counts)"
    }

    private func isEqualName(_ index: Int, _ other: Listing) -> Bool {
        index < names.count && index < other.names.count && names[index] == other.names[index]
    }

    /// - Parameter index: of the first names that differ.
    private func nameDifference(at index: Int, _ other: Listing) -> String {
        if index < other.names.count, !Set(names).contains(other.names[index]) { return "it lacks \(other.names[index]), which rank 0 has" }
        if index < names.count, !Set(other.names).contains(names[index]) { return "it has \(names[index]), which rank 0 lacks" }
        return "its images have another order than on rank 0, from \(names.dropFirst(index).first ?? "the end") on"
    }

    private static func bytes(_ size: Int) -> String {
        size < 0 ? "no readable size" : "\(size) \(size == 1 ? "byte" : "bytes")"
    }
}

/// A rank sees another data set than rank 0.
private struct DataDifference: Error, CustomStringConvertible {
    var path: String
    var difference: String

    var description: String { "\(path): \(difference). Every host needs the same files at the same path" }
}
