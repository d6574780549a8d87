import Communication
import Configuration
import Foundation
import Interchange

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The run folder: whether it can be written, whether all hosts see it, and its free space.
extension Doctor {
    /// Writes a small file beside the run's files, and removes it. Changes nothing else, and does not create the folder.
    func examineRunFolder() throws -> [Finding] {
        let topic = "run folder"
        let folder = try communicator.broadcast(
            Data((communicator.rank == 0 ? Self.existingFolder(runFolder.path) : "").utf8), root: 0, label: "run folder")
        let path = String(decoding: folder, as: UTF8.self)
        let probe = "\(path)/.doctor-\(try communicator.sum(communicator.rank == 0 ? Double(getpid()) : 0, label: "probe"))"
        let problem = try communicator.allGatherStrings(
            communicator.rank == 0 ? Self.failure { try DurableFile.write(Data(probe.utf8), to: probe) } : "",
            label: "probe of the run folder")[0]
        defer { if communicator.rank == 0 { unlink(probe) } }
        guard problem.isEmpty else {
            return [
                Finding(
                    .error, topic, "rank 0 cannot write: \(problem)", advice: "choose another folder with -o, or change its permissions")
            ]
        }
        let delay = Self.secondsUntilVisible(probe)
        let delays = try communicator.numbers(delay ?? -1, label: "visibility of the run folder")
        let hosts = try communicator.allGatherStrings(communicator.hostName, label: "hosts of the run folder")
        var findings: [Finding] = []
        if let blind = delays.firstIndex(where: { $0 < 0 }) {
            findings.append(
                Finding(
                    .warning, topic, "rank \(blind) on \(hosts[blind]) does not see the files that rank 0 on \(hosts[0]) writes in \(path)",
                    advice: "put the run folder on a file system that all hosts share: a job that is restarted with rank 0 on another host "
                        + "would not find its checkpoints"))
        } else {
            let slowest = delays.max() ?? 0
            findings.append(
                Finding(
                    .ok, topic, "\(path) is seen by all ranks" + (slowest > 0.5 ? String(format: ", after %.1f s", slowest) : "")))
        }
        return findings + (try examineSpace(of: path))
    }

    /// The folder itself, or its nearest parent that exists.
    private static func existingFolder(_ path: String) -> String {
        var path = path
        while access(path, F_OK) != 0 {
            let parent = DurableFile.parent(of: path)
            if parent == path { return path }
            path = parent
        }
        return path
    }

    private static func failure(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    /// Network file systems show a new file a few seconds later.
    private static func secondsUntilVisible(_ path: String) -> Double? {
        let start = Date()
        while true {
            if let data = try? DurableFile.read(path), data == Data(path.utf8) { return Date().timeIntervalSince(start) }
            guard Date().timeIntervalSince(start) < visibleSeconds else { return nil }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    private static let visibleSeconds = 5.0

    /// Compares the free space at rank 0 with the checkpoints that the run keeps.
    private func examineSpace(of path: String) throws -> [Finding] {
        var status = statvfs()
        let known = communicator.rank == 0 && statvfs(path, &status) == 0
        let free = try communicator.sum(known ? Double(status.f_bavail) * Double(status.f_frsize) : 0, label: "free space")
        guard free > 0 else { return [Finding(.warning, "free space", "\(path): unknown, or none")] }
        let checkpoint = checkpointBytes
        // The newest ones, the best one, and the one that is being written.
        let needed = checkpoint * Double(configuration.checkpoints.keep + 2)
        let text =
            "\(Self.gigabytes(free)) free; a checkpoint takes \(Self.gigabytes(checkpoint)), and "
            + "checkpoints.keep \(configuration.checkpoints.keep) needs \(Self.gigabytes(needed))"
        let advice = "free some space, choose another folder with -o, or keep fewer checkpoints (checkpoints.keep)"
        if free < 2 * checkpoint { return [Finding(.error, "free space", text, advice: advice)] }
        return [free < needed ? Finding(.warning, "free space", text, advice: advice) : Finding(.ok, "free space", text)]
    }

    /// Parameters, running statistics, averages and the state of the optimiser.
    private var checkpointBytes: Double {
        let classes = 1000
        let networks = [
            configuration.classifierDefinition(classCount: classes), configuration.predictorDefinition(classCount: classes),
        ].compactMap { $0 }
        let parameters = networks.reduce(0.0) { $0 + Double($1.parameterCount) }
        let all = networks.reduce(0.0) { $0 + $1.tensors.reduce(0.0) { $0 + Double($1.count) } }
        let moments = configuration.optimizer.kind == .adamW ? 2.0 : 1.0
        return 4 * (all * (configuration.optimizer.emaDecay > 0 ? 2 : 1) + moments * parameters)
    }

    private static func gigabytes(_ bytes: Double) -> String { "\(Figures.threeDigits(bytes / 1e9)) GB" }
}
