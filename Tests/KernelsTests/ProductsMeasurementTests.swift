import TestSupport
import XCTest

@testable import Kernels

final class ProductsMeasurementTests: XCTestCase {
    func testMeasuresEveryImplementationInUnderTwoSeconds() {
        let choice = ProductsMeasurement.run(KernelContext(threadCount: 2))
        XCTAssertLessThan(choice.seconds, 2)
        XCTAssertEqual(Set(choice.gigaFLOPsPerSecond.keys), Set(ProductsKind.allCases))
        for rate in choice.gigaFLOPsPerSecond.values { XCTAssertTrue(rate > 0 && rate.isFinite) }
        XCTAssertEqual(choice.gigaFLOPsPerSecond[choice.fastest], choice.gigaFLOPsPerSecond.values.max())
        XCTAssertEqual(choice.threadCount, 2)
    }

    func testTheSummaryIsOneLineWithEveryRate() {
        let choice = ProductsChoice(fastest: .tiles, gigaFLOPsPerSecond: [.openblas: 130.6, .tiles: 164.2], threadCount: 2, seconds: 0.58)
        XCTAssertEqual(
            choice.summary, "products: tiles (164 GFLOP/s; openblas 131 GFLOP/s; 2 threads, measured in 0.6 s)")
    }

    /// The measurement leaves the context as it was.
    func testAContextWithOtherProductsSharesItsThreads() {
        let context = KernelContext(threadCount: 2, winograd: .never)
        let other = context.with(products: .openblas)
        XCTAssertTrue(other.threads === context.threads && other.buffers === context.buffers)
        XCTAssertEqual(other.products.kind, .openblas)
        XCTAssertEqual(context.products.kind, .tiles)
    }
}
