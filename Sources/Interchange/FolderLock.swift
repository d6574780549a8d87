import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The right to write into a folder. At most one process at a time has it, also on a network file system.
///
/// The lock is a file that is created with O_EXCL, which NFS supports. It names the host, the process and the start. While the lock is
/// held, a thread sets the file's modification time every few seconds: the heartbeat. The lock of a killed process is recognised: on the
/// same host because the process is gone, on another host because the heartbeat stops. An age is the difference of two times of the same
/// file system, so the hosts' clocks can differ.
public final class FolderLock: Sendable {
    /// Seconds between heartbeats, and the age from which a lock of another host counts as left behind.
    struct Timing: Sendable {
        var heartbeat = 10.0
        var expiry = 90.0
    }

    private let path: String
    private let descriptor: Int32
    private let timing: Timing
    private let isEnded = Atomic(false)
    private let isLost = Atomic(false)

    /// Takes the lock of a folder.
    ///
    /// If another host holds the lock, this waits until the next heartbeat proves that its process lives, or until the lock expires.
    ///
    /// - Parameters:
    ///   - folder: an existing folder. The file in it is lock.json.
    ///   - note: receives a sentence if the lock was left behind, or if this has to wait.
    /// - Throws: `FolderLockError` if another process holds the lock; `InterchangeError` if the file cannot be created.
    public convenience init(folder: String, note: (String) -> Void) throws {
        try self.init(folder: folder, owner: .current(), timing: Timing(), note: note)
    }

    init(folder: String, owner: LockOwner, timing: Timing, note: (String) -> Void) throws {
        path = folder + "/lock.json"
        self.timing = timing
        descriptor = try Self.acquire(path, owner, timing, note)
        let thread = Thread { [weak self] in
            while let self, !self.isEnded.load(ordering: .relaxed) { self.beat() }
        }
        thread.name = "lock heartbeat"
        thread.start()
    }

    deinit { close(descriptor) }

    /// Writes the owner's names into the lock once more. On a full disk, `init` creates the lock without them.
    public func describeOwner() { Self.write(.current(), to: descriptor) }

    /// - Throws: `FolderLockError.lost` if another process took the lock over. This process must not write to the folder any more.
    public func requireHeld() throws {
        if isLost.load(ordering: .relaxed) || !isOwn() { throw FolderLockError.lost(path: path) }
    }

    /// The same without a system call: it knows what the last heartbeat found.
    public func requireHeldQuickly() throws {
        if isLost.load(ordering: .relaxed) { throw FolderLockError.lost(path: path) }
    }

    /// Gives the lock back.
    public func release() {
        isEnded.store(true, ordering: .relaxed)
        if !isLost.load(ordering: .relaxed), isOwn() { unlink(path) }
    }

    // MARK: - Heartbeat

    private func beat() {
        futimens(descriptor, nil)
        if !isOwn() { isLost.store(true, ordering: .relaxed) }
        let end = DispatchTime.now().uptimeNanoseconds + UInt64(timing.heartbeat * 1e9)
        while DispatchTime.now().uptimeNanoseconds < end, !isEnded.load(ordering: .relaxed) {
            Thread.sleep(forTimeInterval: min(0.2, timing.heartbeat))
        }
    }

    /// Whether the file with the lock's name is the one that this object created. If the system cannot tell, the lock counts as held.
    private func isOwn() -> Bool {
        var (named, opened) = (stat(), stat())
        guard stat(path, &named) == 0 else { return errno != ENOENT }
        return fstat(descriptor, &opened) != 0 || named.st_ino == opened.st_ino
    }

    // MARK: - Taking the lock

    private static func acquire(_ path: String, _ owner: LockOwner, _ timing: Timing, _ note: (String) -> Void) throws -> Int32 {
        for _ in 0..<10 {
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            if descriptor >= 0 {
                write(owner, to: descriptor)
                return descriptor
            }
            guard errno == EEXIST else { throw DurableFile.failure(path, "create the lock") }
            guard var held = try HeldLock(path) else { continue }
            if held.owner == nil {
                // Its process may be about to write its name.
                Thread.sleep(forTimeInterval: 0.3)
                guard let again = try HeldLock(path) else { continue }
                held = again
            }
            try wait(for: held, owner, timing, note)
            note("\(path) was left behind by \(held.description), which is gone: it is replaced")
            try takeAway(held)
        }
        throw FolderLockError.held(path: path, by: "processes that come and go")
    }

