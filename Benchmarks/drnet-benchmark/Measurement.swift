/// The measurement of one case with one program. `drnet-benchmark step` and the scripts in Benchmarks/peers print it as a line of JSON.
struct Measurement: Codable {
    /// `drnet`, `pytorch` or `onnxruntime`.
    var program: String
    /// The version of the program.
    var version: String
    /// The classifier's name in torchvision.
    var network: String
    /// The candidate resolutions, largest first. A plain classifier has one.
    var pixels: [Int]
    /// Images per step over all ranks.
    var batch: Int
    /// The raw value of a `StepPass`.
    var pass: String
    /// The number of ranks.
    var ranks: Int
    /// Threads of each rank.
    var threads: Int
    /// The duration of each timed step.
    var seconds: [Double]
    /// The median of `seconds`.
    var secondsPerStep: Double
    /// Images per second over all ranks.
    var imagesPerSecond: Double
    /// GFLOP/s: two FLOPs for each multiply-add of the direct computation. A training step counts as three forward passes. Nil if the
    /// program cannot compute it.
    var gigaFLOPsPerSecond: Double?
    /// `MemoryTraffic.fused`; nil for other programs.
    var bytesPerImage: Double?
    /// `MemoryTraffic.separate`; nil for other programs.
    var bytesPerImageSeparate: Double?
    /// Peak memory of all ranks together, in bytes; nil if the system does not report it.
    var peakMemoryBytes: Double?
    /// The implementation of matrix products, `openblas` or `tiles`; nil for other programs.
    var products: String?
    /// The comparison with the largest resolution; nil for all passes except `dynamic`.
    var fixedLargest: FixedLargest?

    /// The measurement of the classifier at its largest resolution on the same images. Its steps alternate with those of the dynamic
    /// network.
    struct FixedLargest: Codable {
        /// The median.
        var secondsPerStep: Double
        /// The time of the dynamic network divided by the time at the largest resolution, predictor included: the median of the samples'
        /// ratios.
        var timeRatio: Double
        /// The FLOPs of the dynamic network divided by those at the largest resolution, predictor included.
        var flopsRatio: Double
    }

    /// FLOPs per image in units of 10⁹; two for each multiply-add.
    var gigaFLOPsPerImage: Double? { gigaFLOPsPerSecond.map { $0 / imagesPerSecond } }
}
