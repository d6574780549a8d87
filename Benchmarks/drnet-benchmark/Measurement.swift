/// What one program measured of one case: a line of JSON that `drnet-benchmark step` and the scripts in Benchmarks/ print alike.
struct Measurement: Codable {
    /// `drnet`, `pytorch` or `onnxruntime`.
    var program: String
    var version: String
    /// torchvision's name of the classifier.
    var network: String
    /// Candidate resolutions, largest first; one for a plain classifier.
    var pixels: [Int]
    /// Images of a step over all ranks.
    var batch: Int
    var pass: String
    var ranks: Int
    /// Of each rank.
    var threads: Int
    /// Of each timed step.
    var seconds: [Double]
    /// The median.
    var secondsPerStep: Double
    /// Over all ranks.
    var imagesPerSecond: Double
    /// Two for each multiply-add of the direct computation, a training step counted as three forward passes; nil where the program does
    /// not know.
    var gigaFLOPsPerSecond: Double?
    /// What the model in `MemoryTraffic` counts, and what it counts for separate sweeps; nil for other programs.
    var bytesPerImage: Double?
    var bytesPerImageSeparate: Double?
    /// Of all ranks together; nil where the system does not tell.
    var peakMemoryBytes: Double?
    /// What multiplied matrices, `openblas` or `tiles`; nil for other programs.
    var products: String?
    /// Of `dynamic` only.
    var fixedLargest: FixedLargest?

    /// The classifier at its largest resolution on the same images, in turns with the dynamic network.
    struct FixedLargest: Codable {
        var secondsPerStep: Double
        /// Dynamic by fixed, predictor included: each the median of the ratios of single samples.
        var timeRatio: Double
        var flopsRatio: Double
    }

    /// Multiply-adds counted double for an image, in units of 10⁹.
    var gigaFLOPsPerImage: Double? { gigaFLOPsPerSecond.map { $0 / imagesPerSecond } }
}
