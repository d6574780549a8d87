import Foundation
import TestSupport
import XCTest

@testable import Kernels

final class KernelContextTests: XCTestCase {
    private static let shapes: [ConvolutionShape] = [(2, 14, 32, 48, 3, 1), (2, 14, 64, 40, 1, 1), (3, 15, 16, 24, 3, 2)].map {
        ConvolutionShape(
            batch: $0.0, inputHeight: $0.1, inputWidth: $0.1, inputChannels: $0.2, outputChannels: $0.3, kernel: $0.4, stride: $0.5,
            padding: $0.4 / 2)
    }

    /// Returns the outputs and gradients of all shapes, concatenated.
    private static func results(_ context: KernelContext) -> [Float] {
        shapes.flatMap { s -> [Float] in
            let kernel = ConvolutionKernels.kernel(for: s, isDepthwise: false, keepsWeights: false, context)
            let input = Formula.values("x", s.inputPixels * s.inputChannels)
            let weights = Formula.values("w", s.patchLength * s.outputChannels)
            var output = [Float](repeating: .nan, count: s.outputPixels * s.outputChannels)
            var inputGradient = [Float](repeating: .nan, count: input.count), weightGradient = [Float](repeating: 0, count: weights.count)
            kernel.forward(input: input, weights: weights, output: &output)
            kernel.backward(
                input: input, outputGradient: Formula.values("g", output.count), weights: weights, weightGradient: &weightGradient,
                inputGradient: &inputGradient)
            return output + inputGradient + weightGradient
        }
    }

    /// Two contexts with different thread counts compute with the same settings at the same time. Two others have other settings.
    func testConcurrentContextsAreIndependent() {
        func contexts(threadCounts: [Int]) -> [KernelContext] {
            [
                KernelContext(threadCount: threadCounts[0]), KernelContext(threadCount: threadCounts[1]),
                KernelContext(threadCount: threadCounts[2], winograd: .always(.fourByFour)),
                KernelContext(threadCount: threadCounts[3], products: .openblas),
            ]
        }
        let expected = contexts(threadCounts: [1, 1, 1, 1]).map { Self.results($0) }
        XCTAssertTrue(expected[0] == expected[1])
        XCTAssertFalse(expected[0] == expected[2], "different settings must give different results")
        XCTAssertFalse(expected[0] == expected[3], "different products must give different results")
        let contexts = contexts(threadCounts: [1, 3, 2, 2])
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: contexts.count) { number in
            for _ in 0..<20 where Self.results(contexts[number]) != expected[number] { failures.add(number) }
        }
        XCTAssertEqual(failures.numbers, [])
    }

    /// Contexts are created and deallocated while another one computes.
    func testDeallocatingAContextDoesNotAffectOthers() {
        let lasting = KernelContext(threadCount: 3)
        let expected = Self.results(KernelContext(threadCount: 1))
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 2) { number in
            for _ in 0..<20 {
                let context = number == 0 ? lasting : KernelContext(threadCount: 2)
                if Self.results(context) != expected { failures.add(number) }
            }
        }
        XCTAssertEqual(failures.numbers, [])
    }

    func testThreadsAndBuffersEndWithTheContext() throws {
        func threads() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
        // Threads of earlier tests can still be ending.
        usleep(300_000)
        let before = try threads()
        weak var pool: ThreadPool?
        weak var buffers: BufferPool?
        do {
            let context = KernelContext(threadCount: 4)
            _ = Self.results(context)
            (pool, buffers) = (context.threads, context.buffers)
            XCTAssertGreaterThanOrEqual(try threads(), before + 3)
            XCTAssertGreaterThan(context.buffers.allocatedBytes, 0)
        }
        XCTAssertNil(pool)
        XCTAssertNil(buffers)
        let end = Date().addingTimeInterval(10)
        while try threads() > before && Date() < end { usleep(10_000) }
        XCTAssertLessThanOrEqual(try threads(), before)
    }
}

private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var numbers: [Int] = []

    func add(_ number: Int) {
        lock.lock()
        numbers.append(number)
        lock.unlock()
    }
}
