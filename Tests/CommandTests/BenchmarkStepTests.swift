import Foundation
import TestSupport
import XCTest

/// Tests the measurements of `drnet-benchmark` on very small cases.
final class BenchmarkStepTests: XCTestCase {
    private struct Line: Decodable {
        var program: String
        var network: String
        var pixels: [Int]
        var batch: Int
        var pass: String
        var ranks: Int
        var threads: Int
        var seconds: [Double]
        var secondsPerStep: Double
        var imagesPerSecond: Double
        var gigaFLOPsPerSecond: Double
        var bytesPerImage: Double
        var bytesPerImageSeparate: Double
        var peakMemoryBytes: Double?
        var fixedLargest: Fixed?

        struct Fixed: Decodable {
            var secondsPerStep: Double
            var timeRatio: Double
            var flopsRatio: Double
        }
    }

    private func benchmark(_ arguments: [String], ranks: Int? = nil) throws -> ProcessRunner.Result {
        let executable = try builtExecutable(named: "drnet-benchmark")
        if let ranks { return try ProcessRunner.mpirun(ranks: ranks, executable, arguments, timeout: 60) }
        return try ProcessRunner.run(executable, arguments, environment: ["OPENBLAS_NUM_THREADS": "1"], timeout: 60)
    }

    private func step(_ arguments: [String], ranks: Int? = nil) throws -> Line {
        let few = ["--network", "resnet18", "--threads", "1", "--warm-up-steps", "1"]
        let result = try benchmark(["step"] + few + arguments, ranks: ranks)
        XCTAssertEqual(result.status, 0, result.text)
        XCTAssertEqual(result.output.split(separator: "\n").count, 1, "only rank 0 prints, one line: \(result.output)")
        return try JSONDecoder().decode(Line.self, from: Data(result.output.utf8))
    }

