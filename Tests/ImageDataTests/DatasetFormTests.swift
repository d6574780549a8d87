import Foundation
import TestSupport
import XCTest

@testable import ImageData

/// Data sets as lists and as shards.
final class DatasetFormTests: XCTestCase {
    private func write(_ files: [String: [UInt8]], in folder: String) throws {
        for (name, bytes) in files {
            let path = "\(folder)/\(name)"
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(fileURLWithPath: path))
        }
    }

    private func write(_ files: [String: String], in folder: String) throws { try write(files.mapValues { Array($0.utf8) }, in: folder) }

    private func names(_ samples: [ImageDataset.Sample], _ dataset: ImageDataset) -> [String] {
        samples.map { "\(dataset.relativePath(of: $0)) \(dataset.classes[Int($0.label)])" }
    }

    private func check(_ folder: String, _ texts: String..., line: UInt = #line) {
        XCTAssertThrowsError(try ImageDataset(path: folder), line: line) { error in
            for text in texts { XCTAssertTrue("\(error)".contains(text), "\(text) in \(error)", line: line) }
        }
    }

    private let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1]

    /// A tar file of text files and images.
    private func tar(_ files: [(String, [UInt8])]) -> [UInt8] {
        files.flatMap { TarWriter.member(Array($0.0.utf8), $0.1) } + TarWriter.end
    }

    // MARK: Lists

    func testListsAreReadInTheirOrder() throws {
        try withTemporaryFolder { folder in
            try write(
                [
                    "train.csv": "id,path,label\n1,b/2.jpg,zebra\n2,\"b/1,1.jpg\",ant\n3,/far/3.jpg,zebra\n",
                    "val.jsonl": "{\"path\": \"v.jpg\", \"label\": \"ant\", \"more\": [1]}\n\n{\"path\": \"w.jpg\", \"label\": 1}\n",
                ], in: folder)
            let dataset = try ImageDataset(path: folder)
            XCTAssertEqual(dataset.classes, ["ant", "zebra"])
            XCTAssertEqual(names(dataset.training, dataset), ["b/2.jpg zebra", "b/1,1.jpg ant", "/far/3.jpg zebra"])
            XCTAssertEqual(names(dataset.validation, dataset), ["v.jpg ant", "w.jpg zebra"])
            XCTAssertEqual(dataset.training[0].path, folder + "/b/2.jpg")
            // A test set needs no training list. Its classes are the run's.
            try FileManager.default.removeItem(atPath: folder + "/train.csv")
            check(folder, "there is no train.csv or train.jsonl in it")
            let test = try ImageDataset(validationImagesOf: folder, classes: ["zebra", "ant"])
            XCTAssertEqual(test.validation.map(\.label), [1, 1])
            XCTAssertThrowsError(try ImageDataset(validationImagesOf: folder, classes: ["bee", "cow"])) {
                XCTAssertTrue("\($0)".contains("classes that are not among the 2 known ones: ant"), "\($0)")
            }
        }
    }

    func testEveryLineThatCannotBeUsedIsNamed() throws {
        try withTemporaryFolder { folder in
            try write(["val.csv": "path,label\nv.jpg,a\n"], in: folder)
            let bad = "path,label\nx.jpg,a\nx.jpg\n,a\ny.jpg,\n"
            try write(["train.csv": bad], in: folder)
            check(folder, "train.csv: 3 lines cannot be used", "row 3: the path or the label is missing", "row 4:", "row 5:")
            try write(["train.csv": "file,class\n"], in: folder)
            check(folder, "its first line has no columns 'path' and 'label', but file, class")
            try FileManager.default.removeItem(atPath: folder + "/train.csv")
            let lines = ["{\"path\": \"x.jpg\", \"label\": \"a\"}", "{\"path\": \"x.jpg\"}", "[]", "{\"path\": \"x.jpg\", \"label\": -1}"]
            try write(["train.jsonl": lines.joined(separator: "\n")], in: folder)
            check(folder, "train.jsonl: 3 lines cannot be used", "line 2: it is no object such as", "line 3:", "line 4:")
            try write(["train.jsonl": (0..<30).map { "x\($0)" }.joined(separator: "\n")], in: folder)
            check(folder, "30 lines cannot be used", "and 20 more")
            try write(["train.jsonl": [0x22, 0xFF]], in: folder)
            check(folder, "it is not UTF-8")
        }
    }

    func testClassesComeFromAFileOrFromTheTrainingImages() throws {
        try withTemporaryFolder { folder in
            try write(["train.csv": "path,label\nx.jpg,b\ny.jpg,a\n", "val.csv": "path,label\nv.jpg,b\n"], in: folder)
            XCTAssertEqual(try ImageDataset(path: folder).classes, ["a", "b"])
            try write(["classes.txt": "b\na\n"], in: folder)
            XCTAssertEqual(try ImageDataset(path: folder).classes, ["b", "a"])
            XCTAssertEqual(try ImageDataset(path: folder).training.map(\.label), [0, 1])
            try write(["classes.txt": "b\na\nc\n"], in: folder)
            check(folder, "1 class has no training images: c")
            try write(["classes.txt": "b\n"], in: folder)
            check(folder, "classes that are not among the 1 known ones: a")
            try write(["classes.txt": "b\nb\n"], in: folder)
            check(folder, "classes.txt: it needs one name on each line, and no name twice")
            try FileManager.default.removeItem(atPath: folder + "/classes.txt")
            try write(["val.csv": "path,label\nv.jpg,new\n"], in: folder)
            check(folder, "classes that are not among the 2 known ones: new")
            try write(["val.csv": "path,label\n"], in: folder)
            check(folder, "there are no validation images in it")
        }
    }

    /// Lists beside class folders are often meant for something else.
    func testClassFoldersComeFirstAndSeveralFormsAreRefused() throws {
        try withTemporaryFolder { folder in
            try write(["train/a/1.jpg": "1", "val/a/1.jpg": "1", "train.csv": "anything"], in: folder)
            XCTAssertEqual(try ImageDataset(path: folder).training.count, 1)
        }
        try withTemporaryFolder { folder in
            let list = "path,label\nx.jpg,b\n"
            try write(["train.csv": list, "train.jsonl": list, "val.csv": list], in: folder)
            check(folder, "several lists of the same images in it (train.csv, train.jsonl)")
            try FileManager.default.removeItem(atPath: folder + "/train.jsonl")
            try write(["train-0.tar": "x"], in: folder)
            check(folder, "there are both lists and shards in it")
        }
    }

    // MARK: Shards

    func testShardsAreReadInTheConventionOfWebDataset() throws {
        try withTemporaryFolder { folder in
            let label = { (text: String) in Array(text.utf8) }
            try write(
                [
                    "train-000001.tar": tar([("c.cls", label("1")), ("c.png", png)]),
                    "train-000000.tar": tar([
                        ("b/x.PNG", png), ("b/x.json", label("{\"label\": 0}")), ("b/x.txt", label("a text")), ("b/x.seg.png", png),
                        ("a.cls", label(" 2\n")), ("a.jpg", png + [2]), ("alone.cls", label("0")),
                    ]), "validation-0.tar": tar([("d.png", png), ("d.cls", label("2"))]),
                ], in: folder)
            let dataset = try ImageDataset(path: folder)
            XCTAssertEqual(dataset.classes, ["0", "1", "2"])
            XCTAssertEqual(
                names(dataset.training, dataset),
                ["train-000000.tar/b/x.PNG 0", "train-000000.tar/a.jpg 2", "train-000001.tar/c.png 1"])
            XCTAssertEqual(try dataset.training[1].source.read(), png + [2])
            XCTAssertEqual(dataset.training[1].source.size, png.count + 1)
            XCTAssertEqual(try dataset.validation[0].source.read(), png)
            XCTAssertEqual(
                dataset.notes,
                ["\(folder)/train-000000.tar: not used: 2 files that are no image and no label, 1 samples without an image"])
            XCTAssertThrowsError(try ImageDecoder.decode(dataset.training[0].source)) {
                XCTAssertTrue("\($0)".hasPrefix("\(folder)/train-000000.tar/b/x.PNG: damaged PNG file"), "\($0)")
            }
        }
    }

    /// The file was written by the Python package webdataset 1.0.2 (Tests/Fixtures/check_webdataset.py).
    func testAShardOfThePackageWebdatasetIsRead() throws {
        try withTemporaryFolder { folder in
            let fixture = repositoryRoot + "/Tests/Fixtures/webdataset.tar"
            for name in ["train-0.tar", "val-0.tar"] { try FileManager.default.copyItem(atPath: fixture, toPath: "\(folder)/\(name)") }
            let dataset = try ImageDataset(path: folder)
            XCTAssertEqual(dataset.classes, ["0", "1", "2"])
            XCTAssertEqual(dataset.training.map(\.label), [0, 1, 2, 0, 1])
            for (index, sample) in dataset.training.enumerated() {
                let image = try ImageDecoder.decode(sample.source)
                XCTAssertEqual([image.width, image.height], [4 + index, 3])
            }
        }
    }

    func testDamagedShardsAreNamed() throws {
        try withTemporaryFolder { folder in
            try write(["val-0.tar": tar([("d.png", png), ("d.cls", [0x30])])], in: folder)
            func check(_ bytes: [UInt8], _ text: String, line: UInt = #line) throws {
                try write(["train-0.tar": bytes], in: folder)
                self.check(folder, "\(folder)/train-0.tar: ", text, line: line)
            }
            try check(tar([("a.png", png)]), "the sample a has no label")
            try check(
                tar([("a.png", png), ("a.cls", Array("cat".utf8))]), "the sample a has the label 'cat', which is no number of a class")
            try check(tar([("a.png", png), ("a.cls", Array("-1".utf8))]), "which is no number of a class")
            try check(tar([("a.png", png), ("a.json", Array("{}".utf8))]), "the sample a has a file .json without a label")
            try check(tar([("a.png", png), ("a.jpg", png)]), "the sample a has two images")
            try check(tar([("a.cls", [0x30])]), "there are no images in it")
            try check([0x1F, 0x8B, 0, 0], "it is compressed (gzip)")
            try check(Array(tar([("a.png", png)]).prefix(700)), "ends inside of a member")
            try FileManager.default.removeItem(atPath: folder + "/train-0.tar")
            self.check(folder, "there is no train-*.tar in it")
        }
    }

    func testAShardThatBecameShorterIsAnErrorOfTheImage() throws {
        try withTemporaryFolder { folder in
            let shard = tar([("a.png", png), ("a.cls", [0x30])])
            try write(["train-0.tar": shard, "val-0.tar": shard], in: folder)
            let dataset = try ImageDataset(path: folder)
            try write(["train-0.tar": Array(shard.prefix(515))], in: folder)
            XCTAssertThrowsError(try dataset.training[0].source.read()) {
                XCTAssertTrue("\($0)".contains("train-0.tar/a.png: cannot be read (\(folder)/train-0.tar is shorter than it was)"), "\($0)")
            }
            XCTAssertNil(dataset.training[0].source.checksum)
            XCTAssertNotNil(dataset.validation[0].source.checksum)
        }
    }

    // MARK: Packing

    func testPackedImagesAreTheSameInTheSameOrder() throws {
        try withTemporaryFolder { folder in
            try write(
                [
                    "in/train/b/1.png": png, "in/train/b/in/2.v2.png": png + [2], "in/train/b/in/2_v2.jpg": png + [3],
                    "in/train/a/é.png": png + [4], "in/val/a/x.png": png + [5], "in/val/b/\(String(repeating: "n", count: 150)).png": png,
                ], in: folder)
            let original = try ImageDataset(path: folder + "/in")
            let summary = try ShardWriter(original, to: folder + "/out", shardBytes: 5000).write()
            XCTAssertEqual(summary.images, 6)
            XCTAssertGreaterThan(summary.shards, 2)
            let packed = try ImageDataset(path: folder + "/out")
            XCTAssertEqual(packed.classes, original.classes)
            for (first, second) in [(original.training, packed.training), (original.validation, packed.validation)] {
                XCTAssertEqual(first.map(\.label), second.map(\.label))
                XCTAssertEqual(try first.map { try $0.source.read() }, try second.map { try $0.source.read() })
            }
            let names = packed.training.map { packed.relativePath(of: $0).split(separator: "/").dropFirst().joined(separator: "/") }
            XCTAssertEqual(names, ["a/é.png", "b/1.png", "b/in/2_v2.png", "b/in/2_v2_2.png"])
            // Packing again gives the same bytes, and a folder that exists is left alone.
            _ = try ShardWriter(packed, to: folder + "/again", shardBytes: 5000).write()
            for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/out") {
                XCTAssertTrue(FileManager.default.contentsEqual(atPath: "\(folder)/out/\(name)", andPath: "\(folder)/again/\(name)"), name)
            }
            XCTAssertThrowsError(try ShardWriter(packed, to: folder + "/out", shardBytes: 5000).write()) {
                XCTAssertTrue("\($0)".contains("it exists already"), "\($0)")
            }
        }
    }

    func testAFailureLeavesNoFolder() throws {
        try withTemporaryFolder { folder in
            try write(["in/train/a/1.png": png, "in/val/a/1.png": Array("GIF89a".utf8)], in: folder)
            XCTAssertThrowsError(try ShardWriter(ImageDataset(path: folder + "/in"), to: folder + "/out", shardBytes: 1 << 20).write()) {
                XCTAssertTrue("\($0)".contains("val/a/1.png: the content is neither JPEG, PNG nor WebP, but GIF"), "\($0)")
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["in"])
        }
    }
}
