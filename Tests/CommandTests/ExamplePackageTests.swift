import Foundation
import TestSupport
import XCTest

/// Tests docs/examples/predict: another package can depend on this one and predict with the library `DRNetInference` alone.
final class ExamplePackageTests: XCTestCase {
    func testTheExamplePredicts() throws {
        // The build has its own scratch folder, so it can run inside `swift test`.
        let build = try ProcessRunner.run(
            "/bin/bash",
            [
                "-c",
                """
                source launch/flags
                exec swift build -c release "${flags[@]}" --package-path docs/examples/predict --scratch-path .build-example
                """,
            ], folder: repositoryRoot, timeout: 900)
        XCTAssertEqual(build.status, 0, build.text)
        try withSmallRun { run in
            try run.complete("run")
            let image = run.path("data/val/rings/00004.jpg")
            let expected = try run.drnet(["predict", "--run", run.path("run"), image])
            let cells = expected.output.split(separator: "\n").last?.split(separator: "\t").map(String.init) ?? []
            XCTAssertEqual(cells.count, 5, expected.text)

            let program = repositoryRoot + "/.build-example/release/predict"
            // The library does not check the processor. A program that uses it can decide for itself.
            let predicted = try ProcessRunner.run(
                program, [run.path("run"), image], environment: ["DRNET_TEST_MISSING_FEATURES": "AVX2"])
            XCTAssertEqual(predicted.status, 0, predicted.text)
            XCTAssertEqual(predicted.output, "\(cells[1]) \(cells[2]) at \(cells[3]) pixels\n")

            let libraries = try ProcessRunner.run("/usr/bin/env", ["ldd", program])
            XCTAssertFalse(libraries.output.contains("libmpi"), "prediction needs no MPI: \(libraries.output)")

            let failed = try ProcessRunner.run(program, [run.path("none"), image])
            XCTAssertEqual(failed.status, 1)
            XCTAssertTrue(failed.errors.contains(run.path("none")), failed.text)
        }
    }
}
