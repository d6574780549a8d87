/// Several tasks that a launcher other than Open MPI's started, as the environment describes them.
struct LaunchedTasks: Equatable {
    /// The launcher's name, for messages.
    var launcher: String
    /// The number of tasks; nil if the launcher does not pass it on.
    var count: Int?
    /// The number of this task, from 0; nil if the launcher does not pass it on.
    var rank: Int?

    /// Names of environment variables.
    private struct Launcher {
        var name: String
        var count: [String]
        var rank: [String]
    }

    private static let launchers = [
        // Only for programs that were built with another MPI.
        Launcher(name: "mpirun of Open MPI", count: ["OMPI_COMM_WORLD_SIZE"], rank: ["OMPI_COMM_WORLD_RANK"]),
        Launcher(
            name: "mpiexec of MPICH, Intel MPI or another PMI launcher", count: ["PMI_SIZE", "MPI_LOCALNRANKS"],
            rank: ["PMI_RANK", "MPI_LOCALRANKID"]),
        Launcher(
            name: "MVAPICH", count: ["MV2_COMM_WORLD_SIZE", "MVP_COMM_WORLD_SIZE"], rank: ["MV2_COMM_WORLD_RANK", "MVP_COMM_WORLD_RANK"]),
        Launcher(name: "Cray's launcher", count: [], rank: ["PALS_RANKID", "ALPS_APP_PE"]),
        Launcher(name: "jsrun", count: ["JSM_NAMESPACE_SIZE"], rank: ["JSM_NAMESPACE_RANK"]),
    ]

    /// The tasks of this process's launcher; nil if it started one task, or if there is no launcher.
    static func find(_ environment: [String: String]) -> LaunchedTasks? {
        if let tasks = slurm(environment) ?? torchrun(environment) { return tasks }
        for launcher in launchers {
            let count = launcher.count.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first
            let rank = launcher.rank.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first
            if let tasks = several(launcher.name, count: count, rank: rank) { return tasks }
        }
        return nil
    }

    /// The tasks that the launcher of this program's MPI, or one with PMIx, says it started; nil for one task.
    static func ofMPILauncher(_ environment: [String: String]) -> LaunchedTasks? {
        for (size, rank) in [("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"), ("PMI_SIZE", "PMI_RANK")] {
            guard let count = environment[size] else { continue }
            return several("mpirun", count: Int(count), rank: environment[rank].flatMap { Int($0) })
        }
        return slurm(environment)
    }

    /// srun sets SLURM_STEP_NUM_TASKS. A batch script and the shell of salloc run outside of such steps. They have SLURM_NTASKS, the number
    /// of tasks of the allocation, and SLURM_PROCID 0.
    private static func slurm(_ environment: [String: String]) -> LaunchedTasks? {
        let step = (environment["SLURM_STEP_ID"] ?? environment["SLURM_STEPID"]).flatMap { Int($0) } ?? -1
        let count = environment["SLURM_STEP_NUM_TASKS"] ?? (regularSteps.contains(step) ? environment["SLURM_NTASKS"] : nil)
        return several("Slurm", count: count.flatMap { Int($0) }, rank: environment["SLURM_PROCID"].flatMap { Int($0) })
    }

    /// Larger numbers identify batch scripts, interactive shells and other special steps.
    private static let regularSteps = 0..<0xFFFF_FFF0

    /// WORLD_SIZE alone is a common name, so torchrun's own variable must be there, too.
    private static func torchrun(_ environment: [String: String]) -> LaunchedTasks? {
        guard environment["TORCHELASTIC_RUN_ID"] != nil else { return nil }
        return several("torchrun", count: environment["WORLD_SIZE"].flatMap { Int($0) }, rank: environment["RANK"].flatMap { Int($0) })
    }

    /// Without a count, a rank above 0 shows that there are several tasks.
    private static func several(_ launcher: String, count: Int?, rank: Int?) -> LaunchedTasks? {
        guard count.map({ $0 > 1 }) ?? ((rank ?? 0) > 0) else { return nil }
        return LaunchedTasks(launcher: launcher, count: count, rank: rank)
    }

    /// The error that refuses to start. One task reports it: task 0, or each of them if their number is not known.
    var refusal: any Error {
        guard count == nil || (rank ?? 0) == 0 else { return ReportedFailure() }
        return CommunicationError.separateTasks(launcher: launcher, count: count)
    }
}
