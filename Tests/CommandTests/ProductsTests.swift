import Foundation
import TestSupport
import XCTest

/// Tests the key `kernels.products` with the whole command.
final class ProductsTests: XCTestCase {
    private func cache(_ run: SmallRun, fastest: String) throws {
        let path = run.path("cache") + "/drnet/products.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let changed = text.replacingOccurrences(
            of: "\"fastest\" : \"[a-z]+\"", with: "\"fastest\" : \"\(fastest)\"", options: .regularExpression)
        try changed.write(toFile: path, atomically: true, encoding: .utf8)
    }

    func testAResumedRunKeepsItsProductsAlthoughTheCacheSaysOtherwise() throws {
        try withSmallRun { run in
            for ranks in [nil, 2] {
                let environment = ["XDG_CACHE_HOME": run.path("cache")]
                let name = "ranks-\(ranks ?? 1)"
                try run.complete("first-\(name)", ranks: ranks, environment: environment)
                for products in ["openblas", "tiles"] {
                    let whole = "\(products)-\(name)"
                    try cache(run, fastest: products)
                    let result = try run.train(whole, ranks: ranks, environment: environment)
                    XCTAssertEqual(result.status, 0, result.text)
                    XCTAssertEqual(result.output.components(separatedBy: "products: \(products) (").count, 2, "one line; \(result.text)")
                    try run.cut(whole, to: "\(whole)-cut", afterStep: 12)
                    try cache(run, fastest: products == "tiles" ? "openblas" : "tiles")
                    try run.complete("\(whole)-cut", ranks: ranks, ["--resume"], environment: environment)
                    XCTAssertTrue(try run.weights(whole) == run.weights("\(whole)-cut"), whole)
                }
                // The negative control: the bits differ between the two implementations.
                XCTAssertFalse(try run.weights("openblas-\(name)") == run.weights("tiles-\(name)"), name)
            }
        }
    }

    /// On a processor without AVX-512, this compares the choice with itself, and checks the refusal.
    func testInstructionsChangeNoBitAndAreRefusedWhereTheyAreMissing() throws {
        try withSmallRun { run in
            let tiles = ["--set", "kernels.products=tiles"]
            let whole = try run.train("auto", ranks: 2, tiles)
            XCTAssertEqual(whole.status, 0, whole.text)
            XCTAssertTrue(whole.output.contains("; instructions: "), whole.text)
            for instructions in ["avx2", "avx512"] {
                let result = try run.train(instructions, ranks: 2, tiles + ["--set", "kernels.instructions=\(instructions)"])
                if result.status == 0 {
                    XCTAssertTrue(try run.weights(instructions) == run.weights("auto"), instructions)
                } else {
                    let message = "kernels.instructions is \(instructions), and this program has "
                    XCTAssertTrue(
                        result.errors.contains(message) && result.errors.contains("Set kernels.instructions to auto"), result.text)
                    XCTAssertEqual(result.errors.components(separatedBy: "drnet: error: ").count, 2, "once: \(result.text)")
                }
            }
        }
    }

    func testARunInBFloat16ResumesExactlyAndDiffersFromFloats() throws {
        try withSmallRun { run in
            let options = ["--set", "kernels.precision=bfloat16"]
            let whole = try run.train("whole", ranks: 2, options)
            XCTAssertEqual(whole.status, 0, whole.text)
            XCTAssertTrue(whole.output.contains("products: tiles in bfloat16 (kernels.precision); instructions: "), whole.text)
            try run.cut("whole", to: "cut", afterStep: 12)
            try run.complete("cut", ranks: 2, ["--resume"] + options)
            XCTAssertTrue(try run.weights("whole") == run.weights("cut"))
            // The negative control.
            try run.complete("floats", ranks: 2, ["--set", "kernels.products=tiles"])
            XCTAssertFalse(try run.weights("whole") == run.weights("floats"))
            let resumed = try run.train("whole", ranks: 1, ["--resume", "--set", "kernels.precision=float32"])
            XCTAssertTrue(resumed.output.contains("its results have another precision from here on"), resumed.text)
        }
    }

    func testAnUnknownImplementationIsRejected() throws {
        try withSmallRun { run in
            let result = try run.train("run", ["--set", "kernels.products=mkl"])
            XCTAssertNotEqual(result.status, 0)
            XCTAssertTrue(result.errors.contains("allowed are auto, openblas, tiles"), result.text)
        }
    }
}
