import XCTest

@testable import Training

final class GradientBucketsTests: XCTestCase {
    /// Runs `body` with buckets of 10 floats over networks of the given sizes, and returns the sums that began, as (network, elements).
    private func begun(_ counts: [Int], _ body: (GradientBuckets) -> Void) -> [String] {
        let memory = counts.map { UnsafeMutableBufferPointer<Float>.allocate(capacity: max($0, 1)) }
        defer { memory.forEach { $0.deallocate() } }
        let parts = zip(memory, counts).map { UnsafeMutableBufferPointer(rebasing: $0[0..<$1]) }
        var result: [String] = []
        let buckets = GradientBuckets(parts, bytes: 40) { bucket in
            guard let base = bucket.baseAddress,
                let index = memory.firstIndex(where: { $0.baseAddress! <= base && base < $0.baseAddress! + $0.count })
            else { return XCTFail("a bucket outside of the networks") }
            let start = base - memory[index].baseAddress!
            result.append("\(index): \(start)..<\(start + bucket.count)")
        }
        body(buckets)
        return result
    }

    func testBucketsBeginAsSoonAsTheirGradientsAreComplete() {
        let all = ["0: 20..<25", "0: 10..<20", "0: 0..<10", "1: 0..<7"]
        XCTAssertEqual(begun([25, 7]) { $0.complete(0, from: 21) }, [])
        XCTAssertEqual(begun([25, 7]) { $0.complete(0, from: 19) }, [all[0]])
        XCTAssertEqual(
            begun([25, 7]) {
                $0.complete(0, from: 12)
                $0.complete(0, from: 3)
            }, Array(all[..<2]))
        XCTAssertEqual(begun([25, 7]) { $0.complete(0, from: 0) }, Array(all[..<3]))
        XCTAssertEqual(begun([25, 7]) { $0.completeAll() }, all)
        XCTAssertEqual(begun([0, 7]) { $0.completeAll() }, ["1: 0..<7"], "a network without parameters")
    }

    /// A rank whose second network is complete first begins the same sums in the same order.
    func testTheOrderDoesNotDependOnTheOrderOfCompletion() {
        XCTAssertEqual(begun([15, 15]) { $0.complete(1, from: 0) }, [])
        XCTAssertEqual(
            begun([15, 15]) {
                $0.complete(1, from: 0)
                $0.complete(0, from: 0)
            },
            begun([15, 15]) { $0.completeAll() })
    }
}
