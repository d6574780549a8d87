import Foundation
import TestSupport
import XCTest

@testable import ImageData

final class DataCheckTests: XCTestCase {
    func testEveryBadFileIsListedInOrder() throws {
        try withTemporaryFolder { path in
            let image = PixelImage(width: 8, height: 8, fill: (1, 2, 3))
            for name in ["train/a", "train/b", "val/a", "val/b"] {
                try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
                for number in 0..<12 { try ImageEncoder.writePNG(image, to: "\(path)/\(name)/\(10 + number).png") }
            }
            try Data().write(to: URL(fileURLWithPath: "\(path)/val/a/13.png"))
            try Data("text".utf8).write(to: URL(fileURLWithPath: "\(path)/train/b/17.png"))
            truncate("\(path)/train/a/11.png", 60)
            for number in 10..<20 { try FileManager.default.removeItem(atPath: "\(path)/train/b/\(number == 17 ? 20 : number).png") }
            // One grey file with 16 bits.
            try FileManager.default.copyItem(
                atPath: repositoryRoot + "/Tests/Fixtures/images/variants/grey16.png", toPath: "\(path)/train/b/wide.png")

            let folder = try ImageDataset(path: path)
            for threads in [1, 3] {
                nonisolated(unsafe) var calls: [(Int, Int)] = []
                let report = DataCheck(folder).run(threads: threads) { calls.append(($0, $1)) }
                XCTAssertEqual(report.images, folder.training.count + folder.validation.count)
                XCTAssertEqual(report.problems.count, 3)
                for (problem, start) in zip(
                    report.problems, ["train/a/11.png: damaged PNG", "train/b/17.png: the content", "val/a/13.png: the"])
                {
                    XCTAssertTrue(problem.hasPrefix("\(path)/\(start)"), problem)
                }
                XCTAssertEqual(calls.map(\.0), Array(1...report.images))
                XCTAssertEqual(calls.last?.1, 3)
                XCTAssertEqual(report.notes.count, 2)
                XCTAssertTrue(report.notes[0].contains("1 grey file has 16 bits (such as \(path)/train/b/wide.png)"), report.notes[0])
                XCTAssertEqual(report.notes[1], "1 class has fewer than 10 training images: b (3)")
            }
        }
    }
}
