import Communication
import Foundation

// Tests start this program as a rank of a real MPI job: `communication-check MODE [FOLDER]`. It prints its results, and the tests check
// them.
let mode = CommandLine.arguments.dropFirst().first ?? ""
let environment = ProcessInfo.processInfo.environment
if mode == "stopped-at-start", environment["OMPI_COMM_WORLD_RANK"] == "1" { kill(getpid(), SIGSTOP) }
let timeout = environment["TEST_TIMEOUT"].flatMap { Double($0) } ?? 60
let communicator: Communicator =
    mode == "stuck-serialized"
    ? try MPICommunicator(timeoutSeconds: timeout, threadSupport: .serialized)
    : try ProcessEnvironment.makeCommunicator(timeoutSeconds: timeout)
communicator.context = "step 17"
communicator.phase = .computing
communicator.saveTimeoutSeconds = environment["TEST_SAVE_TIMEOUT"].flatMap { Double($0) } ?? 60

switch mode {
case "sums":
    for count in [0, 1, 7, 1000, 300_001] {
        var whole = (0..<count).map { Double($0 % 100 + communicator.rank) }
        try communicator.allReduceSum(&whole, label: "whole numbers")
        let ranks = communicator.rankCount
        let isRight = whole.enumerated().allSatisfy { $1 == Double($0 % 100 * ranks + ranks * (ranks - 1) / 2) }
        var values = awkward(count, rank: communicator.rank)
        try communicator.allReduceSum(&values, label: "awkward numbers")
        let bits = values.reduce(UInt64(7)) { ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01B3 }
        let all = try communicator.allGatherStrings("\(bits)", label: "bits")
        if communicator.rank == 0 { print("sums \(count) \(isRight) \(Set(all).count == 1) \(bits)") }
    }
case "background", "ring":
    try communicator.prepareSums(mode == "ring" ? .ring : .hosts, format: checkedFormat)
    try checkBackgroundSums(communicator)
case "bandwidth":
    try measureSums(communicator, megabytes: CommandLine.arguments.dropFirst(2).compactMap { Double($0) })
case "broadcast":
    let data = try communicator.broadcast(
        Data((communicator.rank == 0 ? "from the root" : "ignored, and longer than it").utf8), root: 0, label: "text")
    let all = try communicator.allGatherStrings(
        String(repeating: "x", count: communicator.rank) + String(decoding: data, as: UTF8.self), label: "texts")
    if communicator.rank == 0 { print(all.joined(separator: "|")) }
case "exchange":
    // Rank a sends a + b values to rank b, and none to rank 0: the parts differ, and some are empty.
    let ranks = communicator.rankCount
    for scale in [1, 100_000] {
        let counts = (0..<ranks).map { $0 == 0 ? 0 : scale * ($0 + communicator.rank) }
        let receivedCounts = (0..<ranks).map { communicator.rank == 0 ? 0 : scale * (communicator.rank + $0) }
        let values = counts.enumerated().flatMap { receiver, count in
            (0..<count).map { Float(100 * communicator.rank + 10 * receiver + $0 % 7) }
        }
        var received = [Float](repeating: -1, count: receivedCounts.reduce(0, +))
        try values.withUnsafeBufferPointer { values in
            try received.withUnsafeMutableBufferPointer {
                try communicator.allToAll(values, counts: counts, into: $0, counts: receivedCounts, label: "parts")
            }
        }
        let expected = receivedCounts.enumerated().flatMap { sender, count in
            (0..<count).map { Float(100 * sender + 10 * communicator.rank + $0 % 7) }
        }
        let all = try communicator.allGatherStrings("\(received == expected)", label: "results")
        if communicator.rank == 0 { print(all.joined(separator: " ")) }
    }
case "stuck", "stuck-serialized":
    if communicator.rank == 1 { Thread.sleep(forTimeInterval: 60) }
    try communicator.barrier(label: "the meeting")
case "busy":
    if communicator.rank == 1 {
        let end = Date().addingTimeInterval(60)
        while Date() < end {}
    }
    try communicator.barrier(label: "the meeting")
case "stopped":
    if communicator.rank == 1 { kill(getpid(), SIGSTOP) }
    try communicator.barrier(label: "the meeting")
case "saving", "evaluating":
    // Rank 1 takes four seconds, with or without signs of progress.
    if communicator.rank == 1 {
        communicator.during(mode == "saving" ? .saving : .evaluating) {
            for _ in 0..<20 {
                Thread.sleep(forTimeInterval: 0.2)
                if mode == "evaluating" { communicator.reportProgress() }
            }
        }
    }
    try communicator.barrier(label: "the meeting")
    if communicator.rank == 0 { print("met") }
case "meetings":
    // Meets for some seconds of the ranks' own time.
    if communicator.rank == 0 { print("began") }
    for _ in 0..<80 {
        Thread.sleep(forTimeInterval: 0.05)
        try communicator.barrier(label: "the meeting")
    }
    if communicator.rank == 0 { print("met") }
case "stopped-at-start":
    try communicator.barrier(label: "the meeting")
case "stuck-at-the-end":
    try communicator.barrier(label: "the meeting")
    if communicator.rank == 1 { Thread.sleep(forTimeInterval: 60) }
case "crash":
    CrashRecord.prepare(folder: CommandLine.arguments[2], communicator, version: "1.2.3")
    communicator.context = "step 18 (a \"stage\")"
    try communicator.barrier(label: "the meeting")
    if communicator.rank == 1 {
        let signals = ["SIGSEGV": SIGSEGV, "SIGBUS": SIGBUS, "SIGILL": SIGILL, "SIGABRT": SIGABRT, "SIGFPE": SIGFPE, "SIGTRAP": SIGTRAP]
        if let number = signals[environment["TEST_SIGNAL"] ?? ""] { raise(number) }
        fatalError("a failed check")
    }
    try communicator.barrier(label: "the meeting")
case "stuck-background":
    try communicator.prepareSums(.ring)
    if communicator.rank == 1 { Thread.sleep(forTimeInterval: 60) }
    var values = awkward(1000, rank: communicator.rank)
    try values.withUnsafeMutableBufferPointer {
        communicator.beginSum($0)
        try communicator.finishSums(label: "gradients")
    }
case "dying":
    if communicator.rank == 1 { kill(getpid(), SIGKILL) }
    try communicator.barrier(label: "the meeting")
case "cores":
    let map = try CoreMap.gather(communicator)
    if communicator.rank == 0 { print((map.lines + [map.oversubscriptionWarning ?? "no warning"]).joined(separator: "\n")) }
default:
    print("unknown mode '\(mode)'")
    exit(64)
}
try communicator.finalize()
