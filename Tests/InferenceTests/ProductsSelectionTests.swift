import Configuration
import Foundation
import Kernels
import TestSupport
import XCTest

@testable import Inference

final class ProductsSelectionTests: XCTestCase {
    private let measured = ProductsChoice(
        fastest: .openblas, gigaFLOPsPerSecond: [.openblas: 120, .tiles: 90], threadCount: 2, seconds: 0.5)

    private func select(
        _ option: TrainingConfiguration.Products, recorded: ProductsSelection? = nil, _ cache: ProductsCache, measures: Bool = true
    ) -> ProductsSelection {
        ProductsSelection.select(option, recorded: recorded, cache: cache) {
            XCTAssertTrue(measures, "nothing needs to be measured")
            return measured
        }
    }

    func testAutoMeasuresOnceAndKeepsTheResultForThisProcessor() throws {
        try withTemporaryFolder { folder in
            let cache = ProductsCache(folder: folder + "/cache", processor: "first")
            let selection = select(.auto, cache)
            XCTAssertEqual(selection.products, .openblas)
            XCTAssertTrue(selection.summary.contains("openblas 120 GFLOP/s, tiles 90 GFLOP/s"), selection.summary)
            XCTAssertEqual(select(.auto, cache, measures: false).products, .openblas)
            XCTAssertNil(ProductsCache(folder: folder + "/cache", processor: "second").choice())
        }
    }

    func testACacheThatCannotBeUsedIsNoError() throws {
        try withTemporaryFolder { folder in
            try "not JSON".write(toFile: folder + "/products.json", atomically: true, encoding: .utf8)
            XCTAssertEqual(select(.auto, ProductsCache(folder: folder)).products, .openblas)
            XCTAssertEqual(select(.auto, ProductsCache(folder: folder), measures: false).products, .openblas, "it was replaced")
            let blocked = ProductsCache(folder: folder + "/products.json/below-a-file")
            XCTAssertEqual(select(.auto, blocked).products, .openblas)
            XCTAssertNil(blocked.choice())
        }
    }

    func testAutoKeepsWhatTheRunBeganWith() throws {
        try withTemporaryFolder { folder in
            let recorded = ProductsSelection(.tiles, processor: "another", reason: "measured")
            XCTAssertEqual(select(.auto, recorded: recorded, ProductsCache(folder: folder), measures: false), recorded)
        }
    }

    func testAConfiguredImplementationIsTakenAndAChangeIsReported() throws {
        try withTemporaryFolder { folder in
            let cache = ProductsCache(folder: folder)
            XCTAssertEqual(select(.tiles, cache, measures: false).products, .tiles)
            let recorded = ProductsSelection(.openblas, processor: "another", reason: "measured")
            let changed = select(.tiles, recorded: recorded, cache, measures: false)
            XCTAssertEqual(changed.products, .tiles)
            XCTAssertTrue(changed.summary.contains("began with openblas"), changed.summary)
            XCTAssertFalse(select(.openblas, recorded: recorded, cache, measures: false).summary.contains("began"))
        }
    }

    func testARunFolderRemembersAndRunsWithoutARecordComputedWithTiles() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path)
            XCTAssertNil(try folder.recordedProducts(), "no run")
            try FileManager.default.createDirectory(atPath: folder.checkpoints, withIntermediateDirectories: true)
            XCTAssertEqual(try folder.recordedProducts()?.products, .tiles)
            XCTAssertNil(try folder.recordedProductsOfThisProcessor())
            let selection = ProductsSelection(.openblas, reason: "measured")
            try JSONEncoder().encode(selection).write(to: URL(fileURLWithPath: folder.kernels))
            XCTAssertEqual(try folder.recordedProducts(), selection)
            XCTAssertEqual(try folder.recordedProductsOfThisProcessor(), selection)
            try "{}".write(toFile: folder.kernels, atomically: true, encoding: .utf8)
            XCTAssertThrowsError(try folder.recordedProducts()) { XCTAssertTrue("\($0)".contains("kernels.json"), "\($0)") }
        }
    }

    func testTheCacheFollowsTheSystemsConvention() {
        XCTAssertEqual(ProductsCache.defaultFolder(["XDG_CACHE_HOME": "/c", "HOME": "/h"]), "/c/drnet")
        XCTAssertEqual(ProductsCache.defaultFolder(["HOME": "/h"]), "/h/.cache/drnet")
        XCTAssertEqual(
            ProductsCache.defaultFolder(["XDG_CACHE_HOME": "relative", "HOME": "/h"]), "/h/.cache/drnet", "as the convention says")
    }
}
