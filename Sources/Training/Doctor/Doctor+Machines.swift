import Communication
import Foundation
import Interchange
import Kernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Builds, libraries, processors, cores and clocks.
extension Doctor {
    /// Differences of the program or of MPI end a run sooner or later. Those of libraries and processors change rounding and speed only.
    func examineBuilds() throws -> [Finding] {
        let environment = RunEnvironment(drnet: RunEnvironment.projectVersion, ranks: [])
        var findings: [Finding] = []
        func compare(_ topic: String, _ value: String, different: Finding.Level, advice: String) throws {
            let groups = try communicator.groupRanks(by: value, label: topic)
            findings.append(
                groups.isEqual ? Finding(.ok, topic, groups.text) : Finding(different, topic, groups.text, advice: advice))
        }
        try compare(
            "drnet",
            "\(environment.drnet), Swift \(environment.swift), \(InstructionSet.compiled.title), program \(ProgramFacts.executable)",
            different: .error, advice: "install the same build on all hosts, best in one shared folder")
        try compare(
            "MPI", Self.firstLine(environment.mpi), different: .error, advice: "install the same version of MPI on all hosts")
        try compare("OpenBLAS", environment.openBLAS, different: .warning, advice: "install the same version on all hosts")
        try compare("system", environment.system, different: .warning, advice: "this is no problem by itself")
        try compare(
            "processor", ProcessorName.current, different: .warning,
            advice: "a step takes as long as the slowest rank needs; give slower hosts fewer ranks with more cores, or leave them out")
        return findings
    }

    private static func firstLine(_ text: String) -> String {
        String(text.split(whereSeparator: { $0.isNewline || $0 == "\0" }).first ?? "unknown").trimmingCharacters(in: .whitespaces)
    }

    func examineCores() throws -> [Finding] {
        var findings = cores.lines.map { Finding(.ok, "cores", $0) }
        if let warning = cores.oversubscriptionWarning { findings.append(Finding(.warning, "cores", warning)) }
        // A rank that can use all cores of a host while others run there moves between cores.
        let own = AllowedCores.current()
        let neighbours = try communicator.allGatherStrings("\(communicator.hostName)|\(own)", label: "bound cores")
            .enumerated().filter { $0.offset != communicator.rank && $0.element == "\(communicator.hostName)|\(own)" }
        let isShared = try communicator.sum(neighbours.isEmpty || own.count == 1 ? 0 : 1, label: "ranks that share cores") > 0
        if isShared {
            findings.append(
                Finding(
                    .warning, "binding", "ranks of a host share the same cores",
                    advice: "bind them: launch/train does, or mpirun --bind-to core"))
        }
        // The limit of a container's control group, which the lists of cores do not show.
        let limit = Self.processorLimit.map { $0 + 0.01 < Double(own.count) ? "\($0) processors for \(own.count) cores" : "" } ?? ""
        let limits = try communicator.groupRanks(by: limit, label: "limits of containers")
        for (index, group) in limits.groups.enumerated() where !group.value.isEmpty {
            findings.append(
                Finding(
                    .warning, "cores", "\(limits.place(index)): the container is limited to \(group.value)",
                    advice: "raise the limit of the container, or set DRNET_THREADS"))
        }
        return findings
    }

    /// The limit of this process's control group, in processors; nil without one.
    private static var processorLimit: Double? {
        guard let text = try? String(contentsOfFile: "/sys/fs/cgroup/cpu.max", encoding: .utf8) else { return nil }
        let parts = text.split(separator: " ").compactMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        return parts.count == 2 && parts[1] > 0 ? parts[0] / parts[1] : nil
    }

    /// Compares the clocks of all ranks directly after a barrier.
    func examineClocks() throws -> [Finding] {
        try communicator.barrier(label: "clocks")
        var now = [Double](repeating: 0, count: communicator.rankCount)
        now[communicator.rank] = Date().timeIntervalSince1970
        try communicator.allReduceSum(&now, label: "clocks")
        let spread = (now.max() ?? 0) - (now.min() ?? 0)
        guard spread > Self.clockTolerance else {
            return [Finding(.ok, "clocks", "equal to \(String(format: "%.3f", spread)) s")]
        }
        let hosts = try communicator.allGatherStrings(communicator.hostName, label: "hosts of the clocks")
        let (early, late) = (now.firstIndex(of: now.min()!)!, now.firstIndex(of: now.max()!)!)
        return [
            Finding(
                .warning, "clocks",
                "rank \(late) on \(hosts[late]) is \(String(format: "%.1f", spread)) s ahead of rank \(early) on \(hosts[early])",
                advice: "set the clocks by NTP; records and messages of the hosts cannot be compared otherwise")
        ]
    }

    /// Seconds.
    private static let clockTolerance = 1.0
}

extension Communicator {
    /// The sum of one number over all ranks. Collective.
    func sum(_ value: Double, label: String) throws -> Double {
        var values = [value]
        try allReduceSum(&values, label: label)
        return values[0]
    }

    /// One number of each rank, in rank order. Collective.
    func numbers(_ value: Double, label: String) throws -> [Double] {
        var values = [Double](repeating: 0, count: rankCount)
        values[rank] = value
        try allReduceSum(&values, label: label)
        return values
    }
}
