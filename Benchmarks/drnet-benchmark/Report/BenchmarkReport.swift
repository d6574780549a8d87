import Training

/// All that a benchmark found out: benchmark.json.
struct BenchmarkReport: Encodable {
    var machine: Machine
    var environment: RunEnvironment
    var cases: [BenchmarkCase]

    init(_ lines: [CollectedLine]) throws {
        let machine = Machine(peaks: lines.compactMap(\.peak))
        self.machine = machine
        environment = RunEnvironment(drnet: RunEnvironment.projectVersion, ranks: [])
        var names: [String] = []
        var measured: [String: [(round: Int, Measurement)]] = [:]
        for line in lines {
            guard let name = line.name, let measurement = line.measurement else { continue }
            if measured[name] == nil { names.append(name) }
            measured[name, default: []].append((line.round, measurement))
        }
        guard !names.isEmpty else { throw ReportError(place: "the benchmark", problem: "has no measurement") }
        cases = try names.map { try BenchmarkCase($0, measured[$0] ?? [], machine) }
    }
}

/// One case: this project's measurements, and what they are compared with.
struct BenchmarkCase: Encodable {
    var name: String
    /// This project's own comes first.
    var series: [Series]

    /// What one program measured, in all rounds.
    struct Series: Encodable {
        /// The program's name; with its ranks and threads where these differ from the case's.
        var label: String
        var rounds: [Round]
        /// Of the rounds' medians.
        var imagesPerSecond: Spread
        var gigaFLOPsPerSecond: Double?
        /// Of sgemm's best on as many cores.
        var shareOfPeak: Double?
        /// The largest of all rounds.
        var peakMemoryBytes: Double?
        /// The case's own images/s by these, of each round that has both; nil for the case's own.
        var ratio: Spread?
        /// Of `dynamic`: the medians of the rounds.
        var timeRatio: Spread?

        var first: Measurement { rounds[0].measurement }
    }

    struct Round: Encodable {
        var round: Int
        var measurement: Measurement
    }

    init(_ name: String, _ measured: [(round: Int, Measurement)], _ machine: Machine) throws {
        self.name = name
        guard let own = measured.first(where: { $0.1.program == Self.ownProgram })?.1 else {
            throw ReportError(place: "the case '\(name)'", problem: "was not measured with drnet")
        }
        var labels: [String] = [Self.ownProgram]
        var rounds: [String: [Round]] = [:]
        for (round, measurement) in measured {
            guard measurement.isOfCase(like: own) else {
                throw ReportError(place: "the case '\(name)'", problem: "mixes measurements of different networks, sizes or passes")
            }
            let label = Self.label(measurement, own)
            if !labels.contains(label) { labels.append(label) }
            guard rounds[label]?.contains(where: { $0.round == round }) != true else {
                throw ReportError(place: "the case '\(name)'", problem: "has round \(round) of \(label) twice")
            }
            rounds[label, default: []].append(Round(round: round, measurement: measurement))
        }
        let ownRounds = rounds[Self.ownProgram] ?? []
        let flopsPerImage = own.gigaFLOPsPerImage
        series = try labels.map { label in
            var series = Series(label: label, rounds[label] ?? [], flopsPerImage: flopsPerImage, machine)
            if label != Self.ownProgram { series.ratio = try Self.ratio(ownRounds, series, name) }
            return series
        }
    }

    private static let ownProgram = "drnet"

    private static func label(_ measurement: Measurement, _ own: Measurement) -> String {
        measurement.ranks == own.ranks && measurement.threads == own.threads
            ? measurement.program : "\(measurement.program) \(measurement.layout)"
    }

    private static func ratio(_ own: [Round], _ other: Series, _ name: String) throws -> Spread {
        let ratios = own.compactMap { round in
            other.rounds.first { $0.round == round.round }.map { round.measurement.imagesPerSecond / $0.measurement.imagesPerSecond }
        }
        guard !ratios.isEmpty else {
            throw ReportError(place: "the case '\(name)'", problem: "has no round of both drnet and \(other.label)")
        }
        return Spread(ratios)
    }
}

extension BenchmarkCase.Series {
    fileprivate init(label: String, _ rounds: [BenchmarkCase.Round], flopsPerImage: Double?, _ machine: Machine) {
        let measurements = rounds.map(\.measurement)
        self.label = label
        self.rounds = rounds
        imagesPerSecond = Spread(measurements.map(\.imagesPerSecond))
        gigaFLOPsPerSecond = flopsPerImage.map { $0 * imagesPerSecond.median }
        let peak = machine.peak(threads: measurements[0].ranks * measurements[0].threads)
        shareOfPeak = gigaFLOPsPerSecond.flatMap { rate in peak.map { rate / $0 } }
        peakMemoryBytes = measurements.compactMap(\.peakMemoryBytes).max()
        let timeRatios = measurements.compactMap { $0.fixedLargest?.timeRatio }
        timeRatio = timeRatios.isEmpty ? nil : Spread(timeRatios)
    }
}

extension Measurement {
    /// Ranks × threads.
    var layout: String { "\(ranks)×\(threads)" }

    fileprivate func isOfCase(like other: Measurement) -> Bool {
        (network, pass, batch) == (other.network, other.pass, other.batch) && pixels == other.pixels
    }
}
