import TestSupport
import XCTest

@testable import Kernels

/// Compares every implementation of products with sums in double precision. Covers all edge cases: incomplete tiles, panels and vectors,
/// depths of several blocks, and operands with and without copying.
final class MatrixMultiplierTests: XCTestCase {
    private struct Case {
        var rows: Int
        var columns: Int
        var depth: Int
    }

    private let cases =
        (1...7).map { Case(rows: $0, columns: 16, depth: 5) } + (1...29).map { Case(rows: $0, columns: 24, depth: 17) }
        + (1...19).map { Case(rows: $0, columns: 48, depth: 9) } + (1...13).map { Case(rows: $0, columns: 64, depth: 18) }
        + (1...66).map { Case(rows: 7, columns: $0, depth: 9) }
        + [
            Case(rows: 14, columns: 32, depth: 8), Case(rows: 29, columns: 72, depth: 15),
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

    /// Returns the product for every form of the operands.
    private func results(
        _ multiplier: any MatrixMultiplier, _ size: Case, a: [Float], b: [Float], start: [Float], accumulates: Bool
    ) -> [String: [Float]] {
        let context = KernelContext.test
        let turnedA = transposed(a, rows: size.rows, columns: size.depth)
        let turnedB = transposed(b, rows: size.depth, columns: size.columns)
        let leading = size.columns + 3
        func result(_ body: (ResultView) -> Void) -> [Float] {
            var c = start
            c.withUnsafeMutableBufferPointer {
                body(ResultView($0.baseAddress!, rows: size.rows, columns: size.columns, leading: leading))
            }
            return c
        }
        func multiply(_ left: MatrixView, _ right: RightOperand) -> [Float] {
            result { multiplier.multiply(left, right, into: $0, accumulates: accumulates, context.buffers) }
        }
        func multiplyPlain(_ left: MatrixView, _ right: MatrixView) -> [Float] {
            result { multiplier.multiplyPlain(left, right, into: $0, accumulates: accumulates) }
        }
        /// Computes the product in two parts of the columns. The second part starts inside the packed operand.
        func multiplyParts(_ left: MatrixView, _ packed: PackedOperand) -> [Float] {
            result { c in
                let unit = multiplier.blocking.columnUnit
                let middle = min(size.columns, max(unit, size.columns / 2 / unit * unit))
                for columns in [0..<middle, middle..<size.columns] where !columns.isEmpty {
                    multiplier.multiply(
                        left, .packed(packed.from(column: columns.lowerBound)),
                        into: ResultView(c.values, rows: 0..<size.rows, columns: columns, leading: leading), accumulates: accumulates,
                        context.buffers)
                }
            }
        }
        /// Adds the products of two parts of the depth. The second part starts inside the packed operand.
        func multiplyDepths(_ left: MatrixView, _ packed: PackedOperand) -> [Float] {
            result { c in
                // A part begins with a whole word.
                let middle = size.depth / 4 * 2
                for depths in [0..<middle, middle..<size.depth] where !depths.isEmpty {
                    multiplier.multiply(
                        MatrixView(left.values + depths.lowerBound, rows: size.rows, columns: depths.count, leading: left.leading),
                        .packed(packed.from(row: depths.lowerBound)), into: c, accumulates: accumulates || depths.lowerBound > 0,
                        context.buffers)
                }
            }
        }
        return a.withUnsafeBufferPointer { a in
            turnedA.withUnsafeBufferPointer { turnedA in
                b.withUnsafeBufferPointer { b in
                    turnedB.withUnsafeBufferPointer { turnedB in
                        let left = MatrixView(a.baseAddress!, rows: size.rows, columns: size.depth)
                        let across = MatrixView(transposing: turnedA.baseAddress!, rows: size.rows, columns: size.depth)
                        let right = MatrixView(b.baseAddress!, rows: size.depth, columns: size.columns)
                        let rightAcross = MatrixView(transposing: turnedB.baseAddress!, rows: size.depth, columns: size.columns)
                        let layout = multiplier.packedLayout(depth: size.depth, columns: size.columns)
                        var results = [
                            "matrices": multiply(left, .matrix(right)), "A transposed": multiply(across, .matrix(right)),
                            "plain": multiplyPlain(left, right), "plain, A transposed": multiplyPlain(across, right),
                            "plain, B transposed": multiplyPlain(left, rightAcross),
                        ]
                        context.buffers.withScratchBytes(layout.byteCount) {
                            layout.pack(b.baseAddress!, into: $0, context.threads)
                            results["B packed"] = multiply(left, .packed(PackedOperand($0, layout)))
                            results["B packed, A transposed"] = multiply(across, .packed(PackedOperand($0, layout)))
                            results["B packed, parts of the depth"] = multiplyDepths(left, PackedOperand($0, layout))
                            results["B packed, parts of its columns"] = multiplyParts(left, PackedOperand($0, layout))
                        }
                        layout.withPacked(transposing: turnedB.baseAddress!, context) {
                            results["B packed from its transpose"] = multiply(left, .packed($0))
                        }
                        return results
                    }
                }
            }
        }
    }

    /// The sums in double precision, and 1 + Σ |a b|.
    private func sums(
        _ size: Case, a: [Float], b: [Float], start: [Float], accumulates: Bool
    ) -> (expected: [Double], magnitude: [Double]) {
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
        return (expected, magnitude)
    }

    /// Tolerance: 3e-6 of Σ |a b|. The error of a sum of n rounded products is at most n / 2 units in the last place of Σ |a b| (6e-8
    /// each). It is typically about √n units: 2e-6 at a depth of 1100.
    func testAgreesWithSumsInDoublePrecision() {
        for size in cases {
            let a = values(size.rows * size.depth, seed: 1)
            let b = values(size.depth * size.columns, seed: 2)
            let start = values(size.rows * (size.columns + 3), seed: 3)
            for accumulates in [false, true] {
                let (expected, magnitude) = sums(size, a: a, b: b, start: start, accumulates: accumulates)
                for context in KernelContext.testOfEachProducts {
                    let results = results(context.products, size, a: a, b: b, start: start, accumulates: accumulates)
                    for (name, result) in results {
                        let worst = result.indices.map { abs(Double(result[$0]) - expected[$0]) / magnitude[$0] }.max()!
                        XCTAssertLessThan(worst, 3e-6, "\(context.productsLabel), \(size), \(name), accumulates: \(accumulates)")
                    }
                }
            }
        }
    }

    /// Products of bfloat16 numbers are exact in 32 bits, so the tolerance for sums is the same as for floats. The operands differ from the
    /// given ones by at most 2⁻⁹ of their size each.
    func testBFloat16ProductsAreSumsOfRoundedOperands() {
        for size in cases {
            let a = values(size.rows * size.depth, seed: 1)
            let b = values(size.depth * size.columns, seed: 2)
            let start = values(size.rows * (size.columns + 3), seed: 3)
            for accumulates in [false, true] {
                let (expected, magnitude) = sums(
                    size, a: a.roundedToBFloat16, b: b.roundedToBFloat16, start: start, accumulates: accumulates)
                let (exact, _) = sums(size, a: a, b: b, start: start, accumulates: accumulates)
                for instructions in InstructionSet.available {
                    let tiles = TileMultiplier(instructions, precision: .bfloat16)
                    for (name, result) in results(tiles, size, a: a, b: b, start: start, accumulates: accumulates) {
                        let label = "\(instructions), \(size), \(name), accumulates: \(accumulates)"
                        func worst(_ wanted: [Double]) -> Double {
                            result.indices.map { abs(Double(result[$0]) - wanted[$0]) / magnitude[$0] }.max()!
                        }
                        if name.hasPrefix("plain") {
                            XCTAssertLessThan(worst(exact), 3e-6, label)
                        } else {
                            XCTAssertLessThan(worst(expected), 3e-6, label)
                            XCTAssertLessThan(worst(exact), 0x1p-8 + 0x1p-18 + 3e-6, label)
                        }
                    }
                }
            }
        }
    }

    /// The result of an image does not depend on the other images of its batch.
    func testARowHasTheSameBitsInEveryProductOfTiles() {
        let (columns, depth) = (264, 600)
        let a = values(200 * depth, seed: 1)
        let b = values(depth * columns, seed: 2)
        func product(_ multiplier: any MatrixMultiplier, _ first: Int, _ rows: Int) -> [Float] {
            var c = [Float](repeating: 0, count: rows * columns)
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    c.withUnsafeMutableBufferPointer { c in
                        multiplier.multiply(
                            MatrixView(a.baseAddress! + first * depth, rows: rows, columns: depth),
                            .matrix(MatrixView(b.baseAddress!, rows: depth, columns: columns)),
                            into: ResultView(c.baseAddress!, rows: rows, columns: columns), accumulates: false, KernelContext.test.buffers)
                    }
                }
            }
            return c
        }
        for instructions in InstructionSet.available {
            let tiles = TileMultiplier(instructions)
            let all = product(tiles, 0, 200)
            for (first, rows) in [(0, 1), (3, 2), (7, 5), (100, 47), (150, 50)] {
                XCTAssertEqual(
                    product(tiles, first, rows), Array(all[first * columns..<(first + rows) * columns]),
                    "\(instructions), rows \(first) + \(rows)")
            }
        }
    }

    /// Every set sums along the depth in one order, so a cluster or a resumed run can mix them. The comparison is exact.
    func testEveryInstructionSetGivesTheSameBits() throws {
        let others = InstructionSet.available.dropFirst()
        try XCTSkipIf(others.isEmpty, "SKIPPED: this processor has no AVX-512: the tiles for it were not run")
        compareBits(others.map { TileMultiplier($0) }, .float32)
    }

    func testEveryInstructionSetGivesTheSameBitsInBFloat16() throws {
        let others = InstructionSet.available.dropFirst()
        try XCTSkipIf(others.isEmpty, "SKIPPED: this processor has no AVX-512: the tiles for it were not run")
        compareBits(others.map { TileMultiplier($0, precision: .bfloat16) }, .bfloat16)
    }

    /// A product of bfloat16 numbers is exact as a float. The tiles of floats therefore give the bits of the instruction.
    func testPairsOfBFloat16GiveTheSameBitsAsFloats() throws {
        try XCTSkipUnless(InstructionSet.hasBFloat16, "SKIPPED: this processor has no AVX512-BF16: the tiles for it were not run")
        compareBits([TileMultiplier(.avx512Pairs)], .bfloat16)
    }

    private func compareBits(_ others: [TileMultiplier], _ precision: Precision) {
        var comparisons = 0
        let names = others.map { "\($0.kernelSet.element) of \($0.instructions.title)" }
        for size in cases {
            let a = values(size.rows * size.depth, seed: 1)
            let b = values(size.depth * size.columns, seed: 2)
            let start = values(size.rows * (size.columns + 3), seed: 3)
            for accumulates in [false, true] {
                let wanted = results(TileMultiplier(precision: precision), size, a: a, b: b, start: start, accumulates: accumulates)
                for (label, other) in zip(names, others) {
                    let actual = results(other, size, a: a, b: b, start: start, accumulates: accumulates)
                    for (name, result) in actual {
                        comparisons += result.count
                        XCTAssertEqual(result, wanted[name], "\(label), \(size), \(name), accumulates: \(accumulates)")
                    }
                }
            }
        }
        print("compared \(comparisons) results in \(precision) of \(names) with \(InstructionSet.compiled.title)")
    }

    /// Weights that are packed again for the same size have the same layout. Different panels are a different layout.
    func testLayoutsIdentifySizeAndPanels() {
        let layouts = ProductsKind.allCases.map { $0.multiplier().packedLayout(depth: 30, columns: 40) }
        XCTAssertEqual(layouts[0], OpenBLASMultiplier().packedLayout(depth: 30, columns: 40))
        XCTAssertNotEqual(layouts[0], layouts[1])
        XCTAssertEqual(layouts.map(\.byteCount), [4 * 30 * 40, 4 * 30 * 48], "panels of 16 are padded")
    }
}
