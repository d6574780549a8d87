import Foundation
import TestSupport
import XCTest

/// Trainings on lists and shards.
final class DatasetFormRunTests: XCTestCase {
    /// The same images in the same order give the same weights, whatever holds them, and each is used exactly once an epoch.
    func testListsAndShardsGiveTheWeightsOfClassFolders() throws {
        try withSmallRun { run in
            let packed = try run.drnet(["pack", run.path("data"), "-o", run.path("packed"), "--shard-size", "1"])
            XCTAssertEqual(packed.status, 0, packed.text)
            XCTAssertTrue(packed.output.contains("82 images of 6 classes in 3 shards"), packed.text)
            try writeLists(run)
            try run.complete("folders")
            let folders = try run.weights("folders")
            for (form, ranks) in [("packed", nil), ("lists", nil), ("packed", 2)] as [(String, Int?)] {
                let name = "\(form)-\(ranks ?? 1)"
                try run.complete(name, ranks: ranks, ["--set", "data.folder=\(run.path(form))"])
                if ranks == nil { XCTAssertEqual(try run.weights(name), folders, name) }
                XCTAssertEqual(run.ledgers(name).count, 5, name)
                XCTAssertTrue(run.ledgers(name).allSatisfy { $0.contains("58 of 58") && $0.hasSuffix(", each exactly once") }, name)
            }
            // A packed test set, and a run on shards that continues on another number of ranks.
            let evaluated = try run.drnet(["evaluate", run.path("folders"), "--data", run.path("packed")])
            XCTAssertEqual(evaluated.status, 0, evaluated.text)
            try run.cut("packed-1", to: "continued", afterStep: 12)
            try run.complete("continued", ranks: 2, ["--set", "data.folder=\(run.path("packed"))", "--resume"])
            XCTAssertTrue(run.ledgers("continued").allSatisfy { $0.hasSuffix(", each exactly once") }, "\(run.ledgers("continued"))")
        }
    }

    /// Lists beside the class folders, with the images in the same order.
    private func writeLists(_ run: SmallRun) throws {
        try FileManager.default.createDirectory(atPath: run.path("lists"), withIntermediateDirectories: true)
        for split in ["train", "val"] {
            let root = run.path("data/\(split)")
            let classes = try FileManager.default.contentsOfDirectory(atPath: root).sorted()
            let lines = try classes.flatMap { name in
                try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(name)").sorted().map {
                    split == "train"
                        ? "../data/\(split)/\(name)/\($0),\(name)\n"
                        : "{\"path\": \"../data/\(split)/\(name)/\($0)\", \"label\": \"\(name)\"}\n"
                }
            }
            let text = (split == "train" ? "path,label\n" : "") + lines.joined()
            let file = run.path("lists/\(split).\(split == "train" ? "csv" : "jsonl")")
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        }
    }

    func testPackSaysWhatIsWrong() throws {
        try withSmallRun { run in
            let none = try run.drnet(["pack", run.path("none"), "-o", run.path("out")])
            XCTAssertEqual(none.status, 1, none.text)
            XCTAssertTrue(none.errors.contains("\(run.path("none")): there is no such folder"), none.text)
            let exists = try run.drnet(["pack", run.path("data"), "-o", run.path("data")])
            XCTAssertEqual(exists.status, 1, exists.text)
            XCTAssertTrue(exists.errors.contains("it exists already"), exists.text)
            XCTAssertEqual(try run.drnet(["pack", run.path("data"), "-o", run.path("out"), "--shard-size", "0"]).status, 64)
        }
    }
}
