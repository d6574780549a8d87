import ArgumentParser
import Console
import Foundation
import Interchange
import NeuralNetwork
import Training

/// The command `drnet-benchmark`, which `launch/benchmark` runs. Each measurement is a separate process, so that the measurements of
/// different programs can alternate.
@main
struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drnet-benchmark", abstract: "Measures training steps, inference, kernels and the machine.",
        version: RunEnvironment.projectVersion,
        subcommands: [
            StepCommand.self, PeakCommand.self, KernelsCommand.self, LoaderCommand.self, BalanceCommand.self, ScalingCommand.self,
            ReportCommand.self,
        ])

    static func main() {
        Console.prepare()
        main(nil)
    }
}

/// Limits of options that several subcommands share.
enum Limits {
    static func require(_ value: Int, in range: ClosedRange<Int>, _ option: String) throws {
        guard range.contains(value) else {
            throw ValidationError("--\(option) is \(value); \(range.lowerBound) to \(range.upperBound)")
        }
    }

    static let pixels = 16...4096
    static let batch = 1...8192
    static let threads = 1...1024
    static let repetitions = 1...10_000
}

extension Backbone {
    /// Parses a name from an option.
    init(named name: String, option: String) throws {
        guard let found = Backbone(rawValue: name) else {
            let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--\(option): '\(name)' is none of \(names)")
        }
        self = found
    }
}

/// Returns a value as one line of JSON with sorted keys.
func jsonLine(_ value: some Encodable) throws -> String {
    String(decoding: try JSON.encode(value, .compact), as: UTF8.self)
}
