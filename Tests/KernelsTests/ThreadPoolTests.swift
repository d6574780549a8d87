import Foundation
import Synchronization
import XCTest

@testable import Kernels

final class ThreadPoolTests: XCTestCase {
    /// Tasks take a few nanoseconds, so loops start and end while workers join and leave.
    func testEveryTaskOfEveryLoopRunsOnce() {
        for workers in [1, 3, 7] {
            let pool = ThreadPool(threadCount: workers + 1)
            for loop in 0..<20_000 {
                let count = 2 + loop % 9
                var runs = [Int](repeating: 0, count: count)
                runs.withUnsafeMutableBufferPointer { runs in
                    nonisolated(unsafe) let runs = runs
                    pool.forEach(count) { runs[$0] += 1 + loop }
                }
                XCTAssertEqual(runs, [Int](repeating: 1 + loop, count: count))
            }
        }
    }

    func testSleepingWorkersAreWoken() {
        let pool = ThreadPool(threadCount: 2)
        for _ in 0..<20 {
            usleep(5000)
            // Neither task ends before the other one has started.
            let begun = Atomic<Int>(0)
            pool.forEach(2) { _ in
                begun.wrappingAdd(1, ordering: .relaxed)
                let end = Date().addingTimeInterval(10)
                while begun.load(ordering: .relaxed) < 2 && Date() < end {}
            }
            XCTAssertEqual(begun.load(ordering: .relaxed), 2)
        }
    }

    func testALoopWithinATaskRuns() {
        let pool = ThreadPool(threadCount: 3)
        let sum = Atomic<Int>(0)
        pool.forEach(10) { outer in
            pool.forEach(10) { inner in sum.wrappingAdd(outer * 10 + inner, ordering: .relaxed) }
        }
        XCTAssertEqual(sum.load(ordering: .relaxed), 99 * 100 / 2)
    }

    func testConcurrentLoopsAreIndependent() {
        let pool = ThreadPool(threadCount: 3)
        let sums = (0..<4).map { _ in Sum() }
        DispatchQueue.concurrentPerform(iterations: sums.count) { caller in
            for _ in 0..<2000 {
                pool.forEach(5) { sums[caller].value.wrappingAdd($0, ordering: .relaxed) }
            }
        }
        XCTAssertEqual(sums.map { $0.value.load(ordering: .relaxed) }, [20_000, 20_000, 20_000, 20_000])
    }

    private final class Sum: Sendable {
        let value = Atomic<Int>(0)
    }

    /// Otherwise tests and commands that make several contexts would accumulate threads.
    func testWorkerThreadsEndWithThePool() throws {
        func threads() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
        let before = try threads()
        for _ in 0..<5 {
            let pool = ThreadPool(threadCount: 5)
            pool.forEach(8) { _ in }
        }
        let end = Date().addingTimeInterval(10)
        while try threads() > before && Date() < end { usleep(10_000) }
        XCTAssertLessThanOrEqual(try threads(), before)
    }
}