    /// Returns when the holder of a lock is proved to be gone.
    ///
    /// - Throws: `FolderLockError.held` if it lives.
    private static func wait(for held: HeldLock, _ owner: LockOwner, _ timing: Timing, _ note: (String) -> Void) throws {
        let error = FolderLockError.held(path: held.path, by: held.description)
        if let holder = held.owner, holder.host == owner.host {
            if let lives = holder.lives(seenFrom: owner) {
                if lives { throw error }
                return
            }
        }
        let remaining = timing.expiry - (try held.age())
        guard remaining > 0 else { return }
        note("\(held.path) belongs to \(held.description): waiting up to \(Int(remaining.rounded(.up))) s to see whether it still runs")
        let end = Date().addingTimeInterval(remaining)
        while Date() < end {
            Thread.sleep(forTimeInterval: min(1, timing.heartbeat / 2))
            guard let now = try HeldLock(held.path) else { return }
            guard now.inode == held.inode, now.modified == held.modified else { throw error }
        }
    }

    /// Removes a lock that was left behind. If another process replaced it in the meantime, the new lock stays.
    private static func takeAway(_ held: HeldLock) throws {
        let aside = "\(held.path).\(getpid()).tmp"
        guard rename(held.path, aside) == 0 else {
            if errno == ENOENT { return }
            throw DurableFile.failure(held.path, "remove the lock")
        }
        if let moved = try HeldLock(aside), moved.inode != held.inode {
            link(aside, held.path)
            unlink(aside)
            throw FolderLockError.held(path: held.path, by: moved.description)
        }
        unlink(aside)
    }

    /// Overwrites the contents of a lock. It is no error if that fails: the lock is the file itself.
    private static func write(_ owner: LockOwner, to descriptor: Int32) {
        guard let data = try? JSON.encode(owner, .indented) else { return }
        data.withUnsafeBytes { _ = pwrite(descriptor, $0.baseAddress!, $0.count, 0) }
    }
}

/// A lock that some process created.
private struct HeldLock {
    let path: String
    let inode: UInt64
    let modified: Double
    /// Nil if the file is empty or cannot be parsed: its process was killed, or the disk was full.
    let owner: LockOwner?

    /// Nil if there is no lock.
    init?(_ path: String) throws {
        self.path = path
        // Opening makes an NFS client ask the server for the file's current attributes.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw DurableFile.failure(path, "read the lock")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw DurableFile.failure(path, "read the lock") }
        inode = UInt64(status.st_ino)
        modified = status.modificationTime
        owner = try? JSON.read(LockOwner.self, from: path)
    }

    var description: String { owner?.description ?? "a process that did not write its name" }

    /// Seconds since the last heartbeat, by the clock of the file system: the time of a file that is created now is the current time.
    func age() throws -> Double {
        let probe = "\(path).\(getpid()).tmp"
        let descriptor = open(probe, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw DurableFile.failure(probe, "create the file") }
        defer {
            close(descriptor)
            unlink(probe)
        }
        futimens(descriptor, nil)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw DurableFile.failure(probe, "look at the file") }
        return status.modificationTime - modified
    }
}

extension stat {
    /// Seconds since 1970.
    fileprivate var modificationTime: Double {
        #if canImport(Glibc)
            return Double(st_mtim.tv_sec) + Double(st_mtim.tv_nsec) / 1e9
        #else
            return Double(st_mtimespec.tv_sec) + Double(st_mtimespec.tv_nsec) / 1e9
        #endif
    }
}

/// Another process writes to the folder.
public enum FolderLockError: Error, Equatable, CustomStringConvertible {
    /// The process lives.
    case held(path: String, by: String)
    /// The process took the lock over, because this one looked dead: it was suspended, or its file system did not answer.
    case lost(path: String)

    public var description: String {
        switch self {
        case .held(let path, let holder):
            return "\(path): another job trains in this folder: \(holder). Wait for it or stop it, or choose another folder with "
                + "--run-folder. If you are sure that it is gone, remove \(path)"
        case .lost(let path):
            return "\(path): another job took this folder over while this one was suspended or could not reach it. This job stops "
                + "without writing"
        }
    }
}
