import COpenMPI
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Ends all ranks from a watchdog's thread, while another thread can be inside MPI.
enum JobEnd {
    /// EX_UNAVAILABLE: another rank, its host or a link did not answer. To start again can help.
    static let status: Int32 = 69

    /// Seconds that MPI_Abort gets before the process exits without it.
    private static let abortSeconds = 2.0

    /// Ends the job.
    ///
    /// Only MPI_THREAD_MULTIPLE permits MPI_Abort here. With less, this process exits without an MPI call; mpirun then ends the other
    /// ranks, because a rank exited with an error before MPI_Finalize. MPI_Abort is preferred, because srun ends the other tasks only with
    /// --kill-on-bad-exit. It can hang on a broken connection, so a second thread limits its time.
    ///
    /// - Parameters:
    ///   - allowsMPICalls: whether MPI has started, and permits calls of several threads.
    ///   - status: of this process and of the job.
    static func now(allowsMPICalls: Bool, status: Int32 = status) -> Never {
        LauncherGuard.start()
        if allowsMPICalls {
            Thread.detachNewThread {
                Thread.sleep(forTimeInterval: abortSeconds)
                _exit(status)
            }
            _ = drnet_mpi_abort(status)
        }
        _exit(status)
    }
}

/// Ends the daemon that started this process, if it outlives the job.
///
/// A daemon of Open MPI on a host that is cut off tries to reach mpirun until the system gives up its connection, which takes up to 16
/// minutes, and mpirun waits for its daemons. Both wait in vain as soon as the watchdog has ended the ranks. A process of its own sends the
/// signal, because the daemon ends this one.
enum LauncherGuard {
    private static let daemons: Set<String> = ["orted", "prted"]
    private static let launchers: Set<String> = ["mpirun", "orterun", "prterun", "mpiexec", "mpirun.openmpi", "mpiexec.openmpi"]

    /// Seconds after which a daemon and a launcher are ended, so that both are gone 10 s after the limit of the watchdog. launch/train ends
    /// its mpirun earlier.
    private static let (daemonSeconds, launcherSeconds) = (4, 6)

    /// Sends SIGTERM to process $1 after $3 seconds, and SIGKILL later, if it is still the one that began at time $2.
    private static let script = """
        lives() { [ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)" = "$2" ]; }
        sleep "$3"
        lives "$1" "$2" && kill -TERM "$1"
        sleep 2
        lives "$1" "$2" && kill -KILL "$1"
        """

    static func start() {
        #if os(Linux)
            let parent = getppid()
            guard let name = ProcessState.name(of: parent), let start = ProcessState.start(of: parent) else { return }
            guard daemons.contains(name) || launchers.contains(name) else { return }
            let seconds = daemons.contains(name) ? daemonSeconds : launcherSeconds
            spawn(["/bin/sh", "-c", script, "sh", "\(parent)", start, "\(seconds)"])
        #endif
    }

    #if os(Linux)
        /// Starts a program in a session of its own, without this process's files: the launcher waits until nobody holds its pipes.
        private static func spawn(_ arguments: [String]) {
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
            posix_spawn_file_actions_init(&actions)
            posix_spawnattr_init(&attributes)
            for descriptor in STDIN_FILENO...STDERR_FILENO {
                posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
            }
            // A descriptor that is closed in between is no error.
            let open = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap { Int32($0) }
            for descriptor in open where descriptor > STDERR_FILENO { posix_spawn_file_actions_addclose(&actions, descriptor) }
            posix_spawnattr_setflags(&attributes, newSession)
            var pointers = arguments.map { strdup($0) } + [nil]
            var process = pid_t()
            _ = posix_spawn(&process, arguments[0], &actions, &attributes, &pointers, environ)
            pointers.forEach { free($0) }
        }

        /// POSIX_SPAWN_SETSID of <spawn.h>.
        private static let newSession: Int16 = 0x80
    #endif
}
