import ArgumentParser
import Console
import Foundation
import Interchange

/// Predicts the time of a training step on many hosts.
struct ScalingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scaling", abstract: "Predicts the time of a step on many hosts.",
        discussion: """
            Prints a table with the time of a step, its parts, and the efficiency. The defaults are the measurements in docs/scaling.md,
            for ResNet-18 at 224 pixels with 32 images on each host. 'drnet doctor' measures computing time, latency and bandwidth of a
            cluster.
            """)

    @Option(help: "Numbers of hosts with one rank each.")
    var hosts = Numbers(values: [16, 128, 1024])
    @Option(help: "Bandwidths of a host's link, in Gbit/s.")
    var gigabits = Numbers(values: [1, 10, 100])
    @Option(help: "Share of the bandwidth that messages reach.")
    var usable = 0.94
    @Option(help: "Microseconds of a small message between hosts.")
    var latency = 60.0
    @Option(help: "Microseconds that a message of a background sum needs in addition to its transfer.")
    var message = 300.0
    @Option(help: "Seconds of computation of a step.")
    var computing = 1.0
    @Option(help: "Seconds of the last backward pass.")
    var lastBackward = 0.66
    @Option(help: "Megabytes of gradients that travel: the parameters by 4 bytes, or 2 with bfloat16.")
    var gradients = 46.8
    @Option(help: "Size of a bucket in megabytes (communication.bucketMegabytes).")
    var bucket = 2.0
    @Option(help: "Collectives of a step beside the gradients ('collectives' in metrics.jsonl).")
    var collectives = 2.0
    @Option(help: "Standard deviation of an image's cost by its mean.")
    var deviation = 0.0
    @Option(help: "Images of a host in a step.")
    var images = 32.0
    @Flag(help: "All ranks have the same work (communication.balance: flops).")
    var balanced = false

    func validate() throws {
        guard hosts.values.allSatisfy({ $0 >= 1 && $0 <= 1e6 }), gigabits.values.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("--hosts and --gigabits take positive numbers, separated by commas")
        }
        for (name, value) in [
            ("usable", usable), ("computing", computing), ("gradients", gradients), ("bucket", bucket), ("images", images),
        ] where !(value > 0) { throw ValidationError("--\(name) is \(value); it takes a positive number") }
        for (name, value) in [
            ("latency", latency), ("message", message), ("last-backward", lastBackward), ("collectives", collectives),
            ("deviation", deviation),
        ] where !(value >= 0) { throw ValidationError("--\(name) is \(value); it takes 0 or more") }
    }

    func run() throws {
        var rows = [["Gbit/s", "hosts", "step, ms", "spread", "small", "sums", "of them exposed", "efficiency", "largest loss"]]
        for rate in gigabits.values {
            for count in hosts.values {
                let model = model(gigabits: rate, hosts: Int(count))
                func milliseconds(_ seconds: Double) -> String { String(format: "%.0f", seconds * 1e3) }
                rows.append([
                    String(format: "%g", rate), "\(Int(count))", milliseconds(model.stepSeconds), milliseconds(computing * model.spread),
                    milliseconds(model.smallSeconds), milliseconds(model.gradientSeconds), milliseconds(model.exposedSeconds),
                    "\(Figures.percent(model.efficiency)) %", model.largestLoss,
                ])
            }
        }
        try Console.result(rows.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n"))
    }

    private func model(gigabits: Double, hosts: Int) -> ScalingModel {
        ScalingModel(
            network: NetworkCosts(
                bytesPerSecond: gigabits * 1e9 / 8 * usable, latency: latency * 1e-6, messageSeconds: message * 1e-6),
            work: StepWork(
                computing: computing, lastBackward: lastBackward, gradientBytes: gradients * 1e6, bucketBytes: bucket * 1e6,
                smallCollectives: collectives, costDeviation: deviation, images: images, isBalanced: balanced),
            hosts: hosts)
    }
}

/// Numbers that an option takes separated by commas.
struct Numbers: ExpressibleByArgument {
    var values: [Double]

    init(values: [Double]) { self.values = values }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0?.isFinite ?? false }) else { return nil }
        values = parts.compactMap { $0 }
    }

    var defaultValueDescription: String { values.map { String(format: "%g", $0) }.joined(separator: ",") }
}
