import XCTest

/// Counts how often each element was finished, and checks the slots.
final class Visits {
    private let slots: Int
    private let channels: Int
    private var counts: [Int]
    private var wrongSlots = 0
    private let lock = NSLock()

    init(slots: Int, rows: Int, channels: Int) {
        self.slots = slots
        self.channels = channels
        counts = [Int](repeating: 0, count: rows * channels)
    }

    func visit(_ slot: Int, _ rows: Range<Int>, _ part: Range<Int>) {
        lock.lock()
        defer { lock.unlock() }
        if !(0..<slots).contains(slot) { wrongSlots += 1 }
        for row in rows { for channel in part { counts[row * channels + channel] += 1 } }
    }

    func check(_ label: String) {
        XCTAssertTrue(counts.allSatisfy { $0 == 1 }, "\(label): every element must be finished once")
        XCTAssertEqual(wrongSlots, 0, "\(label): slots must be below \(slots)")
    }
}
