import Foundation
import TestSupport
import XCTest

/// Tests `drnet-benchmark report` on invented measurements, and `launch/benchmark` with fake programs that return at once.
final class BenchmarkReportTests: XCTestCase {
    private func line(
        _ round: Int, _ name: String = "resnet18 224 16 train", program: String = "drnet", speed: Double, gigaFLOPs: Double? = nil,
        batch: Int = 16, ranks: Int = 1, threads: Int = 2, memory: Double? = nil, more: String = ""
    ) -> String {
        let flops = gigaFLOPs.map { "\($0)" } ?? "null"
        return """
            {"round": \(round), "case": "\(name)", "measurement": {"program": "\(program)", "version": "1", "network": "resnet18", \
            "pixels": [224], "batch": \(batch), "pass": "train", "ranks": \(ranks), "threads": \(threads), "seconds": [\(16 / speed)], \
            "secondsPerStep": \(16 / speed), "imagesPerSecond": \(speed), "gigaFLOPsPerSecond": \(flops), "bytesPerImage": null, \
            "bytesPerImageSeparate": null, "peakMemoryBytes": \(memory.map { "\($0)" } ?? "null")\(more)}}
            """
    }

    private func peak(_ round: Int, _ speed: Double) -> String {
        """
        {"round": \(round), "peak": {"threads": 2, "gigaFLOPsPerSecondOneThread": \(speed / 2), "gigaFLOPsPerSecondAllThreads": \(speed), \
        "copyGigabytesPerSecondOneThread": 9, "copyGigabytesPerSecondAllThreads": 10, "triadGigabytesPerSecondOneThread": 11, \
        "triadGigabytesPerSecondAllThreads": 12}}
        """
    }

    private func report(_ lines: [String], in folder: String) throws -> ProcessRunner.Result {
        try lines.joined(separator: "\n").write(toFile: folder + "/lines", atomically: true, encoding: .utf8)
        return try ProcessRunner.run(
            try builtExecutable(named: "drnet-benchmark"), ["report", folder + "/lines", "--output", folder + "/made/here"], timeout: 20)
    }

    private struct Report: Decodable {
        var machine: Machine
        var cases: [Case]

        struct Machine: Decodable {
            var peak: [String: Double]
        }

        struct Case: Decodable {
            var name: String
            var series: [Series]
        }

        struct Series: Decodable {
            var label: String
            var rounds: [Round]
            var imagesPerSecond: Spread
            var gigaFLOPsPerSecond: Double
            var shareOfPeak: Double
            var peakMemoryBytes: Double?
            var ratio: Spread?
            var timeRatio: Spread?
        }

        struct Round: Decodable {
            var round: Int
        }

        struct Spread: Decodable, Equatable {
            var median: Double
            var smallest: Double
            var largest: Double
        }
    }

    private let threeRounds: [(own: Double, other: Double)] = [(20, 8), (10, 10), (40, 20)]

