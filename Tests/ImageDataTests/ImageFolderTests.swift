import Foundation
import TestSupport
import XCTest

@testable import ImageData

final class ImageFolderTests: XCTestCase {
    private func withFiles(_ files: [String], _ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for file in files { try write(file, in: folder) }
            try body(folder)
        }
    }

    private func write(_ file: String, in folder: String) throws {
        let path = "\(folder)/\(file)"
        let isFolder = file.hasSuffix("/")
        try FileManager.default.createDirectory(
            atPath: isFolder ? path : (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        if !isFolder { try Data([1]).write(to: URL(fileURLWithPath: path)) }
    }

    private func names(_ samples: [ImageDataset.Sample], in path: String) -> [String] {
        samples.map { String($0.path.dropFirst(path.count + 1)) }
    }

    private func assertError(_ path: String, _ texts: [String], line: UInt = #line) {
        XCTAssertThrowsError(try ImageDataset(path: path), line: line) { error in
            for text in texts { XCTAssertTrue("\(error)".contains(text), "\(text) in \(error)", line: line) }
        }
    }

    // MARK: What is read

    func testClassesAndImagesAreSortedByTheirBytes() throws {
        let files = [
            "train/b/2.JPG", "train/b/1.jpeg", "train/a/x.png", "train/a/notes.txt", "train/a/.hidden.jpg", "train/readme.md",
            "validation/a/1.png", "validation/b/1.png",
        ]
        try withFiles(files) { path in
            let folder = try ImageDataset(path: path + "/")
            XCTAssertEqual(folder.classes, ["a", "b"])
            XCTAssertEqual(names(folder.training, in: path), ["train/a/x.png", "train/b/1.jpeg", "train/b/2.JPG"])
            XCTAssertEqual(folder.training.map(\.label), [0, 1, 1])
            XCTAssertEqual(folder.samples(.validation).count, 2)
            XCTAssertEqual(folder.relativePath(of: folder.training[2]), "train/b/2.JPG")
        }
    }

    func testEveryExtensionOfADecodedFormatIsRead() throws {
        let names = ["1.jpg", "2.jpeg", "3.JPE", "4.jfif", "5.png", "6.WebP"]
        try withFiles(names.map { "train/a/\($0)" } + ["val/a/1.webp"]) { path in
            let folder = try ImageDataset(path: path)
            XCTAssertEqual(self.names(folder.training, in: path), names.map { "train/a/\($0)" })
            XCTAssertEqual(folder.notes, [])
        }
    }

    /// As torchvision's ImageFolder, which uses os.walk with followlinks.
    func testFoldersInsideOfAClassAreReadAndLinksAreFollowed() throws {
        try withFiles(["train/a/z.jpg", "train/a/more/1.jpg", "train/a/more/deep/2.jpg", "val/a/1.jpg", "elsewhere/3.jpg"]) { path in
            symlink("\(path)/elsewhere", "\(path)/train/a/linked")
            symlink("\(path)/elsewhere/3.jpg", "\(path)/train/a/3.jpg")
            symlink("\(path)/elsewhere", "\(path)/train/b")
            symlink("\(path)/elsewhere", "\(path)/val/b")
            let folder = try ImageDataset(path: path)
            XCTAssertEqual(
                names(folder.training, in: path),
                [
                    "train/a/3.jpg", "train/a/linked/3.jpg", "train/a/more/1.jpg", "train/a/more/deep/2.jpg", "train/a/z.jpg",
                    "train/b/3.jpg",
                ])
            XCTAssertEqual(folder.notes, [])
        }
    }

    func testLinksToAFolderAboveEndAndAreTold() throws {
        try withFiles(["train/a/1.jpg", "train/a/in/2.jpg", "val/a/1.jpg"]) { path in
            symlink("..", "\(path)/train/a/in/up")
            symlink("../..", "\(path)/train/a/in/split")
            symlink(".", "\(path)/train/a/self")
            let folder = try ImageDataset(path: path)
            XCTAssertEqual(names(folder.training, in: path), ["train/a/1.jpg", "train/a/in/2.jpg"])
            XCTAssertEqual(folder.notes, ["\(path)/train: skipped 3 symbolic links to a folder above (such as a/in/split)"])
        }
    }

    func testNamesThatAreNotUTF8AreReadAndShownWithTheirBytes() throws {
        try withFiles(["train/a/1.jpg", "val/a/1.jpg"]) { path in
            let root = FileSystemPath(path)
            for split in ["train", "val"] {
                let folder = root.appending(split.utf8).appending([0x72, 0xF6] + "ws\\".utf8)
                XCTAssertEqual(folder.withCString { mkdir($0, 0o777) }, 0)
                for name in [[0xFF] + Array(".jpg".utf8), Array("é.jpg".utf8)] {
                    let file = folder.appending(name).withCString { open($0, O_CREAT | O_WRONLY, 0o666) }
                    XCTAssertGreaterThanOrEqual(file, 0)
                    close(file)
                }
            }
            let folder = try ImageDataset(path: path)
            XCTAssertEqual(folder.classes, ["a", #"r\xf6ws\\"#])
            XCTAssertEqual(folder.training.map(\.label), [0, 1, 1])
            XCTAssertEqual(folder.relativePath(of: folder.training[1]), #"train/r\xf6ws\\/é.jpg"#)
            XCTAssertEqual(folder.relativePath(of: folder.training[2]), #"train/r\xf6ws\\/\xff.jpg"#)
            // The bytes open the file; it is empty.
            XCTAssertNoThrow(try FolderEntries.list(root))
            XCTAssertThrowsError(try ImageDecoder.decode(folder.training[2].source)) {
                XCTAssertEqual($0 as? ImageError, .empty(path: path + #"/train/r\xf6ws\\/\xff.jpg"#))
            }
            let again = try ImageDataset(validationImagesOf: path, classes: folder.classes)
            XCTAssertEqual(again.validation, folder.validation)
        }
    }

    func testTwoClassesWithTheSameTextAreRefused() throws {
        try withFiles([#"train/r\xf6/1.jpg"#, #"val/r\xf6/1.jpg"#]) { path in
            let folder = FileSystemPath(path).appending("train".utf8).appending([0x72, 0xF6])
            XCTAssertEqual(folder.withCString { mkdir($0, 0o777) }, 0)
            assertError(path, [#"r\xf6"#, "rename"])
        }
    }

    // MARK: What is skipped

    func testWhatIsSkippedIsToldWithReasonAndExample() throws {
        let files =
            (0..<12).map { "train/rows/\($0).bmp" }
            + ["a.TIF", "b.csv", "noextension", ".x.jpg", "._1.jpg", ".DS_Store", "Thumbs.db"].map {
                "train/rows/\($0)"
            } + ["train/rows/1.jpg", "train/rows/empty/", "train/loose.jpg", "train/.cache/1.jpg", "val/rows/1.jpg", "difficulty.csv"]
        try withFiles(files) { path in
            symlink("nowhere", "\(path)/train/rows/lost.jpg")
            XCTAssertEqual(mkfifo("\(path)/train/rows/pipe.jpg", 0o600), 0)
            XCTAssertEqual(
                try ImageDataset(path: path).notes,
                [
                    "skipped 12 files with the extension .bmp (such as rows/0.bmp): convert them to JPEG, PNG or WebP",
                    "skipped 3 hidden files or folders (such as .cache)",
                    "skipped 1 empty folder (such as rows/empty)",
                    "skipped 1 entry that is neither a file nor a folder (such as rows/pipe.jpg)",
                    "skipped 1 file outside of the class folders (such as loose.jpg)",
                    "skipped 1 file with the extension .csv (such as rows/b.csv)",
                    "skipped 1 file with the extension .tif (such as rows/a.TIF): convert them to JPEG, PNG or WebP",
                    "skipped 1 file without an extension (such as rows/noextension): if they are images, add .jpg, .png or .webp",
                    "skipped 1 symbolic link without a target (such as rows/lost.jpg)",
                ].map { "\(path)/train: \($0)" })
        }
    }

    func testListsAreCutAfterTen() throws {
        let files = (0..<15).map { "train/a/1.x\($0)" } + (0..<14).flatMap { ["train/c\($0)/", "val/c\($0)/"] }
        try withFiles(files + ["train/a/1.jpg", "val/a/1.jpg"]) { path in
            assertError(path, ["14 classes have no training images", "and 4 more"])
            for number in 0..<14 { try write("train/c\(number)/1.jpg", in: path) }
            let notes = try ImageDataset(path: path).notes
            XCTAssertEqual(notes.count, 12)
            XCTAssertEqual(notes[10], "\(path)/train: skipped 5 more entries for 5 other reasons")
            XCTAssertTrue(notes[11].contains("no images of 14 classes: c0, c1,") && notes[11].hasSuffix("and 4 more"), notes[11])
            for number in 0..<14 { try FileManager.default.removeItem(atPath: "\(path)/val/c\(number)") }
            assertError(path, ["only in train: c0, c1,", "and 4 more"])
        }
    }

    func testAClassWithoutTrainingImagesIsAnErrorThatSaysWhatWasSkipped() throws {
        let files = ["train/a/1.jpg", "train/b/1.bmp", "train/b/2.bmp", "train/c/", "val/a/1.jpg", "val/b/1.jpg", "val/c/1.jpg"]
        try withFiles(files) { path in
            assertError(path, ["2 classes have no training images: b (skipped: 2 files with the extension .bmp), c;", "\(path)/train"])
        }
    }

    func testAClassWithoutValidationImagesIsTold() throws {
        try withFiles(["train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg", "val/b/"]) { path in
            XCTAssertEqual(try ImageDataset(path: path).notes, ["\(path)/val: no images of 1 class: b"])
        }
    }

    // MARK: Errors

    func testErrorsNameTheProblemAndThePath() throws {
        let cases: [([String], String)] = [
            (["a.png"], "no folder train"), (["train/a/1.png"], "no folder val or validation"),
            (["train/x.png", "val/x.png"], "no class folders"), (["train/a/x.txt", "val/a/x.png"], "hold no .jpg"),
            (["train/a/1.png", "val/a/x.txt"], "hold no .jpg"),
            (["train/a/1.png", "train/b/1.png", "val/a/1.png", "val/c/1.png"], "only in train: b; only in validation: c"),
        ]
        for (files, message) in cases {
            try withFiles(files) { path in assertError(path, [message, path]) }
        }
        assertError("/nowhere", ["/nowhere: there is no such folder"])
    }

    /// What cannot be read is an error with the reason of the system, never an absent folder or a class without images.
    func testFoldersThatCannotBeReadAreErrors() throws {
        try withFiles(["train/a/1.jpg", "train/a/in/2.jpg", "val/a/1.jpg"]) { path in
            symlink("loop", "\(path)/loop")
            assertError("\(path)/loop", ["\(path)/loop: cannot be listed (Too many levels of symbolic links)"])
            assertError("/" + String(repeating: "x", count: 300), ["cannot be listed (File name too long)"])
            for folder in ["train/a/in", "train/a", "train", "val/a", "val", ""] {
                chmod("\(path)/\(folder)", 0)
                withoutPrivileges {
                    assertError(path, ["cannot be listed (Permission denied)", "\(path)/\(folder)".trimmingCharacters(in: ["/"])])
                }
                chmod("\(path)/\(folder)", 0o755)
            }
            try withoutPrivileges { XCTAssertEqual(try ImageDataset(path: path).training.count, 2) }
        }
    }

    /// Permissions do not apply to root.
    private func withoutPrivileges(_ body: () throws -> Void) rethrows {
        let isRoot = geteuid() == 0
        if isRoot { XCTAssertEqual(seteuid(65_534), 0) }
        defer { if isRoot { XCTAssertEqual(seteuid(0), 0) } }
        try body()
    }

    // MARK: Test sets

    func testATestSetNeedsNeitherTrainingImagesNorAllClasses() throws {
        for place in ["val/", "validation/", ""] {
            try withFiles(["\(place)c/1.jpg", "\(place)a/1.jpg", "\(place)a/in/2.jpg", "\(place)b/"]) { path in
                let folder = try ImageDataset(validationImagesOf: path + "/", classes: ["c", "b", "a", "d"])
                XCTAssertEqual(folder.classes, ["c", "b", "a", "d"])
                XCTAssertEqual(names(folder.validation, in: path), ["\(place)c/1.jpg", "\(place)a/1.jpg", "\(place)a/in/2.jpg"])
                XCTAssertEqual(folder.validation.map(\.label), [0, 2, 2])
                XCTAssertEqual(folder.training, [])
                XCTAssertTrue(folder.notes.contains { $0.hasSuffix("no images of 2 classes: b, d") }, "\(folder.notes)")
            }
        }
    }

    func testATestSetWithOtherClassesIsRefusedByName() throws {
        let cases: [([String], String)] = [
            (["val/a/1.jpg", "val/x/1.jpg", "val/y/1.jpg"], "does not know the classes x, y;"), (["1.jpg"], "no class folders"),
            (["val/a/1.bmp"], "hold no .jpg"), (["train/a/1.jpg"], "does not know the classes train;"),
        ]
        for (files, message) in cases {
            try withFiles(files) { path in
                XCTAssertThrowsError(try ImageDataset(validationImagesOf: path, classes: ["a", "b"])) {
                    XCTAssertTrue("\($0)".contains(message) && "\($0)".contains(path), "\($0)")
                }
            }
        }
        XCTAssertThrowsError(try ImageDataset(validationImagesOf: "/nowhere", classes: ["a"])) {
            XCTAssertTrue("\($0)".contains("/nowhere: there is no such folder; a test set holds"), "\($0)")
        }
    }
}
