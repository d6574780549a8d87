import TestSupport
import XCTest

@testable import Kernels

final class ProductsMeasurementTests: XCTestCase {
    func testMeasuresEveryImplementationInUnderTwoSeconds() {
        let choice = ProductsMeasurement.run(KernelContext(threadCount: 2))
        XCTAssertLessThan(choice.seconds, 2)
        XCTAssertEqual(Set(choice.gigaFLOPsPerSecond.keys), Set(ProductsKind.allCases))
        for rate in choice.gigaFLOPsPerSecond.values { XCTAssertTrue(rate > 0 && rate.isFinite) }
        let rates = choice.gigaFLOPsPerSecond
        XCTAssertGreaterThanOrEqual(rates[choice.fastest] ?? 0, 0.95 * (rates.values.max() ?? .infinity))
        XCTAssertEqual(choice.threadCount, 2)
    }

    func testADifferenceWithinTheNoiseSelectsTheTiles() {
        XCTAssertEqual(ProductsMeasurement.fastest([.tiles: 1, .openblas: 0.97]), .tiles)
        XCTAssertEqual(ProductsMeasurement.fastest([.tiles: 1, .openblas: 0.9]), .openblas)
        XCTAssertEqual(ProductsMeasurement.fastest([.tiles: 0.9, .openblas: 1]), .tiles)
    }

    func testRatesListTheFastestFirst() {
        let choice = ProductsChoice(fastest: .tiles, gigaFLOPsPerSecond: [.openblas: 130.6, .tiles: 164.2], threadCount: 2, seconds: 0.58)
        XCTAssertEqual(choice.rates, "tiles 164 GFLOP/s, openblas 131 GFLOP/s")
    }

    /// The measurement does not change its context.
    func testAContextWithOtherProductsSharesItsThreads() {
        let context = KernelContext(threadCount: 2, winograd: .never)
        let other = context.with(products: .openblas)
        XCTAssertTrue(other.threads === context.threads && other.buffers === context.buffers)
        XCTAssertEqual(other.products.kind, .openblas)
        XCTAssertEqual(context.products.kind, .tiles)
    }
}
