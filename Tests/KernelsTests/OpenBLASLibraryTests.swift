import XCTest

@testable import Kernels

final class OpenBLASLibraryTests: XCTestCase {
    func testKernelsOfAnOlderProcessorAreRecognised() {
        XCTAssertEqual(OpenBLASLibrary.betterKernels(than: "Prescott", [.avx2, .avx512]), "SkylakeX")
        XCTAssertEqual(OpenBLASLibrary.betterKernels(than: "Sandybridge", [.avx2]), "Haswell")
        XCTAssertNil(OpenBLASLibrary.betterKernels(than: "Zen", [.avx2]))
        XCTAssertNil(OpenBLASLibrary.betterKernels(than: "SkylakeX", [.avx2, .avx512]))
        XCTAssertNil(OpenBLASLibrary.betterKernels(than: "ARMV8", [.baseline]))
    }

    func testTheLibraryNamesItsKernels() {
        XCTAssertFalse(OpenBLASLibrary.kernels.isEmpty)
        XCTAssertEqual(
            OpenBLASLibrary.betterKernels, OpenBLASLibrary.betterKernels(than: OpenBLASLibrary.kernels, InstructionSet.available))
    }
}
