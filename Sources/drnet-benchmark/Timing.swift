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

    /// - Parameter values: one at least. Of an even number the median is the mean of the middle two.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        smallest = sorted[0]
        largest = sorted[sorted.count - 1]
    }
}
