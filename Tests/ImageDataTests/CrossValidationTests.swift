import Foundation
import TestSupport
import XCTest

@testable import ImageData

final class CrossValidationTests: XCTestCase {
    /// Runs `body` with a folder that has the given number of training images in each class, and one validation image in each class.
    private func withFolder(_ counts: [Int], _ body: (ImageDataset) throws -> Void) throws {
        try withTemporaryFolder { path in
            for (label, count) in counts.enumerated() {
                for (split, images) in [("train", count), ("val", 1)] {
                    let folder = "\(path)/\(split)/class\(label)"
                    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                    for index in 0..<images { try Data([1]).write(to: URL(fileURLWithPath: "\(folder)/\(index).png")) }
                }
            }
            try body(ImageDataset(path: path))
        }
    }

    private func folds(_ folder: ImageDataset, _ count: Int) throws -> [ImageDataset] {
        try (1...count).map { try folder.fold(XCTUnwrap(CrossValidationFold("\($0)/\(count)"))) }
    }

    func testEveryTrainingImageIsHeldOutInExactlyOneFold() throws {
        try withFolder([11, 7, 23]) { folder in
            var heldOut: [String] = []
            for fold in try folds(folder, 4) {
                XCTAssertEqual(Set(fold.training.map(\.path)).intersection(fold.validation.map(\.path)), [])
                XCTAssertEqual((fold.training + fold.validation).map(\.path).sorted(), folder.training.map(\.path).sorted())
                XCTAssertEqual(fold.training.map(\.label), fold.training.map(\.label).sorted(), "the order is that of the folder")
                heldOut += fold.validation.map(\.path)
            }
            XCTAssertEqual(heldOut.sorted(), folder.training.map(\.path).sorted(), "the folder's own validation images are left out")
        }
    }

    func testFoldsHaveEqualSharesOfEachClass() throws {
        let counts = [11, 7, 23, 5, 6]
        try withFolder(counts) { folder in
            let folds = try folds(folder, 5)
            for (label, count) in counts.enumerated() {
                let held = folds.map { fold in fold.validation.filter { $0.label == Int32(label) }.count }
                XCTAssertTrue(held.allSatisfy { (count / 5...(count + 4) / 5).contains($0) }, "class \(label): \(held)")
            }
            let sizes = folds.map(\.validation.count)
            XCTAssertLessThanOrEqual(sizes.max()! - sizes.min()!, 1, "\(sizes)")
        }
    }

    func testFoldsAreDeterministicAndIndependentOfTheNames() throws {
        try withFolder([40, 40]) { folder in
            let first = try folds(folder, 4)
            let again = try folds(ImageDataset(path: folder.path), 4)
            XCTAssertEqual(first.map(\.validation), again.map(\.validation))
            // A division by name would hold out every fourth image, or ten consecutive images.
            let positions = first[0].validation.compactMap { folder.training.firstIndex(of: $0) }
            XCTAssertGreaterThan(Set(zip(positions, positions.dropFirst()).map { $1 - $0 }).count, 2, "\(positions)")
        }
    }

    func testAClassWithFewerImagesThanFoldsIsRejected() throws {
        try withFolder([5, 3]) { folder in
            XCTAssertNoThrow(try folds(folder, 3))
            XCTAssertThrowsError(try folds(folder, 4)) {
                XCTAssertTrue("\($0)".contains("3 training images of class class1 cannot be divided into 4 folds"), "\($0)")
            }
        }
    }

    func testOnlyValidFoldsAreParsed() {
        for text in ["", "2", "0/5", "6/5", "1/1", "-1/5", "1/5/2", "a/b", "2/", "/5", "2 / 5"] {
            XCTAssertNil(CrossValidationFold(text), text)
        }
        XCTAssertEqual(CrossValidationFold("5/5")?.index, 5)
    }
}
