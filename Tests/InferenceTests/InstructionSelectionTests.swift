import Configuration
import Foundation
import Kernels
import XCTest

@testable import Inference

final class InstructionSelectionTests: XCTestCase {
    func testAutoTakesTheFastestSetAndOthersTheOneThatTheyName() throws {
        XCTAssertEqual(try InstructionSet.select(.auto, available: [.avx2, .avx512], fastest: .avx512), .avx512)
        XCTAssertEqual(try InstructionSet.select(.auto, available: [.avx2, .avx512], fastest: .avx2), .avx2)
        XCTAssertEqual(try InstructionSet.select(.auto), .fastest)
        XCTAssertEqual(try InstructionSet.select(.avx2, available: [.avx2, .avx512]), .avx2)
        XCTAssertEqual(try InstructionSet.select(.avx512, available: [.avx2, .avx512]), .avx512)
    }

    func testASetThatIsMissingIsRefusedByName() {
        XCTAssertThrowsError(try InstructionSet.select(.avx512, available: [.avx2])) {
            XCTAssertTrue("\($0)".contains("kernels.instructions is avx512, and this program has AVX2 on this processor"), "\($0)")
        }
        XCTAssertThrowsError(try InstructionSet.select(.avx2, available: [.baseline, .avx512])) {
            XCTAssertTrue("\($0)".contains("has baseline and AVX-512 on this processor"), "\($0)")
        }
    }

    func testMeasurementsOfOtherInstructionsAreNotUsed() {
        let folder = NSTemporaryDirectory() + "drnet-instructions-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let narrow = ProductsCache(folder: folder, instructions: .avx2)
        narrow.store(ProductsChoice(fastest: .openblas, gigaFLOPsPerSecond: [.openblas: 2, .tiles: 1], threadCount: 1, seconds: 1))
        XCTAssertEqual(narrow.choice()?.fastest, .openblas)
        XCTAssertNil(ProductsCache(folder: folder, instructions: .avx512).choice())
    }
}