    func testMediansAndRatiosAreComputedWithinRounds() throws {
        try withTemporaryFolder { folder in
            var lines = [peak(1, 90), peak(2, 100), ""]
            for (index, round) in threeRounds.enumerated() {
                lines.append(line(index + 1, speed: round.own, gigaFLOPs: 2 * round.own, memory: 1e9 + Double(index)))
                lines.append(line(index + 1, program: "pytorch", speed: round.other))
            }
            // A round of only one program counts for the median of that program, but not for the ratio.
            lines.append(line(4, program: "pytorch", speed: 12))
            let result = try report(lines, in: folder)
            XCTAssertEqual(result.status, 0, result.text)
            let made = try JSONDecoder().decode(
                Report.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/made/here/benchmark.json")))
            XCTAssertEqual(made.machine.peak["gigaFLOPsPerSecondAllThreads"], 100)
            XCTAssertEqual(made.cases.map(\.name), ["resnet18 224 16 train"])
            let (own, other) = (made.cases[0].series[0], made.cases[0].series[1])
            XCTAssertEqual([own.label, other.label], ["drnet", "pytorch"])
            XCTAssertEqual(own.imagesPerSecond, .init(median: 20, smallest: 10, largest: 40))
            XCTAssertEqual(other.imagesPerSecond, .init(median: 11, smallest: 8, largest: 20))
            XCTAssertEqual(other.ratio, .init(median: 2, smallest: 1, largest: 2.5))
            XCTAssertNil(own.ratio)
            // Each image costs 2 GFLOPs, and the peak is 100 GFLOP/s.
            XCTAssertEqual([own.gigaFLOPsPerSecond, other.gigaFLOPsPerSecond], [40, 22])
            XCTAssertEqual([own.shareOfPeak, other.shareOfPeak], [0.4, 0.22])
            XCTAssertEqual(own.peakMemoryBytes, 1e9 + 2)
            XCTAssertEqual(other.rounds.map(\.round), [1, 2, 3, 4])
            for text in ["2.00 (1.00 … 2.50)", "40 %", "22 %", "sgemm 50 GFLOP/s on one core, 100 on 2", "memory 10 GB/s copying"] {
                XCTAssertTrue(result.output.contains(text), "\(text): \(result.output)")
            }
        }
    }

    func testRanksAreComparedWithThreadsAndDynamicWithTheLargestResolution() throws {
        try withTemporaryFolder { folder in
            let fixed = #", "fixedLargest": {"secondsPerStep": 4, "timeRatio": 0.5, "flopsRatio": 0.4}"#
            let lines = [
                peak(1, 100), line(1, "ranks", speed: 30, gigaFLOPs: 30, ranks: 2, threads: 1),
                line(1, "ranks", program: "pytorch", speed: 10, ranks: 2, threads: 1), line(1, "ranks", speed: 20, ranks: 1, threads: 2),
                line(1, "dynamic", speed: 8, gigaFLOPs: 16, more: fixed),
            ]
            let result = try report(lines, in: folder)
            XCTAssertEqual(result.status, 0, result.text)
            let made = try JSONDecoder().decode(
                Report.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/made/here/benchmark.json")))
            XCTAssertEqual(made.cases[0].series.map(\.label), ["drnet", "pytorch", "drnet 1×2"])
            XCTAssertEqual(made.cases[0].series[2].ratio?.median, 1.5)
            XCTAssertEqual(made.cases[1].series[0].timeRatio?.median, 0.5)
            // An image costs 2 GFLOPs, 0.4 of the 5 GFLOPs of the largest resolution, which reaches 4 images/s.
            let row = try XCTUnwrap(result.output.split(separator: "\n").first { $0.contains("fixed 224") })
            XCTAssertEqual(row.split(separator: " ").prefix(6).joined(separator: " "), "fixed 224 4.00 20 20 %", result.output)
            XCTAssertTrue(row.contains("time 0.50 (0.50 … 0.50) at 0.40 of the FLOPs"), "\(row)")
        }
    }

    func testTheChartIsValidAndShowsEveryProgram() throws {
        try withTemporaryFolder { folder in
            let lines = [
                peak(1, 100), line(1, speed: 20, gigaFLOPs: 40), line(1, program: "pytorch", speed: 10),
                line(1, program: "onnxruntime <&>", speed: 5),
            ]
            XCTAssertEqual(try report(lines, in: folder).status, 0)
            let root = try XMLTree.parse(String(contentsOfFile: folder + "/made/here/benchmark.svg", encoding: .utf8))
            XCTAssertEqual(root.children(named: "g").count, 1)
            let measured = try XCTUnwrap(root.children(named: "g").first)
            let widths = measured.children(named: "rect").compactMap { Double($0.attributes["width"] ?? "") }
            guard widths.count == 3 else { return XCTFail("\(widths)") }
            XCTAssertEqual(widths[0] / widths[1], 2, accuracy: 1e-3)
            XCTAssertEqual(widths[0] / widths[2], 4, accuracy: 1e-3)
            let texts = measured.children(named: "text").map(\.text)
            XCTAssertEqual(
                texts,
                [
                    "resnet18, 224 px, batch 16, train", "drnet", "20.0 images/s", "pytorch", "10.0 images/s: drnet is 2.00 ×",
                    "onnxruntime <&>", "5.00 images/s: drnet is 4.00 ×",
                ])
        }
    }

    func testInvalidMeasurementsAreRejected() throws {
        try withTemporaryFolder { folder in
            let own = line(1, speed: 10, gigaFLOPs: 10)
            let cases: [([String], String)] = [
                ([own, "{\"round\": 1"], "/lines:2 is not a line of a benchmark"), (["", #"{"round": 1}"#], "/lines:2 has neither"),
                ([], "has no measurement"), ([line(1, program: "pytorch", speed: 1)], "was not measured with drnet"),
                ([own, own], "has round 1 of drnet twice"), ([own, line(1, program: "pytorch", speed: 1, batch: 8)], "mixes measurements"),
                ([own, line(2, program: "pytorch", speed: 1)], "has no round of both drnet and pytorch"),
                ([own, line(2, speed: -1)], "/lines:2 has impossible times or numbers"),
            ]
            for (lines, message) in cases {
                let result = try report(lines, in: folder)
                XCTAssertEqual(result.status, 1, "\(message): \(result.text)")
                XCTAssertTrue(result.errors.contains(message), "\(message): \(result.text)")
            }
            XCTAssertFalse(FileManager.default.fileExists(atPath: folder + "/made"), "nothing is written")
        }
    }

    // MARK: - launch/benchmark

    /// Runs the script with a fake Python. It has three modules, and prints a measurement with a fixed speed.
    private func launch(_ arguments: [String], in folder: String, _ environment: [String: String] = [:]) throws -> ProcessRunner.Result {
        let answer = line(1, program: "PROGRAM", speed: 1).components(separatedBy: "\"measurement\": ")[1].dropLast()
        let python = """
            #!/bin/bash
            [ "$1" = -c ] && { for name in "${@:3}"; do case $name in torch|torchvision|numpy) ;; *)
                printf '%s ' "$name";; esac; done; exit; }
            echo "$* ${MALLOC_MMAP_THRESHOLD_:-}" >> \(folder)/calls
            while [ "$1" != --program ]; do shift; done
            sed "s/PROGRAM/$2/" <<< '\(answer)'
            """
        try python.write(toFile: folder + "/python", atomically: true, encoding: .utf8)
        chmod(folder + "/python", 0o755)
        let own = [
            "PYTHON": folder + "/python", "DRNET_BENCHMARK": try builtExecutable(named: "drnet-benchmark"), "ROUNDS": "2", "STEPS": "1",
            "CASES": "resnet18 224 16 train 1x2",
        ]
        return try ProcessRunner.run(
            "/bin/bash", [repositoryRoot + "/launch/benchmark"] + arguments, environment: own.merging(environment) { $1 }, timeout: 60)
    }

    func testTheScriptAlternatesProgramsAndReports() throws {
        try withTemporaryFolder { folder in
            // Replaces all subcommands of `drnet-benchmark` except `report`.
            let answer = line(1, speed: 2, gigaFLOPs: 4).components(separatedBy: "\"measurement\": ")[1].dropLast()
            let top = peak(1, 100).components(separatedBy: "\"peak\": ")[1].dropLast()
            let fake = """
                #!/bin/bash
                echo "own $*" >> \(folder)/calls
                case $1 in
                step) echo '\(answer)' ;;
                peak) echo '\(top)' ;;
                *) exec \(try builtExecutable(named: "drnet-benchmark")) "$@" ;;
                esac
                """
            try fake.write(toFile: folder + "/own", atomically: true, encoding: .utf8)
            chmod(folder + "/own", 0o755)
            let result = try launch(
                ["--against", "pytorch", "--against", "pytorch-tuned", "--output", folder + "/out"], in: folder,
                ["DRNET_BENCHMARK": folder + "/own"])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.output.contains("pytorch-tuned"), result.output)
            XCTAssertTrue(result.output.contains("2.00 (2.00 … 2.00)"), result.output)
            XCTAssertTrue(
                result.errors.contains("round 2 of 2, case 1 of 1  resnet18 224 16 train 1x2  images/s: drnet 2.0 pytorch 1.0"),
                result.errors)
            for file in ["benchmark.json", "benchmark.svg", "measurements.jsonl"] {
                XCTAssertTrue(FileManager.default.fileExists(atPath: "\(folder)/out/\(file)"), file)
            }
            let calls = try String(contentsOfFile: folder + "/calls", encoding: .utf8).split(separator: "\n")
            let order = calls.map { call in
                call.hasPrefix("own") ? call.split(separator: " ")[1] : call.contains("pytorch-tuned") ? "tuned" : "theirs"
            }
            XCTAssertEqual(order, ["peak", "step", "theirs", "tuned", "peak", "step", "theirs", "tuned", "report"])
            let step = "--network resnet18 --pixels 224 --batch 16 --pass train --steps 1"
            XCTAssertEqual(calls[1], "own step \(step) --threads 2")
            XCTAssertTrue(
                calls[2].hasPrefix("\(repositoryRoot)/Benchmarks/peers/pytorch_step.py \(step) --program pytorch --ranks 1 --threads 2"),
                "\(calls[2])")
            XCTAssertNil(calls[2].last?.wholeNumberValue, "the allocator keeps its defaults")
            XCTAssertTrue(calls[3].hasSuffix(" 68719476736"), "freed memory is kept: \(calls[3])")
        }
    }

    func testTheScriptRejectsUnknownArguments() throws {
        try withTemporaryFolder { folder in
            let cases: [([String], [String: String], Int32, String)] = [
                (["--against", "tensorflow"], [:], 64, "not 'tensorflow'"), (["--fast"], [:], 64, "'--fast' is unknown"),
                ([], ["DRNET_BENCHMARK": "/etc"], 64, "DRNET_BENCHMARK is '/etc', which is not an executable file"),
                (["--output"], [:], 64, "'--output' is unknown or incomplete"),
                ([], ["CASES": "resnet18 224 train"], 64, "the case 'resnet18 224 train'"),
                ([], ["CASES": "a\"b 224 1 train"], 64, "is not: network pixels batch pass"), ([], ["ROUNDS": "0"], 64, "ROUNDS is '0'"),
                (["--against", "onnxruntime"], [:], 1, "lacks onnxruntime onnx : name a Python that has them with PYTHON="),
                (["--against", "pytorch"], ["PYTHON": "/nowhere/python"], 1, "name a Python that has torch torchvision with PYTHON="),
            ]
            for (arguments, environment, status, message) in cases {
                let result = try launch(
                    arguments + ["--output", folder + "/out"].prefix(arguments == ["--output"] ? 0 : 2), in: folder, environment)
                XCTAssertEqual(result.status, status, "\(arguments): \(result.text)")
                XCTAssertTrue(result.errors.contains(message), "\(message): \(result.errors)")
            }
            XCTAssertFalse(FileManager.default.fileExists(atPath: folder + "/out"))
        }
    }
}
