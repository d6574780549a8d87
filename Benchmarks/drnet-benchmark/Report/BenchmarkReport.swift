import Training

/// The results of a benchmark: the contents of benchmark.json.
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

/// One case: the measurements of this project and of the programs that it is compared with.
struct BenchmarkCase: Encodable {
    var name: String
    /// The first series is this project's.
    var series: [Series]

    /// The measurements of one program in all rounds.
    struct Series: Encodable {
        /// The name of the program, followed by its ranks and threads if these differ from the first series.
        var label: String
        var rounds: [Round]
        /// The spread of the rounds' images per second; each round has the median of its steps.
        var imagesPerSecond: Spread
        var gigaFLOPsPerSecond: Double?
        /// The GFLOP/s as a share of sgemm's best on the same number of cores.
        var shareOfPeak: Double?
        /// The largest value of all rounds.
        var peakMemoryBytes: Double?
        /// The images/s of the first series divided by those of this one, for each round that has both; nil for the first series.
        var ratio: Spread?
        /// `Measurement.FixedLargest.timeRatio` of each round; nil for all passes except `dynamic`.
        var timeRatio: Spread?

        var first: Measurement { rounds[0].measurement }
    }

    /// One measurement and the number of its round.
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
    /// The number of ranks × threads, such as "2×1".
    var layout: String { "\(ranks)×\(threads)" }

    fileprivate func isOfCase(like other: Measurement) -> Bool {
        (network, pass, batch) == (other.network, other.pass, other.batch) && pixels == other.pixels
    }
}
