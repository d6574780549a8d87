import TestSupport
import XCTest

@testable import Kernels

final class ElementwiseTests: XCTestCase {
    /// Covers whole blocks of eight, edges on one side and on both sides, and sizes below one block.
    func testTransposesAnySize() {
        for (rows, columns) in [(16, 24), (13, 24), (16, 21), (19, 11), (3, 5), (1, 9)] {
            let matrix = Formula.values("matrix", rows * columns)
            var transposed = [Float](repeating: .nan, count: matrix.count)
            Elementwise.transpose(matrix, rows: rows, columns: columns, into: &transposed)
            let expected = (0..<columns).flatMap { column in (0..<rows).map { matrix[$0 * columns + column] } }
            XCTAssertEqual(transposed, expected, "\(rows) × \(columns)")
        }
    }
}
