import Communication
import Configuration
import Inference
import Kernels

/// Examines the machines, the folders and the network of a run before the run, and measures how long a step takes.
///
/// Every rank runs the same sequence of checks. Each check ends with a collective result, so all ranks have the same findings.
public final class Doctor {
    let configuration: TrainingConfiguration
    let communicator: Communicator
    let cores: CoreMap
    let context: KernelContext
    let runFolder: RunFolder
    private let kernels: String
    private let report: (Finding) -> Void
    private var worst = Finding.Level.ok

    /// - Parameters:
    ///   - configuration: of the run.
    ///   - communicator: of this rank.
    ///   - cores: of all ranks.
    ///   - context: threads and buffers of the run.
    ///   - kernels: the implementation of matrix products and the instruction sets, in words.
    ///   - runFolder: of the run; it can be missing.
    ///   - report: receives the findings one after another.
    public init(
        _ configuration: TrainingConfiguration, communicator: Communicator, cores: CoreMap, context: KernelContext, kernels: String,
        runFolder: RunFolder, report: @escaping (Finding) -> Void
    ) {
        self.configuration = configuration
        self.communicator = communicator
        self.cores = cores
        self.context = context
        self.kernels = kernels
        self.runFolder = runFolder
        self.report = report
    }

    /// Runs all checks. Collective.
    ///
    /// - Parameter seconds: about how long each measurement takes.
    /// - Returns: whether a run can start.
    public func examine(seconds: Double) throws -> Bool {
        try examineBuilds().forEach(add)
        add(Finding(.ok, "kernels", kernels))
        if let better = OpenBLASLibrary.betterKernels { add(Self.oldKernels(OpenBLASLibrary.kernels, better)) }
        try examineCores().forEach(add)
        try examineClocks().forEach(add)
        for warning in configuration.warnings(rankCount: communicator.rankCount) { add(Finding(.warning, "configuration", warning)) }
        try examineRunFolder().forEach(add)
        try examineNetwork(seconds: seconds).forEach(add)
        try examineData(seconds: seconds)
        return worst != .error
    }

    /// OpenBLAS uses kernels for an older processor than this one.
    static func oldKernels(_ kernels: String, _ better: String) -> Finding {
        Finding(
            .warning, "OPENBLAS_CORETYPE",
            "OpenBLAS is older than the processor and uses its kernels for \(kernels). They are slow: linear layers, and all products "
                + "with kernels.products: openblas", advice: "set OPENBLAS_CORETYPE=\(better) on every host, or install a newer OpenBLAS")
    }

    func add(_ finding: Finding) {
        if finding.level == .error || worst == .ok { worst = finding.level }
        report(finding)
    }
}
