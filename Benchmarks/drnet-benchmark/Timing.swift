import Dispatch
import Foundation

/// Measures durations.
enum Timing {
    /// Returns the duration of a call in seconds.
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        try body()
        return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }

    /// Returns the median duration of repeated calls, in seconds. The median reduces the influence of the clock and the scheduler.
    ///
    /// - Parameter budget: calls are repeated until their total time exceeds this many seconds, but at least 3 times, after one warm-up
    ///   call.
    static func repeated(budget: Double, _ body: () -> Void) -> Double {
        body()
        var samples: [Double] = []
        while samples.count < 3 || samples.reduce(0, +) < budget { samples.append(seconds(body)) }
        return Spread(samples).median
    }
}

/// The median and the range of some numbers.
struct Spread: Codable, Equatable {
    var median: Double
    var smallest: Double
    var largest: Double

    /// - Parameter values: at least one.
    init(_ values: [Double]) {
        guard let median = values.median, let smallest = values.min(), let largest = values.max() else {
            preconditionFailure("no values have no spread")
        }
        (self.median, self.smallest, self.largest) = (median, smallest, largest)
    }
}