    /// The rows of a prediction: bandwidth, hosts, times in ms, and the efficiency in percent.
    private func prediction(_ arguments: [String]) throws -> [[String]] {
        let result = try benchmark(["scaling"] + arguments)
        XCTAssertEqual(result.status, 0, result.text)
        return result.output.split(separator: "\n").dropFirst().map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " %")) }.filter { !$0.isEmpty }
        }
    }

    func testPredictionsFollowTheModel() throws {
        // 100 MB at 100 MB/s along a ring of 4: 2 · 3 / 4 · 1 s, of which 0.5 s are hidden.
        let simple = ["--usable", "1", "--gradients", "100", "--bucket", "100", "--message", "0", "--last-backward", "0.5"]
        let rows = try prediction(simple + ["--hosts", "1,4", "--gigabits", "0.8", "--latency", "1000", "--collectives", "10"])
        XCTAssertEqual(rows[0], ["0.8", "1", "1000", "0", "0", "0", "0", "100.0", "nothing"])
        // The last bucket is the whole sum here, so nothing is hidden. 10 collectives go to 2 partners in turn.
        XCTAssertEqual(rows[1].dropFirst().dropLast(2), ["4", "2520", "0", "20", "1500", "1500"])
        let buckets = try prediction(simple + ["--bucket", "10", "--hosts", "4", "--gigabits", "0.8", "--latency", "0"])
        XCTAssertEqual(buckets[0].dropFirst().dropLast(2), ["4", "2000", "0", "0", "1500", "1000"])
        // The expected maximum of two normal numbers is 1 / √π by exact computation, 0.59 in the approximation.
        let spread = try prediction(simple + ["--deviation", "0.8", "--images", "16", "--hosts", "2", "--gigabits", "1000"])
        XCTAssertEqual(spread[0][3], "118")
        XCTAssertEqual(try prediction(["--deviation", "0.8", "--hosts", "2", "--balanced"])[0][3], "0")
        for wrong in [["--hosts", "0"], ["--gigabits", "fast"], ["--bucket", "0"], ["--latency", "-1"]] {
            XCTAssertNotEqual(try benchmark(["scaling"] + wrong).status, 0, "\(wrong)")
        }
    }

    func testTheTimesOfEvenAndUnevenWorkArePrinted() throws {
        struct Line: Decodable {
            var balance: String
            var secondsPerStep: Double
            var secondsInCollectives: [Double]
        }
        let result = try benchmark(["balance", "--pixels", "64,32", "--share", "2", "--threads", "1", "--steps", "1"], ranks: 2)
        XCTAssertEqual(result.status, 0, result.text)
        let lines = try result.output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        XCTAssertEqual(lines.map(\.balance), ["none", "flops"])
        for line in lines {
            XCTAssertGreaterThan(line.secondsPerStep, 0)
            XCTAssertEqual(line.secondsInCollectives.count, 2)
        }
    }

    // ResNet-18 for one image of 32 × 32: the stem, the four convolutions of layer1, layers 2 to 4 (equal costs), and the linear layer.
    private let multiplyAdds = Double(
        16 * 16 * 64 * 147 + 4 * 8 * 8 * 64 * 576 + 3 * (16 * 128 * (576 + 3 * 1152) + 16 * 128 * 64) + 512 * 1000)
    private let outputs = Double(16 * 16 * 64 + 4 * 8 * 8 * 64 + 5 * (16 * 128 + 4 * 256 + 512) + 1000)
    private let weights = 11_689_512.0

    func testNumbersOfATrainingStepAreConsistent() throws {
        let line = try step(["--pixels", "32", "--batch", "4", "--pass", "train", "--steps", "3"])
        XCTAssertEqual([line.program, line.network, line.pass], ["drnet", "resnet18", "train"])
        XCTAssertEqual(line.pixels, [32])
        XCTAssertEqual([line.batch, line.ranks, line.threads], [4, 1, 1])
        XCTAssertEqual(line.seconds.count, 3)
        XCTAssertGreaterThan(line.seconds.min() ?? 0, 0)
        XCTAssertEqual(line.secondsPerStep, line.seconds.sorted()[1])
        XCTAssertEqual(line.imagesPerSecond * line.secondsPerStep, 4, accuracy: 1e-9)
        XCTAssertEqual(line.gigaFLOPsPerSecond / line.imagesPerSecond * 1e9, 6 * multiplyAdds, accuracy: 1)
        XCTAssertEqual(line.bytesPerImage, 4 * (7 * outputs + (4 + 6) * weights / 4), accuracy: 1)
        XCTAssertEqual(line.bytesPerImageSeparate, 4 * (16 * outputs + (4 + 6) * weights / 4), accuracy: 1)
        #if os(Linux)
            // At least the values, gradients and momenta.
            XCTAssertGreaterThan(line.peakMemoryBytes ?? 0, 3 * 4 * weights)
        #endif
        XCTAssertNil(line.fixedLargest)
    }

    func testAForwardPassCountsOneThirdOfATrainingStep() throws {
        let line = try step(["--pixels", "32", "--batch", "4", "--pass", "forward", "--steps", "2"])
        XCTAssertEqual(line.gigaFLOPsPerSecond / line.imagesPerSecond * 1e9, 2 * multiplyAdds, accuracy: 1)
        XCTAssertEqual(line.bytesPerImage, 4 * (2 * outputs + weights / 4), accuracy: 1)
        XCTAssertEqual(line.secondsPerStep, (line.seconds[0] + line.seconds[1]) / 2, accuracy: 1e-12)
    }

    func testRanksDivideTheBatch() throws {
        let line = try step(["--pixels", "32", "--batch", "4", "--pass", "train", "--steps", "1"], ranks: 2)
        XCTAssertEqual([line.batch, line.ranks, line.threads], [4, 2, 1])
        // Each rank reads and updates all weights for two images.
        XCTAssertEqual(line.bytesPerImage, 4 * (7 * outputs + (4 + 6) * weights / 2), accuracy: 1)
        XCTAssertGreaterThan(line.peakMemoryBytes ?? .infinity, 2 * 3 * 4 * weights, "the sum over both ranks")
    }

    func testADynamicNetworkIsTimedTogetherWithItsLargestResolution() throws {
        let sizes = ["--pixels", "64,32", "--predictor-pixels", "32"]
        let line = try step(sizes + ["--batch", "3", "--pass", "dynamic", "--steps", "1"])
        let fixed = try XCTUnwrap(line.fixedLargest)
        XCTAssertEqual(fixed.timeRatio, line.secondsPerStep / fixed.secondsPerStep, accuracy: 1e-9)
        let flopsPerImage = line.gigaFLOPsPerSecond / line.imagesPerSecond * 1e9
        // Half of the images at each resolution, and the predictor. At 64 pixels, everything except the linear layer costs four times as
        // much.
        let largest = 4 * (multiplyAdds - 512_000) + 512_000
        let predictor = flopsPerImage / 2 - (largest + multiplyAdds) / 2
        XCTAssertEqual(fixed.flopsRatio, flopsPerImage / 2 / largest, accuracy: 1e-9)
        XCTAssertEqual(
            predictor, Double(16 * 16 * 64 * 147 + 2 * 8 * 8 * 64 * 576 + 3 * 16 * 128 * (576 + 1152 + 64) + 512 * 2), accuracy: 2)

        let training = try step(sizes + ["--batch", "4", "--pass", "drnet-train", "--steps", "1"])
        XCTAssertEqual(training.gigaFLOPsPerSecond / training.imagesPerSecond * 1e9, 3 * flopsPerImage, accuracy: 2)
        XCTAssertEqual(training.pixels, [64, 32])
    }

    func testAStepRunsWithEitherImplementationOfProducts() throws {
        for products in ["openblas", "tiles"] {
            let arguments = ["step", "--network", "resnet18", "--pixels", "32", "--batch", "1", "--steps", "1", "--products", products]
            let result = try benchmark(arguments)
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.output.contains("\"products\":\"\(products)\""), result.output)
        }
    }

    func testInvalidInputIsRejected() throws {
        let cases: [([String], String)] = [
            (["--network", "resnet19"], "'resnet19' is none of resnet18"), (["--pixels", "224px"], "224px"),
            (["--pixels", "8"], "--pixels is 8"),
            (["--pixels", "224,"], "224,"), (["--pixels", "224,112"], "--pass train takes one size"),
            (["--pass", "dynamic"], "two candidates or more"), (["--pass", "drnet-train", "--pixels", "112,224"], "largest first"),
            (["--batch", "0"], "--batch is 0"), (["--steps", "0"], "--steps is 0"), (["--threads", "0"], "--threads is 0"),
            (["--pass", "drnet-train", "--pixels", "64,32", "--batch", "3"], "--batch is 3; here a multiple of 2"),
            (["--pass", "backward"], "backward"), (["--products", "mkl"], "mkl"),
        ]
        for (arguments, message) in cases {
            let result = try benchmark(["step"] + arguments)
            XCTAssertEqual(result.status, 64, "\(arguments): \(result.text)")
            XCTAssertTrue(result.errors.contains(message), "\(arguments): \(result.errors)")
        }
        let result = try benchmark(["step", "--network", "resnet18", "--pixels", "32", "--batch", "3"], ranks: 2)
        XCTAssertNotEqual(result.status, 0)
        XCTAssertTrue(result.errors.contains("--batch is 3; here a multiple of 2 (ranks)"), result.errors)
    }

    func testPeakAndKernelsMeasure() throws {
        let peak = try benchmark(["peak", "--size", "64", "--mebibytes", "1", "--threads", "2"])
        XCTAssertEqual(peak.status, 0, peak.text)
        let values = try JSONDecoder().decode([String: Double].self, from: Data(peak.output.utf8))
        XCTAssertEqual(values.count, 7)
        XCTAssertEqual(values["threads"], 2)
        XCTAssertTrue(values.values.allSatisfy { $0.isFinite && $0 > 0 }, peak.output)

        let kernels = try benchmark([
            "kernels", "--networks", "resnet18", "--pixels", "32", "--batch", "1", "--threads", "1", "--seconds", "0",
        ])
        XCTAssertEqual(kernels.status, 0, kernels.text)
        // ResNet-18 has 20 convolutions of 11 distinct shapes. Each shape is timed with both implementations of products.
        let lines = kernels.output.split(separator: "\n").filter { $0.contains(" → ") }
        XCTAssertEqual(lines.filter { $0.contains("openblas") }.count, 11, kernels.output)
        // Once for each instruction set of this processor.
        XCTAssertEqual(lines.filter { $0.contains("tiles, ") }.count % 11, 0, kernels.output)
        XCTAssertTrue(lines.contains { $0.contains("tiles, ") }, kernels.output)
        XCTAssertTrue(kernels.output.contains("products: "), "the rates are missing: \(kernels.output)")
        XCTAssertTrue(kernels.output.contains("7×7 / 2"), kernels.output)
    }
}
