import ArgumentParser
import Console
import Foundation
import Interchange

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Prints a table of collected measurements, and writes benchmark.json and benchmark.svg.",
        discussion: """
            Each line of the file is a JSON object: {"round": 1, "case": NAME, "measurement": output of step} or \
            {"round": 1, "peak": output of peak}. Ratios compare measurements of the same round.
            """)

    @Argument(help: "File of measurements.")
    var measurements: String

    @Option(help: "Folder to write to; created if it does not exist.")
    var output: String

    func run() throws {
        let report = try BenchmarkReport(try CollectedLine.read(measurements))
        try DurableFile.createFolder(output)
        try JSON.write(report, to: output + "/benchmark.json")
        try DurableFile.write(Data(ReportChart(report).document.rendered.utf8), to: output + "/benchmark.svg")
        try Console.result(report.table)
    }
}
