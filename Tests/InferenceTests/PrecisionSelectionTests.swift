import Foundation
import Kernels
import TestSupport
import XCTest

@testable import Configuration
@testable import Inference

final class PrecisionSelectionTests: XCTestCase {
    private func options(_ precision: String, products: String = "auto") throws -> TrainingConfiguration.KernelOptions {
        let text = """
            resolutions: [64, 32]
            data: {folder: photos}
            classifier: {architecture: resnet18}
            optimizer: {batchSize: 8}
            stages: {warmUp: {epochs: 1, learningRate: {base: 1}}}
            kernels: {precision: \(precision), products: \(products)}
            """
        return try TrainingConfiguration.load(text: text, path: "run.yaml", overrides: []).kernels
    }

    private func recorded(_ precision: Precision?) -> ProductsSelection {
        var selection = ProductsSelection(.tiles, reason: "recorded")
        selection.precision = precision
        return selection
    }

    func testAutoNeedsTheInstructionsAndKeepsWhatTheRunBeganWith() throws {
        func select(_ precision: String, _ recorded: ProductsSelection?, _ hasInstructions: Bool, products: String = "auto") throws
            -> Precision
        {
            Precision.select(try options(precision, products: products), recorded: recorded, hasInstructions: hasInstructions)
        }
        for hasInstructions in [false, true] {
            XCTAssertEqual(try select("float32", recorded(.bfloat16), hasInstructions), .float32)
            XCTAssertEqual(try select("bfloat16", recorded(nil), hasInstructions), .bfloat16)
            XCTAssertEqual(try select("auto", nil, hasInstructions), hasInstructions ? .bfloat16 : .float32)
            XCTAssertEqual(try select("auto", recorded(nil), hasInstructions), .float32, "the run began with floats")
            XCTAssertEqual(try select("auto", recorded(.bfloat16), hasInstructions), hasInstructions ? .bfloat16 : .float32)
        }
        XCTAssertEqual(try select("auto", nil, true, products: "openblas"), .float32, "OpenBLAS computes in 32 bits")
    }

    func testASelectionSaysThatItsPrecisionChanges() throws {
        try withTemporaryFolder { folder in
            let cache = ProductsCache(folder: folder)
            func select(_ precision: Precision, _ recorded: ProductsSelection?) -> ProductsSelection {
                ProductsSelection.select(.auto, precision: precision, recorded: recorded, cache: cache) {
                    XCTFail("nothing needs to be measured")
                    return ProductsChoice(fastest: .tiles, gigaFLOPsPerSecond: [:], threadCount: 1, seconds: 0)
                }
            }
            let new = select(.bfloat16, nil)
            XCTAssertEqual(new.summary, "products: tiles in bfloat16 (kernels.precision)")
            XCTAssertEqual(select(.bfloat16, new), new)
            let narrower = select(.bfloat16, recorded(nil))
            XCTAssertTrue(narrower.reason.contains("the run began with tiles, so its results have another precision"), narrower.reason)
            let wider = select(.float32, new)
            XCTAssertNil(wider.precision)
            XCTAssertTrue(wider.reason.contains("began with tiles in bfloat16, so its results have another precision"), wider.reason)
        }
    }

    func testBFloat16NeedsTiles() throws {
        XCTAssertThrowsError(try options("bfloat16", products: "openblas")) {
            XCTAssertTrue("\($0)".contains("'kernels.precision' is bfloat16, but kernels.products is openblas"), "\($0)")
        }
    }

    func testRecordsOfEarlierBuildsHaveFloats() throws {
        let record = #"{"products": "tiles", "processor": "a", "reason": "b"}"#
        XCTAssertNil(try JSONDecoder().decode(ProductsSelection.self, from: Data(record.utf8)).precision)
    }
}
