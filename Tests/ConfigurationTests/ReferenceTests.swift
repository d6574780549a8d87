import TestSupport
import XCTest

@testable import Configuration

final class ReferenceTests: XCTestCase {
    private let reference = ConfigurationReference { _ in "always" }

    /// Keys of a configuration with all sections. Both schedules have the same.
    private func readKeys() throws -> Set<String> {
        let text = """
            resolutions: [64, 32]
            data: {folder: photos}
            classifier: {architecture: resnet18}
            optimizer: {batchSize: 8}
            stages: {warmUp: {epochs: 1, learningRate: {base: 1}}, fineTune: {epochs: 1, learningRate: {base: 1}}, recalibrate: {}}
            """
        let keys = try TrainingConfiguration.load(text: text, path: "run.yaml", overrides: []).text.keys()
        return Set(keys.map { $0.replacing(/^stages\.(warmUp|fineTune)\.learningRate\./, with: "learningRate.") })
    }

    func testEveryKeyIsDeclaredOnceWithAText() throws {
        let names = reference.keys.map(\.key)
        XCTAssertEqual(Set(names), try readKeys())
        XCTAssertEqual(names.count, Set(names).count, "each once")
        for key in reference.keys {
            XCTAssertFalse(key.about.isEmpty || key.values.isEmpty || key.defaultText.isEmpty, key.key)
            XCTAssertFalse(key.about.contains("\n"), key.key)
        }
    }

    func testADeclarationHasTheRangeAndTheDefaultOfTheCode() {
        func row(_ key: String) -> [String] { reference.keys.filter { $0.key == key }.flatMap { [$0.values, $0.defaultText] } }
        XCTAssertEqual(row("optimizer.batchSize"), ["1…1,000,000", "required"])
        XCTAssertEqual(row("optimizer.betas"), ["2 numbers, each 0 or more and below 1", "[0.9, 0.999]"])
        XCTAssertEqual(row("predictor.widths"), ["a list, each 1…4,096", "[64, 64, 128, 256, 512]"])
        XCTAssertEqual(row("data.resizeRatio"), ["a number or a list, each 1…4", "1.143"])
        XCTAssertEqual(row("learningRate.kind"), ["`constant`, `cosine`, `step`, `milestones`", "cosine"])
        XCTAssertEqual(row("data.augmentation.flip"), ["`true`, `false`", "true"])
        XCTAssertEqual(row("classifier.pretrained"), ["text", "none"])
        XCTAssertEqual(row("checkpoints.everySteps"), ["0 or more", "0"])
    }

    func testRenewingAPageReplacesTablesAndKeepsText() throws {
        let sections =
            "top data classifier predictor batchNorm policy optimizer loss distillation stages learningRate divergence "
            + "checkpoints evaluation kernels communication"
        let page = "# A\n<!-- keys: \(sections) -->\nOLD\n<!-- end of keys -->\ntext\n<!-- keys: metrics -->\n<!-- end of keys -->\nend"
        let renewed = try reference.renewed(page)
        XCTAssertTrue(renewed.hasPrefix("# A\n<!-- keys: top") && renewed.hasSuffix("<!-- end of keys -->\nend"), renewed)
        XCTAssertFalse(renewed.contains("OLD"))
        XCTAssertTrue(renewed.contains("\n| `metrics.everySteps` | 1 or more | 10 | always | steps between `step` records |\n"), renewed)
        XCTAssertEqual(try reference.renewed(renewed), renewed)
        for (wrong, problem) in [
            (page.replacing(" metrics", with: " loss"), "no table has metrics.everySteps"),
            (page.replacing("metrics", with: "nothing"), "names no section"),
            (page + "\n<!-- keys: loss -->\n<!-- end of keys -->", "a section has two tables"),
            (page.replacing("<!-- end of keys -->\nend", with: ""), "has no end"),
        ] {
            XCTAssertThrowsError(try reference.renewed(wrong)) { XCTAssertTrue("\($0)".contains(problem), "\($0)") }
        }
    }
}
