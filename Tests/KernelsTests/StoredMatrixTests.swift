import TestSupport
import XCTest

@testable import Kernels

/// Matrices of 16 bits hold rounded numbers. Kernels that read them compute what they compute with the rounded numbers as floats: the bits
/// are equal.
final class StoredMatrixTests: XCTestCase {
    private let (pixels, channels) = (150, 21)

    /// Calls `body` with a matrix of rounded numbers, once in 16 and once in 32 bits.
    private func withBoth<Result>(_ values: [Float], _ body: (StoredMatrix) -> Result) -> (halves: Result, floats: Result) {
        var halves = [BFloat16](repeating: BFloat16(rounding: .nan), count: values.count)
        var floats = values.roundedToBFloat16
        let first = halves.withUnsafeMutableBufferPointer { memory in
            let matrix = StoredMatrix.bfloat16(memory.baseAddress!)
            // In two parts of the channels, as kernels deliver them.
            for part in [0..<8, 8..<channels] { matrix.write(0..<pixels, part, channels: channels, from: values) }
            return body(matrix)
        }
        return (first, floats.withUnsafeMutableBufferPointer { body(.float32($0.baseAddress!)) })
    }

    private func normalization(_ activation: ActivationFunction) -> ChannelNormalization {
        let normalization = ChannelNormalization(channels: channels, activation: activation)
        for channel in 0..<channels {
            normalization.scale[channel] = 0.3 * Float(channel) - 2
            normalization.shift[channel] = 0.25 - 0.01 * Float(channel)
            normalization.mean[channel] = 0.1
            normalization.gradientFactor[channel] = 1.5
            normalization.inputFactor[channel] = 0.02 * Float(channel)
            normalization.constant[channel] = -0.3
        }
        return normalization
    }

    private let activations: [ActivationFunction] = [.none, .relu, .relu6, .silu, .hardSwish]

    func testReadingGivesTheRoundedNumbers() {
        let values = Formula.values("x", pixels * channels)
        let read = withBoth(values) { matrix -> [Float] in
            var result = [Float](repeating: .nan, count: 40 * channels)
            matrix.read(30..<70, channels: channels, into: &result)
            return result
        }
        let wanted = Array(values.roundedToBFloat16[30 * channels..<70 * channels])
        XCTAssertEqual(read.halves, wanted)
        XCTAssertEqual(read.floats, wanted)
        XCTAssertNotEqual(Array(values[30 * channels..<70 * channels]), wanted, "the numbers must need rounding")
        XCTAssertEqual(StoredMatrix.byteCount(10, .bfloat16), 20)
        XCTAssertEqual(StoredMatrix.byteCount(10, .float32), 40)
    }

    func testMomentsAreThoseOfTheRoundedNumbers() {
        let shift = [Float](repeating: 0.2, count: channels)
        let sums = withBoth(Formula.values("x", pixels * channels)) { matrix -> [Double] in
            let sums = ChannelSums(slots: 1, channels: channels, rowsPerImage: pixels, .test)
            sums.addMoments(0, 0..<pixels, 0..<channels, of: matrix, shift: shift)
            return sums.total
        }
        XCTAssertEqual(sums.halves, sums.floats)
    }

    /// The normalised values of all rows. Those of a part, and in 16 bits, must agree with them.
    private func applied(_ normalization: ChannelNormalization, _ matrix: StoredMatrix, residual: UnsafePointer<Float>?) -> [Float] {
        let count = pixels * channels
        var part = [Float](repeating: .nan, count: count / 3), whole = [Float](repeating: .nan, count: count)
        var halves = [BFloat16](repeating: BFloat16(rounding: .nan), count: count)
        normalization.apply(matrix, rows: 100..<pixels, residual: residual.map { $0 + 100 * channels }, into: &part)
        whole.withUnsafeMutableBufferPointer {
            normalization.applyInParallel(
                matrix, count: pixels, residual: residual.map(Rows.stored), into: .float32($0.baseAddress!), .test)
        }
        halves.withUnsafeMutableBufferPointer {
            normalization.applyInParallel(
                matrix, count: pixels, residual: residual.map(Rows.stored), into: .bfloat16($0.baseAddress!), .test)
        }
        XCTAssertEqual(Array(whole[(100 * channels)...]), part)
        XCTAssertEqual(halves.map(\.float), whole.roundedToBFloat16)
        return whole
    }

    func testNormalisationReadsBothForms() {
        let residual = Formula.values("r", pixels * channels)
        for activation in activations {
            let normalization = normalization(activation)
            for added in activation.isLimit ? [nil, residual] : [nil] {
                let results = residual.withUnsafeBufferPointer { memory in
                    let first = added == nil ? nil : memory.baseAddress
                    return withBoth(Formula.values("x", pixels * channels)) { applied(normalization, $0, residual: first) }
                }
                XCTAssertEqual(results.halves, results.floats, "\(activation), residual: \(added != nil)")
            }
        }
    }

    func testGradientsReadBothForms() {
        let gradient = Formula.values("g", pixels * channels)
        for activation in activations {
            let normalization = normalization(activation)
            for hasOutput in activation.isLimit ? [false, true] : [false] {
                let results = withBoth(Formula.values("x", pixels * channels)) { matrix -> ([Double], [Float], [Float]) in
                    // The form of the output is that of the input. Its numbers decide which gradients pass.
                    let output: StoredMatrix? = hasOutput ? matrix : nil
                    let sums = ChannelSums(slots: 1, channels: channels, rowsPerImage: pixels, .test)
                    normalization.addGradientSums(0, 0..<pixels, gradient: gradient, input: matrix, output: output, to: sums)
                    var (passed, result) = (gradient, [Float](repeating: .nan, count: 100 * channels))
                    normalization.inputGradient(gradient: &passed, input: matrix, output: output, rows: 50..<150, into: &result)
                    return (sums.total, passed, result)
                }
                XCTAssertEqual(results.halves.0, results.floats.0, "\(activation), output: \(hasOutput)")
                XCTAssertEqual(results.halves.1, results.floats.1, "\(activation), output: \(hasOutput)")
                XCTAssertEqual(results.halves.2, results.floats.2, "\(activation), output: \(hasOutput)")
                XCTAssertEqual(
                    results.halves.1 != gradient, hasOutput && activation != .none, "a residual's gradient is g")
            }
        }
    }
}
