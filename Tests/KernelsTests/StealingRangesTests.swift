import XCTest

@testable import Kernels

final class StealingRangesTests: XCTestCase {
    /// A single thread runs its own tasks from the front, then those of the others from the back.
    func testAThreadRunsItsOwnTasksInOrderThenStealsFromTheEnd() {
        let ranges = StealingRanges(threads: 3)
        for (thread, expected) in [(0, [0, 1, 2, 5, 4, 3, 9, 8, 7, 6]), (1, [3, 4, 5, 9, 8, 7, 6, 2, 1, 0])] {
            ranges.divide(10)
            var tasks: [Int] = []
            ranges.forEach(thread: thread) { tasks.append($0) }
            XCTAssertEqual(tasks, expected)
            ranges.forEach(thread: 2) { XCTFail("task \($0) was done already") }
        }
    }

    func testFewerTasksThanThreads() {
        let ranges = StealingRanges(threads: 5)
        for count in 0...4 {
            ranges.divide(count)
            var tasks: [Int] = []
            for thread in 0..<5 { ranges.forEach(thread: thread) { tasks.append($0) } }
            XCTAssertEqual(tasks.sorted(), Array(0..<count))
        }
    }
}
