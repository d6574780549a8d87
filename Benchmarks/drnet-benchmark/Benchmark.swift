import ArgumentParser
import Foundation
import Interchange
import NeuralNetwork
import Training

/// What `launch/benchmark` is made of: each measurement is a process of its own, so that programs can take turns.
@main
struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drnet-benchmark", abstract: "Measures training steps, inference, kernels and the machine under them.",
        version: RunEnvironment.projectVersion,
        subcommands: [StepCommand.self, PeakCommand.self, KernelsCommand.self, ReportCommand.self])
}

/// Checks that all measuring commands share.
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
    init(named name: String, option: String) throws {
        guard let found = Backbone(rawValue: name) else {
            let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--\(option): '\(name)' is none of \(names)")
        }
        self = found
    }
}

/// One line of JSON with its keys in order.
func jsonLine(_ value: some Encodable) throws -> String {
    String(decoding: try JSON.encode(value, .compact), as: UTF8.self)
}
