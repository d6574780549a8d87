import Foundation
import XCTest

@testable import Kernels

final class ProductBlocksTests: XCTestCase {
    /// One thread, so that tasks run in order.
    private let threads = ThreadPool(threadCount: 1)

    /// Covers few rows with many columns, many rows with few columns, and enough rows to leave the columns undivided.
    func testEveryElementIsMultipliedOnceAndThenFinished() {
        for (pixels, columns) in [(49, 2048), (49, 64), (196, 256), (784, 96), (784, 1000), (3136, 256), (1, 8)] {
            let rows = RowBlocks(images: 1, rowsPerImage: pixels, blockRows: 128)
            var counts = [Int](repeating: 0, count: pixels * columns)
            func add(_ amount: Int, _ rows: Range<Int>, _ part: Range<Int>) {
                for row in rows { for column in part { counts[row * columns + column] += amount } }
            }
            ProductBlocks(rows, columns: columns, TileMultiplier().blocking).forEach(threads, { add(1, $0, $1) }) { slot, range, part in
                XCTAssertEqual(rows[slot], range)
                XCTAssertTrue(range.allSatisfy { row in part.allSatisfy { counts[row * columns + $0] == 1 } })
                add(10, range, part)
            }
            XCTAssertTrue(counts.allSatisfy { $0 == 11 }, "\(pixels) × \(columns)")
        }
    }

    /// The larger operand is read once. With more columns than rows, all row blocks for the same columns follow each other; otherwise, all
    /// columns for the same rows.
    func testOnlyTheSmallerOperandIsReadRepeatedly() {
        func order(_ images: Int, _ columns: Int) -> [Int] {
            var firstColumns: [Int] = []
            ProductBlocks(RowBlocks(images: images, rowsPerImage: 100, blockRows: 100), columns: columns, TileMultiplier().blocking)
                .forEach(threads, { firstColumns.append($1.lowerBound) }) { _, _, _ in }
            return firstColumns
        }
        XCTAssertEqual(order(2, 256), [0, 0, 128, 128])
        XCTAssertEqual(order(3, 256), [0, 128, 0, 128, 0, 128])
    }
}
