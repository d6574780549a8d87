import TestSupport
import XCTest

@testable import Kernels

/// Compares maximum pooling with the definition, for images that several tasks share. (NeuralNetworkTests compares it with PyTorch.)
final class PoolingTests: XCTestCase {
    private let shape = ConvolutionShape(
        batch: 2, inputHeight: 37, inputWidth: 9, inputChannels: 5, outputChannels: 5, kernel: 3, stride: 2, padding: 1)

    private var values: [Float] {
        var state: UInt64 = 7
        return (0..<shape.batch * shape.inputHeight * shape.inputWidth * shape.inputChannels).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Few distinct values, all negative: there are equal maxima, and zeros from outside the image would win.
            return -1 - Float(state >> 60)
        }
    }

    private func expected(_ values: [Float]) -> (maxima: [Float], positions: [UInt8]) {
        var maxima: [Float] = []
        var positions: [UInt8] = []
        for image in 0..<shape.batch {
            for row in 0..<shape.outputHeight {
                for column in 0..<shape.outputWidth {
                    for channel in 0..<shape.inputChannels {
                        var best: (Float, UInt8) = (-.infinity, 0)
                        for position in 0..<9 {
                            let (y, x) = (row * 2 - 1 + position / 3, column * 2 - 1 + position % 3)
                            guard (0..<shape.inputHeight).contains(y), (0..<shape.inputWidth).contains(x) else { continue }
                            let pixel = (image * shape.inputHeight + y) * shape.inputWidth + x
                            let value = values[pixel * shape.inputChannels + channel]
                            if value > best.0 { best = (value, UInt8(position)) }
                        }
                        maxima.append(best.0)
                        positions.append(best.1)
                    }
                }
            }
        }
        return (maxima, positions)
    }

    func testAgreesWithTheDefinition() {
        XCTAssertGreaterThan(shape.outputHeight, 16, "the image must need more than one task")
        let values = values
        let expected = expected(values)
        let count = expected.maxima.count
        values.withUnsafeBufferPointer { memory in
            let stored = Rows.stored(memory.baseAddress!)
            let computed = Rows.computed { rows, target in
                target.update(from: memory.baseAddress! + rows.lowerBound * 5, count: rows.count * 5)
            }
            for (name, input) in [("stored", stored), ("computed", computed)] {
                var maxima = [Float](repeating: 9, count: count)
                Pooling.maximum(shape, input: input, output: &maxima, positions: nil, .test)
                XCTAssertEqual(maxima, expected.maxima, name)
                maxima = [Float](repeating: 9, count: count)
                var positions = [UInt8](repeating: 99, count: count)
                Pooling.maximum(shape, input: input, output: &maxima, positions: &positions, .test)
                XCTAssertEqual(maxima, expected.maxima, name)
                XCTAssertEqual(positions, expected.positions, name)
            }
        }
    }
}
