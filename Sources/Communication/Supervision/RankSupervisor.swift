import Console
import Foundation

/// What the watchdog's thread does: it sends this rank's state, receives the states of the others, and ends the job if a rank is late.
///
/// Only that thread uses it.
final class RankSupervisor {
    private let watchdog: Watchdog
    private let channel: SideChannel?
    private let hosts: [String]
    private var table: RankTable
    private var clock = RunningClock()
    private var lastBeat = -1.0
    /// Where the next round of heartbeats begins. A job of many ranks does not send to all of them in each round.
    private var nextPeer = 0
    private var mates: [Int: RankCondition] = [:]
    /// When this rank found its own verdict; nil before.
    private var verdictAt: Double?

    /// Heartbeats of one round.
    private static let peersPerRound = 64
    /// Seconds in which another rank must report a verdict. After that, this rank reports it.
    private static let reportSeconds = 2.0

    init(_ watchdog: Watchdog, _ channel: SideChannel?, hosts: [String]) {
        self.watchdog = watchdog
        self.channel = channel
        self.hosts = hosts
        table = RankTable(rank: watchdog.rank, rankCount: watchdog.rankCount)
        // The others learn at once where this rank is.
        hearOwn()
        beat()
    }

    /// Seconds between heartbeats, and between looks at the table.
    private func interval(_ limits: WatchdogLimits) -> Double {
        limits.seconds > 0 ? min(max(limits.seconds / 20, 0.05), 1) : 1
    }

    /// Waits for messages for a short time, then looks at everything once.
    func look() {
        let limits = watchdog.limits
        let interval = interval(limits)
        // With a short limit, a missing heartbeat is noticed before the limit is over.
        table.silenceSeconds = limits.seconds > 0 ? max(4 * interval, min(5, limits.seconds / 2)) : 5
        if let channel { channel.wait(seconds: interval) } else { Thread.sleep(forTimeInterval: interval) }
        clock.look(at: DispatchTime.now().uptimeNanoseconds, longest: interval + 0.5)
        // The lists of this host come before the messages, because a message can need an answer.
        let isDue = clock.seconds - lastBeat >= interval
        if isDue { lookAtMates() }
        hearOwn()
        receive()
        if isDue {
            lastBeat = clock.seconds
            beat()
        }
        guard verdictAt == nil, let ranks = table.verdict(at: clock.seconds, limits) else { return }
        end(ranks, limits)
    }

    /// Tells the others that this rank has left, and closes the channel.
    func close() { channel?.close() }

    private func hearOwn() {
        var state = watchdog.state
        state.processorSeconds = ProcessState.processorSeconds
        table.hear(state, of: watchdog.rank, at: clock.seconds)
    }

    private func lookAtMates() {
        guard let channel else { return }
        mates = [:]
        for (rank, process) in channel.mates {
            let condition = ProcessState.condition(of: process)
            table.report(condition, of: rank)
            if condition != .alive { mates[rank] = condition }
        }
    }

    // MARK: - Messages

    private func heartbeat(verdict: [Int]? = nil, isReported: Bool = false) -> Heartbeat {
        Heartbeat(
            job: channel?.job ?? 0, rank: watchdog.rank, state: table.entries[watchdog.rank].state, mates: mates, verdict: verdict,
            isReported: isReported)
    }

    private func beat() {
        guard let channel else { return }
        let count = min(Self.peersPerRound, watchdog.rankCount)
        channel.send(heartbeat(), to: (0..<count).map { (nextPeer + $0) % watchdog.rankCount })
        nextPeer = (nextPeer + count) % watchdog.rankCount
    }

    private func receive() {
        guard let channel else { return }
        for message in channel.receive() {
            table.hear(message.state, of: message.rank, at: clock.seconds)
            for (rank, condition) in message.mates where !channel.isMate(rank) { table.report(condition, of: rank) }
            // A rank of another host that is heard again lives.
            if !channel.isMate(message.rank) { table.report(.alive, of: message.rank) }
            if let verdict = message.verdict { take(verdict, isReported: message.isReported) }
        }
        for (rank, condition) in channel.failures() where !channel.isMate(rank) { table.report(condition, of: rank) }
    }

    // MARK: - The end of the job

    /// A verdict of another rank: it waits in vain, and asks the lowest living rank to report it.
    private func take(_ ranks: [Int], isReported: Bool) {
        if isReported {
            finish(ranks, isReporter: false)
        } else if table.reporter(of: ranks, at: clock.seconds) == watchdog.rank, !ranks.contains(watchdog.rank) {
            finish(ranks, isReporter: true)
        }
    }

    /// This rank has waited too long. The lowest living rank reports it, so that there is one message for the job.
    private func end(_ ranks: [Int], _ limits: WatchdogLimits) {
        verdictAt = clock.seconds
        guard let channel, table.reporter(of: ranks, at: clock.seconds) != watchdog.rank else { finish(ranks, isReporter: true) }
        let start = clock.seconds
        while clock.seconds - start < Self.reportSeconds {
            channel.send(heartbeat(verdict: ranks), to: Array(0..<watchdog.rankCount))
            channel.wait(seconds: 0.1)
            clock.look(at: DispatchTime.now().uptimeNanoseconds, longest: 0.6)
            receive()
        }
        finish(ranks, isReporter: true)
    }

    private func finish(_ ranks: [Int], isReporter: Bool) -> Never {
        let message = Verdict(table: table, hosts: hosts, ranks: ranks, now: clock.seconds).message
        CrashRecord.write(.timeout, message)
        if isReporter {
            Console.error(message)
            channel?.send(heartbeat(verdict: ranks, isReported: true), to: Array(0..<watchdog.rankCount))
        } else {
            // The reporter ends the job. This rank ends by itself only if that fails.
            Thread.sleep(forTimeInterval: 1)
        }
        watchdog.endJob()
    }
}
