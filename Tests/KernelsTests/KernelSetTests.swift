import XCTest

@testable import Kernels

final class KernelSetTests: XCTestCase {
    func testTheSetThatTheBuildIsCompiledForIsAlwaysAvailable() {
        XCTAssertEqual(InstructionSet.available.first, InstructionSet.compiled)
        XCTAssertEqual(InstructionSet.available, InstructionSet.available.sorted())
        XCTAssertNotEqual(InstructionSet.compiled, .avx512, "it has tiles of its own, which are chosen at run time")
    }

    /// Parts of a packed operand start at multiples of a panel. Sums of all sets are split at the same depth: their bits are equal.
    func testTheConstantsOfEachSetFitItsPanels() {
        for instructions in InstructionSet.allCases {
            let set = KernelSet(instructions)
            XCTAssertEqual(set.blocking.columnUnit, set.tileColumns)
            XCTAssertEqual(set.tileColumns % KernelSet.columnUnit, 0)
            for columns in [set.blocking.taskColumns, set.blocking.narrowTaskColumns, set.blocking.winogradPartChannels] {
                XCTAssertEqual(columns % set.tileColumns, 0, "\(instructions)")
            }
            XCTAssertEqual(set.depthBlock, KernelSet(.compiled).depthBlock)
            XCTAssertEqual(set.blocking.weightGradientRows, KernelSet(.compiled).blocking.weightGradientRows)
        }
    }

    /// The measurement that chooses a set. A set is not three times as fast as itself.
    func testTheFastestSetIsMeasured() {
        let sets = InstructionSet.available.map { KernelSet($0) }
        for set in sets {
            XCTAssertFalse(TileRate.isFaster(set, than: set, by: 3))
            XCTAssertTrue(TileRate.isFaster(set, than: set, by: 0.2))
        }
        XCTAssertTrue(InstructionSet.available.contains(.fastest))
        XCTAssertEqual(InstructionSet.fastest, InstructionSet.fastest)
    }

    func testAContextKeepsItsInstructionsWithOtherProducts() {
        let widest = InstructionSet.available[InstructionSet.available.count - 1]
        let context = KernelContext(threadCount: 1, products: .openblas, instructions: widest)
        XCTAssertEqual((context.with(products: .tiles).products as? TileMultiplier)?.instructions, widest)
    }
}
