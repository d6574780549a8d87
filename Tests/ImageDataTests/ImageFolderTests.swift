import Foundation
import TestSupport
import XCTest

@testable import ImageData

final class ImageFolderTests: XCTestCase {
    private func withFiles(_ files: [String], _ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for file in files {
                let path = "\(folder)/\(file)"
                try FileManager.default.createDirectory(
                    atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                try Data([1]).write(to: URL(fileURLWithPath: path))
            }
            try body(folder)
        }
    }

    func testClassesAndImagesAreSortedAndOtherFilesIgnored() throws {
        let files = [
            "train/b/2.JPG", "train/b/1.jpeg", "train/a/x.png", "train/a/notes.txt", "train/a/.hidden.jpg", "train/readme.md",
            "validation/a/1.png", "validation/b/1.png",
        ]
        try withFiles(files) { path in
            let folder = try ImageFolder(path: path + "/")
            XCTAssertEqual(folder.classes, ["a", "b"])
            XCTAssertEqual(
                folder.training.map { String($0.path.dropFirst(path.count)) }, ["/train/a/x.png", "/train/b/1.jpeg", "/train/b/2.JPG"])
            XCTAssertEqual(folder.training.map(\.label), [0, 1, 1])
            XCTAssertEqual(folder.samples(.validation).count, 2)
        }
    }

    func testErrorsNameTheProblemAndThePath() throws {
        let cases: [([String], String)] = [
            (["a.png"], "no folder train"), (["train/a/1.png"], "no folder val or validation"),
            (["train/x.png", "val/x.png"], "no class folders"), (["train/a/x.txt", "val/a/x.png"], "hold no .jpg"),
            (["train/a/1.png", "train/b/1.png", "val/a/1.png", "val/c/1.png"], "only in train: b; only in validation: c"),
        ]
        for (files, message) in cases {
            try withFiles(files) { path in
                XCTAssertThrowsError(try ImageFolder(path: path)) {
                    XCTAssertTrue("\($0)".contains(message) && "\($0)".contains(path), "\($0)")
                }
            }
        }
        XCTAssertThrowsError(try ImageFolder(path: "/nowhere"))
    }
}
