import ArgumentParser
import Foundation
import Interchange

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Prints the table of collected measurements; writes benchmark.json and benchmark.svg.",
        discussion: """
            The file has a JSON object a line: {"round": 1, "case": NAME, "measurement": what step printed} or \
            {"round": 1, "peak": what peak printed}. Ratios are taken within rounds.
            """)

    @Argument(help: "The file of measurements.")
    var measurements: String

    @Option(help: "The folder to write to; it is made where it is not there.")
    var output: String

    func run() throws {
        let report = try BenchmarkReport(try CollectedLine.read(measurements))
        try DurableFile.createFolder(output)
        try JSON.write(report, to: output + "/benchmark.json")
        try DurableFile.write(Data(ReportChart(report).document.rendered.utf8), to: output + "/benchmark.svg")
        print(report.table)
    }
}
