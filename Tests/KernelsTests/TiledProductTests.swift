import TestSupport
import XCTest

@testable import Kernels

/// Products by tiles against sums in double precision, over every edge: rows that fill no tile, columns that fill no panel or vector, depths
/// of several blocks, operands that are copied and that are not.
final class TiledProductTests: XCTestCase {
    private struct Case {
        var rows: Int
        var columns: Int
        var depth: Int
    }

    private let cases =
        (1...7).map { Case(rows: $0, columns: 16, depth: 5) } + (1...29).map { Case(rows: $0, columns: 24, depth: 17) }
        + (1...33).map { Case(rows: 7, columns: $0, depth: 9) }
        + [
            Case(rows: 13, columns: 24, depth: 1), Case(rows: 200, columns: 40, depth: 64), Case(rows: 6, columns: 16, depth: 1100),
            Case(rows: 50, columns: 264, depth: 300), Case(rows: 193, columns: 130, depth: 513), Case(rows: 300, columns: 256, depth: 20),
        ]

    private func values(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 33)) / Float(Int32.max)
        }
    }

    private func transposed(_ matrix: [Float], rows: Int, columns: Int) -> [Float] {
        var result = [Float](repeating: 0, count: matrix.count)
        for row in 0..<rows { for column in 0..<columns { result[column * rows + row] = matrix[row * columns + column] } }
        return result
    }

    /// Every way to give the operands of a case.
    private func results(_ size: Case, a: [Float], b: [Float], start: [Float], accumulates: Bool) -> [String: [Float]] {
        let turned = transposed(a, rows: size.rows, columns: size.depth)
        func run(_ left: TiledProduct.Left, _ right: TiledProduct.Right) -> [Float] {
            var c = start
            TiledProduct.multiply(
                rows: size.rows, columns: size.columns, depth: size.depth, left, right, into: &c, leading: size.columns + 3,
                accumulates: accumulates, KernelContext.test.buffers)
            return c
        }
        return a.withUnsafeBufferPointer { a in
            turned.withUnsafeBufferPointer { turned in
                b.withUnsafeBufferPointer { b in
                    let plain = TiledProduct.Left(a.baseAddress!, leading: size.depth)
                    let across = TiledProduct.Left(transposing: turned.baseAddress!, leading: size.rows)
                    let rows = TiledProduct.Right(b.baseAddress!, leading: size.columns)
                    var results = ["plain": run(plain, rows), "A transposed": run(across, rows)]
                    KernelContext.test.buffers.withScratch(ColumnPanels.count(rows: size.depth, columns: size.columns)) {
                        ColumnPanels.write(b.baseAddress!, rows: size.depth, columns: size.columns, into: $0, .test)
                        results["B in panels"] = run(plain, .init(panels: $0, depth: size.depth))
                    }
                    let turnedB = transposed(Array(b), rows: size.depth, columns: size.columns)
                    ColumnPanels.withPanels(transposing: turnedB, rows: size.depth, columns: size.columns, .test) {
                        results["B in panels, transposed"] = run(plain, .init(panels: $0, depth: size.depth))
                    }
                    return results
                }
            }
        }
    }

    func testAgreesWithSumsInDoublePrecision() {
        for size in cases {
            let a = values(size.rows * size.depth, seed: 1)
            let b = values(size.depth * size.columns, seed: 2)
            let start = values(size.rows * (size.columns + 3), seed: 3)
            for accumulates in [false, true] {
                var expected = start.map(Double.init)
                var magnitude = [Double](repeating: 1, count: start.count)
                for row in 0..<size.rows {
                    for column in 0..<size.columns {
                        let index = row * (size.columns + 3) + column
                        let terms = (0..<size.depth).map { Double(a[row * size.depth + $0]) * Double(b[$0 * size.columns + column]) }
                        expected[index] = (accumulates ? expected[index] : 0) + terms.reduce(0, +)
                        magnitude[index] += terms.reduce(0) { $0 + abs($1) }
                    }
                }
                for (name, result) in results(size, a: a, b: b, start: start, accumulates: accumulates) {
                    let worst = result.indices.map { abs(Double(result[$0]) - expected[$0]) / magnitude[$0] }.max()!
                    XCTAssertLessThan(worst, 3e-6, "\(size), \(name), accumulates: \(accumulates)")
                }
            }
        }
    }

    /// What an image gets does not depend on the others of its batch.
    func testARowHasTheSameBitsInEveryProduct() {
        let (columns, depth) = (264, 600)
        let a = values(200 * depth, seed: 1)
        let b = values(depth * columns, seed: 2)
        func product(_ first: Int, _ rows: Int) -> [Float] {
            var c = [Float](repeating: 0, count: rows * columns)
            a.withUnsafeBufferPointer {
                TiledProduct.multiply(
                    rows: rows, columns: columns, depth: depth, .init($0.baseAddress! + first * depth, leading: depth),
                    .init(b, leading: columns), into: &c, leading: columns, KernelContext.test.buffers)
            }
            return c
        }
        let all = product(0, 200)
        for (first, rows) in [(0, 1), (3, 2), (7, 5), (100, 47), (150, 50)] {
            XCTAssertEqual(product(first, rows), Array(all[first * columns..<(first + rows) * columns]), "rows \(first) + \(rows)")
        }
    }
}
