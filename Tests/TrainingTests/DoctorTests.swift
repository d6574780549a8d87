import XCTest

@testable import Training

/// Tests the parts of the doctor that need no ranks.
final class DoctorTests: XCTestCase {
    func testAFindingHasOneLineAndPerhapsAdvice() {
        XCTAssertEqual(Finding(.ok, "clocks", "equal").lines, ["ok       clocks: equal"])
        XCTAssertEqual(
            Finding(.warning, "clocks", "differ", advice: "set them").lines, ["warning  clocks: differ", "         → set them"])
    }

    func testOldKernelsOfOpenBLASAreAWarningWithAdvice() {
        let finding = Doctor.oldKernels("Prescott", "SkylakeX")
        XCTAssertEqual(finding.level, .warning)
        XCTAssertTrue(finding.text.contains("its kernels for Prescott"), finding.text)
        XCTAssertEqual(finding.advice, "set OPENBLAS_CORETYPE=SkylakeX on every host, or install a newer OpenBLAS")
    }

    func testBandwidthDoesNotDependOnTheNumberOfRanks() {
        // A ring sends 2 (P − 1) / P of the bytes over each link.
        XCTAssertEqual(Doctor.SumTime(bytes: 1_000, seconds: 1).bandwidth(ranks: 2), 1_000)
        XCTAssertEqual(Doctor.SumTime(bytes: 1_000, seconds: 1.5).bandwidth(ranks: 4), 1_000)
    }

    func testDurationsHaveReadableUnits() {
        XCTAssertEqual([2e-6, 0.0123, 75].map(Doctor.duration), ["2 µs", "12.3 ms", "75 s"])
    }
}
