import Communication
import Foundation
import ImageData
import TestSupport
import XCTest

@testable import Training

/// Tests the comparison of data sets with folders of files that are no images: the comparison does not decode them.
final class DataAgreementTests: XCTestCase {
    /// Makes the data set of one rank: two classes with three training images and one validation image each.
    private func make(_ folder: String) throws {
        for (split, count) in [("train", 3), ("val", 1)] {
            for name in ["cat", "dog"] {
                for index in 0..<count { try write("\(split) \(name) \(index)", "\(folder)/\(split)/\(name)/\(index).jpg") }
            }
        }
    }

    private func write(_ text: String, _ path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// Compares the data sets of three ranks. The rank `different` has another data set.
    private func check(different: Int = 1, _ change: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for rank in 0..<3 { try make("\(folder)/\(rank)") }
            try change("\(folder)/\(different)")
            try InMemoryCommunicator.run(rankCount: 3) { communicator in
                try DataAgreement.check(ImageDataset(path: "\(folder)/\(communicator.rank)"), seed: 1, communicator)
            }
        }
    }

    private func assertRefused(
        different: Int = 1, _ parts: [String], line: UInt = #line, _ change: (String) throws -> Void
    ) {
        XCTAssertThrowsError(try check(different: different, change), line: line) { error in
            for part in parts { XCTAssertTrue("\(error)".contains(part), "\(error)", line: line) }
            XCTAssertTrue(error is AgreedFailure, "\(error)", line: line)
        }
    }

    func testEqualDataSetsAtDifferentPathsPass() throws {
        try check { _ in }
    }

    func testAMissingImageIsNamedWithTheRank() {
        assertRefused(["rank 1 on memory: ", "it lacks train/dog/1.jpg, which rank 0 has", "5 training and 2 validation images"]) {
            try FileManager.default.removeItem(atPath: $0 + "/train/dog/1.jpg")
        }
    }

    func testAnAdditionalImageIsNamed() {
        assertRefused(["rank 1 on memory: ", "it has val/cat/7.jpg, which rank 0 lacks"]) { try write("x", $0 + "/val/cat/7.jpg") }
    }

    func testARenamedImageIsNamed() {
        assertRefused(["it lacks train/cat/2.jpg"]) {
            try FileManager.default.moveItem(atPath: $0 + "/train/cat/2.jpg", toPath: $0 + "/train/cat/9.jpg")
        }
    }

    func testAnAdditionalClassIsNamed() {
        assertRefused(["it has other classes than on rank 0 (new: bird)"]) {
            try write("x", $0 + "/train/bird/1.jpg")
            try write("x", $0 + "/val/bird/1.jpg")
        }
    }

    func testAnImageOfAnotherSizeIsNamed() {
        assertRefused(["rank 1 on memory: ", "train/cat/1.jpg has 8 bytes, and 11 bytes on rank 0"]) {
            try write("shorter.", $0 + "/train/cat/1.jpg")
        }
    }

    func testAnImageWithOtherContentsOfTheSameSizeIsNamed() {
        assertRefused(["rank 1 on memory: ", "val/dog/0.jpg has other contents than on rank 0"]) {
            try write("VAL DOG 0", $0 + "/val/dog/0.jpg")
        }
    }

    func testIfRankZeroDiffersAllOthersAreNamed() {
        assertRefused(different: 0, ["rank 1 on memory: ", "rank 2 on memory: ", "it has train/dog/1.jpg, which rank 0 lacks"]) {
            try FileManager.default.removeItem(atPath: $0 + "/train/dog/1.jpg")
        }
    }

    /// A file that no rank can read is reported where it is used, with the names of all such files.
    func testFilesThatNoRankCanReadAreEqual() throws {
        try withTemporaryFolder { folder in
            try make(folder)
            try write("", folder + "/train/cat/1.jpg")
            try InMemoryCommunicator.run(rankCount: 2) { communicator in
                try DataAgreement.check(ImageDataset(path: folder), seed: 1, communicator)
            }
        }
    }
}
