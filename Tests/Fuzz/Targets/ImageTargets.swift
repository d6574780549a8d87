import Foundation
import ImageData

extension FuzzTarget {
    /// An image of any format.
    static let image = FuzzTarget(
        name: "image",
        seeds: {
            try ["Tests/Fixtures/images", "Tests/Fixtures/images/variants"].flatMap {
                try files(in: $0, [".jpg", ".png", ".webp"]).filter { $0.count < 4096 }
            }
        },
        run: decode)

    /// The EXIF data of a JPEG.
    static let exif = FuzzTarget(
        name: "exif",
        seeds: {
            let orientation: [UInt8] = [
                0x49, 0x49, 0x2A, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
            ]
            let bigEndian: [UInt8] = [
                0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0,
            ]
            return [orientation, bigEndian]
        },
        run: { bytes in
            let segment = Array("Exif\0\0".utf8) + bytes.prefix(60_000)
            let length = segment.count + 2
            decode([0xFF, 0xD8, 0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + segment + photo.dropFirst(2))
        })

    /// A list or a shard of training images; its first byte tells which.
    static let dataset = FuzzTarget(
        name: "dataset",
        seeds: {
            let lists = [
                "path,label\na/1.jpg,cat\n\"b,2.jpg\",0\n", "{\"path\": \"1.jpg\", \"label\": \"cat\"}\n{\"path\": \"2\", \"label\": 0}",
            ]
            return try files(in: "Tests/Fixtures", [".tar"]).map { Array($0.prefix(6144)) } + lists.map { Array($0.utf8) }
        },
        run: { bytes in
            let kind = [UInt8(ascii: "p"): "csv", UInt8(ascii: "{"): "jsonl"][bytes.first ?? 0] ?? "tar"
            // The validation images are the same: every class has training images.
            withFile(bytes, "train.\(kind)") { path in
                let folder = (path as NSString).deletingLastPathComponent
                guard attempt({ try FileManager.default.copyItem(atPath: path, toPath: "\(folder)/val.\(kind)") }) != nil,
                    let dataset = attempt({ try ImageDataset(path: folder) })
                else { return }
                precondition(dataset.training.count == dataset.validation.count && !dataset.training.isEmpty)
                for sample in dataset.training.prefix(4) where kind == "tar" {
                    guard let bytes = attempt({ try sample.source.read() }) else { continue }
                    precondition(bytes.count == sample.source.size)
                }
            }
        })

    /// A small JPEG without EXIF data.
    private static let photo: [UInt8] = {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(repository)/Tests/Fixtures/images/baseline.jpg")))
        } catch {
            fatalError("\(error)")
        }
    }()

    @Sendable private static func decode(_ bytes: [UInt8]) {
        withFile(bytes, "image") { path in
            guard let image = attempt({ try ImageDecoder.decode(contentsOf: path) }) else { return }
            precondition(image.width > 0 && image.height > 0 && image.pixels.count == 3 * image.width * image.height)
        }
    }
}
