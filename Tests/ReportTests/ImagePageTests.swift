import Foundation
import ImageData
import TestSupport
import XCTest

@testable import Report

/// The parts of a page that need the answers for single images.
final class ImagePageTests: XCTestCase {
    /// A run with three classes and a file of predictions. Image i is of class i % 3; every fourth answer is wrong.
    private func withPredictions(
        count: Int, classes: [String] = ["cat", "dog", "owl"], gallery: Int = 12, _ body: (Page) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            try RunFolders.make(folder + "/run")
            var lines = ["path,class,predicted,resolution,rank"]
            for index in 0..<count {
                let path = "\(folder)/photograph \(index).jpg"
                if index < 40 {
                    try ImageEncoder.writeJPEG(PixelImage(width: 200, height: 100, fill: (200, UInt8(index), 90)), to: path, quality: 90)
                }
                let isRight = index % 4 != 0
                let (label, predicted) = (classes[index % 3], classes[(index + (isRight ? 0 : 1)) % 3])
                lines.append(
                    ["\"\(path)\"", quoted(label), quoted(predicted), index % 5 == 0 ? "64" : "32", isRight ? "0" : "\(1 + index % 7)"]
                        .joined(separator: ","))
            }
            try (lines.joined(separator: "\n") + "\n").write(toFile: folder + "/predictions.csv", atomically: true, encoding: .utf8)
            var run = try ReportedRun(path: folder + "/run")
            run.add(try ReportedImages(predictions: folder + "/predictions.csv", resolutions: [64, 32]))
            try body(try Page([run], gallery: gallery))
        }
    }

    private func quoted(_ text: String) -> String { "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" }

    func testAFileOfPredictionsGivesPhotographsAndClasses() throws {
        try withPredictions(count: 30) { page in
            XCTAssertEqual(page.texts("h3").filter { !$0.isEmpty }.prefix(3), ["Sent to 64 px", "Sent to 32 px", "The worst mistakes"])
            XCTAssertTrue(page.texts("p").contains("6 images, 20.0 %. 66.7 % of them are classified correctly."), "\(page.texts("p"))")
            let pictures = page.all("img")
            XCTAssertEqual(pictures.count, 6 + 12 + 8)
            for picture in pictures {
                XCTAssertTrue(picture.attributes["src"]?.hasPrefix("data:image/jpeg;base64,") == true)
                XCTAssertTrue(picture.attributes["alt"]?.hasPrefix("Photograph of class ") == true, "\(picture.attributes["alt"] ?? "")")
                XCTAssertEqual(picture.attributes["width"], "144")
                XCTAssertEqual(picture.attributes["height"], "72")
            }
            // Ten images of cat: 0, 3, …, 27. Wrong are 0, 12 and 24. Likewise 4, 16 and 28 of dog, 8 and 20 of owl.
            XCTAssertEqual(page.all("td").filter { $0.attributes["class"]?.contains("diagonal") == true }.map(\.text), ["7", "7", "8"])
        }
    }

    func testTheWorstMistakesComeFirst() throws {
        try withPredictions(count: 40, gallery: 3) { page in
            let captions = page.texts("figcaption").filter { $0.contains("✗") }.suffix(3)
            XCTAssertEqual(captions.count, 3)
            let ranks = captions.compactMap { $0.components(separatedBy: "its class has rank ").last?.prefix(1) }
            XCTAssertEqual(ranks, ["8", "7", "6"], "\(captions)")
        }
    }

    func testTheSurestMistakesComeFirst() {
        func image(_ name: String, _ probability: Double?, rank: Int) -> ReportedImages.Image {
            ReportedImages.Image(
                source: .file(FileSystemPath(name)), name: name, label: 0, predicted: 1, choice: 0, labelRank: rank,
                probability: probability)
        }
        let sure = [image("a", 0.5, rank: 9), image("b", 0.9, rank: 1), image("c", nil, rank: 3), image("d", 0.7, rank: 2)]
        XCTAssertEqual(GallerySection.worstFirst(sure).map(\.name), ["b", "d", "a", "c"])
        let ranked = [image("a", nil, rank: 2), image("b", nil, rank: 5), image("c", nil, rank: 3)]
        XCTAssertEqual(GallerySection.worstFirst(ranked).map(\.name), ["b", "c", "a"])
    }

    func testNamesOfClassesCannotBecomeMarkup() throws {
        try withPredictions(count: 20, classes: ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a & b 'c'"]) { page in
            XCTAssertEqual(page.all("script").count, 0)
            XCTAssertEqual(page.all("img").filter { $0.attributes["src"] == "x" }.count, 0)
            XCTAssertTrue(page.texts("strong").contains("<script>alert(1)</script>"))
        }
    }

    func testThePageStaysSmallWithManyImages() throws {
        try withPredictions(count: 3000) { page in
            XCTAssertLessThanOrEqual(page.all("img").count, 3 * 12)
            XCTAssertLessThan(page.text.utf8.count, 400_000)
        }
        try withPredictions(count: 30, gallery: 0) { page in
            XCTAssertEqual(page.all("img").count, 0)
            XCTAssertTrue(page.texts("h2").contains("Classes"))
        }
    }

    func testPhotographsThatAreGoneAreNamedInTheirPlace() throws {
        try withPredictions(count: 300) { page in
            XCTAssertTrue(page.texts("div").contains("the file cannot be read"))
        }
    }

    func testFilesThatAreNoPredictionsAreRefused() throws {
        try withTemporaryFolder { folder in
            func problem(_ text: String) -> String {
                do {
                    try text.write(toFile: folder + "/p.csv", atomically: true, encoding: .utf8)
                    _ = try ReportedImages(predictions: folder + "/p.csv", resolutions: [64, 32])
                    return ""
                } catch { return "\(error)" }
            }
            let heading = "path,class,predicted,resolution,rank\n"
            XCTAssertTrue(problem("").contains("is empty"))
            XCTAssertTrue(problem("a,b\n").contains("has no column 'path'"))
            XCTAssertTrue(problem(heading + "x,a,b,64\n").contains("row 2"), problem(heading + "x,a,b,64\n"))
            XCTAssertTrue(problem(heading + "x,a,b,48,0\n").contains("the resolutions [64, 32]"))
            XCTAssertTrue(problem(heading + "x,a,b,64,-1\n").contains("row 2"))
            XCTAssertEqual(problem(heading + "x,a,b,64,1\n"), "")
        }
    }
}
