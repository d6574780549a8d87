import Communication
import Foundation

/// Returns numbers whose sum depends on the order of the additions.
func awkward(_ count: Int, rank: Int) -> [Float] {
    (0..<count).map { index in
        let mantissa = Float(sin(Double(index * 7 + rank * 13)))
        return mantissa * powf(10, Float((index + rank) % 7))
    }
}

/// A hash of the bits of some floats.
func bits(_ values: UnsafeMutableBufferPointer<Float>) -> UInt64 {
    values.reduce(UInt64(7)) { ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01B3 }
}

/// Memory with the awkward numbers of this rank.
private func allocate(_ count: Int, rank: Int) -> UnsafeMutableBufferPointer<Float> {
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    _ = values.initialize(from: awkward(count, rank: rank))
    return values
}

/// The format that the environment selects.
let checkedFormat: TransferFormat = ProcessInfo.processInfo.environment["CHECK_BFLOAT16"] == "1" ? .bfloat16 : .float32

/// Begins sums of several sizes, with other collectives at other places on each rank, and prints whether all is right.
func checkBackgroundSums(_ communicator: Communicator) throws {
    let counts = [0, 1, 7, 1000, 300_001]
    var (areRight, areEqual, othersAreRight) = (true, true, true)
    var hashes: [UInt64] = []
    for _ in 0..<3 {
        let sums = counts.map { allocate($0, rank: communicator.rank) }
        defer { sums.forEach { $0.deallocate() } }
        for (index, values) in sums.enumerated() {
            // Ranks begin a sum before or after the collective that the others begin after or before it.
            if index == communicator.rank {
                var ranks = [1.0]
                try communicator.allReduceSum(&ranks, label: "another collective")
                othersAreRight = othersAreRight && ranks[0] == Double(communicator.rankCount)
            }
            if communicator.sumsInBackground { communicator.beginSum(values) }
        }
        try communicator.finishSums(label: "gradients")
        for (values, count) in zip(sums, counts) {
            let all = (0..<communicator.rankCount).map { awkward(count, rank: $0) }
            for index in 0..<count {
                let exact = all.reduce(0.0) { $0 + Double($1[index]) }
                let size = all.reduce(0.0) { $0 + Double(abs($1[index])) }
                areRight = areRight && abs(Double(values[index]) - exact) <= (checkedFormat == .bfloat16 ? 8e-3 : 1e-6) * size
            }
        }
        hashes = sums.map(bits)
        let all = try communicator.allGatherStrings("\(hashes)", label: "bits")
        areEqual = areEqual && Set(all).count == 1
    }
    guard communicator.rank == 0 else { return }
    print("\(communicator.sumsInBackground) \(areRight) \(areEqual) \(othersAreRight)")
    print(hashes.map { "\($0)" }.joined(separator: " "))
}

/// Prints the time of a sum of each size, in milliseconds, with the library and in the background; with several hosts, by both schedules.
func measureSums(_ communicator: Communicator, megabytes: [Double]) throws {
    func median(_ body: () throws -> Void) throws -> Double {
        let times = try (0..<5).map { _ in
            try communicator.barrier(label: "before a measurement")
            let start = DispatchTime.now().uptimeNanoseconds
            try body()
            try communicator.barrier(label: "after a measurement")
            return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6
        }
        return times.sorted()[2]
    }
    let algorithm: SumAlgorithm = ProcessInfo.processInfo.environment["CHECK_RING"] == "1" ? .ring : .hosts
    try communicator.prepareSums(algorithm, format: checkedFormat)
    for size in megabytes {
        let values = allocate(Int(size * 250_000), rank: communicator.rank)
        defer { values.deallocate() }
        let library = try median { try communicator.allReduceSum(values, label: "measurement") }
        var text = String(format: "%.2f MB: library %.1f ms", size, library)
        for bucket in [0.5, 1, 2, 4, 8, 25, 1000] where bucket < 1000 ? bucket < size : true {
            let background = try median {
                let step = Int(bucket * 250_000)
                for start in stride(from: 0, to: values.count, by: step) {
                    communicator.beginSum(UnsafeMutableBufferPointer(rebasing: values[start..<min(start + step, values.count)]))
                }
                try communicator.finishSums(label: "measurement")
            }
            text +=
                bucket < 1000
                ? String(format: ", buckets of %.1f MB %.1f", bucket, background) : String(format: ", one bucket %.1f", background)
        }
        if communicator.rank == 0 { print(text) }
    }
}
