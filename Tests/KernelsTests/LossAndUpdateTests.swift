import TestSupport
import XCTest

@testable import Kernels

final class LossAndUpdateTests: XCTestCase {
    func testCrossEntropyWithLabelSmoothingMatchesPyTorch() throws {
        let fixture = try Fixture("layers")
        let logits = Formula.values("entropy.logits", 30).map { 4 * $0 }
        for smoothing in [Float(0), 0.1] {
            var gradient = [Float](repeating: 0, count: 30)
            let losses = (0..<5).map { row in
                logits.withUnsafeBufferPointer { source in
                    gradient.withUnsafeMutableBufferPointer {
                        CrossEntropy.loss(
                            source.baseAddress! + 6 * row, count: 6, label: row, smoothing: smoothing,
                            gradient: $0.baseAddress! + 6 * row)
                    }
                }
            }
            let name = smoothing == 0 ? "entropy0.0" : "entropy0.1"
            assertClose(losses, try fixture("\(name).loss"), "\(name).loss")
            assertClose(gradient, try fixture("\(name).gradient"), "\(name).gradient")
        }
    }

    func testCrossEntropyGradientMatchesFiniteDifferences() {
        let logits = Formula.values("entropy.logits", 6).map { 2 * $0 }
        for smoothing in [Float(0), 0.1] {
            var gradient = [Float](repeating: 0, count: 6)
            _ = CrossEntropy.loss(logits, count: 6, label: 2, smoothing: smoothing, gradient: &gradient)
            let differences = logits.indices.map { index -> Float in
                func loss(_ shift: Float) -> Float {
                    var shifted = logits
                    shifted[index] += shift
                    return CrossEntropy.loss(shifted, count: 6, label: 2, smoothing: smoothing, gradient: nil)
                }
                return (loss(0.01) - loss(-0.01)) / 0.02
            }
            assertClose(differences, gradient, relativeTolerance: 1e-3, absoluteTolerance: 1e-4, "smoothing \(smoothing)")
        }
    }

    func testLossOfHugeLogitsIsFinite() {
        let loss = CrossEntropy.loss([1e30, -1e30, 0], count: 3, label: 0, smoothing: 0, gradient: nil)
        XCTAssertEqual(loss, 0)
    }

    func testUpdateMatchesPyTorchsSGD() throws {
        let fixture = try Fixture("layers")
        for nesterov in [false, true] {
            var values = Formula.values("sgd.weight", 37), velocities = [Float](repeating: 0, count: 37)
            for number in 0..<3 {
                SGDUpdate.apply(
                    values: &values, gradients: Formula.values("sgd.gradient\(number)", 37), velocities: &velocities, count: 37,
                    rate: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: nesterov, .test)
            }
            assertClose(values, try fixture("sgd.nesterov_\(nesterov)"), "nesterov \(nesterov)")
        }
    }

    func testBuffersAreReused() {
        let pool = BufferPool()
        let first = pool.take(1000)
        pool.give(first, count: 1000)
        let bytes = pool.allocatedBytes
        XCTAssertEqual(pool.take(990), first, "a buffer of the same size class")
        XCTAssertEqual(pool.allocatedBytes, bytes)
        let second = pool.take(5000)
        first[989] = 7
        pool.give(second, count: 5000)
        pool.release()
        XCTAssertEqual(pool.allocatedBytes, bytes, "buffers in use stay")
        XCTAssertEqual(first[989], 7)
        pool.give(first, count: 990)
        pool.release()
        XCTAssertEqual(pool.allocatedBytes, 0)
        pool.release()
        let third = pool.take(1000)
        pool.give(third, count: 1000)
        for count in [1, 255, 256, 257, 1000, 4097, 1 << 20] {
            XCTAssertGreaterThanOrEqual(BufferPool.sizeClass(count), count)
            XCTAssertLessThanOrEqual(BufferPool.sizeClass(count), max(256, count * 5 / 4))
        }
    }
}
