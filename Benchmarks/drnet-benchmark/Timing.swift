import Dispatch
import Foundation

enum Timing {
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        try body()
        return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }

    /// Repeats what is short, so that a clock's and a scheduler's moods do not count: the median after one run that warms up, of 3
    /// repetitions at least, and of more until `budget` seconds have gone.
    static func repeated(budget: Double, _ body: () -> Void) -> Double {
        body()
        var samples: [Double] = []
        while samples.count < 3 || samples.reduce(0, +) < budget { samples.append(seconds(body)) }
        return Spread(samples).median
    }
}

/// The middle of some numbers and how far they reach.
struct Spread: Codable, Equatable {
    var median: Double
    var smallest: Double
    var largest: Double

    /// - Parameter values: one at least.
    init(_ values: [Double]) {
        guard let median = values.median, let smallest = values.min(), let largest = values.max() else {
            preconditionFailure("no values have no spread")
        }
        (self.median, self.smallest, self.largest) = (median, smallest, largest)
    }
}
