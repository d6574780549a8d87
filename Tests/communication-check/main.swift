import Communication
import Foundation

// Tests start this program as a rank of a real MPI job: `communication-check MODE`. It prints its results, and the tests check them.
let mode = CommandLine.arguments.dropFirst().first ?? ""
let communicator: Communicator =
    mode == "stuck-serialized"
    ? try MPICommunicator(timeoutSeconds: 1, threadSupport: .serialized)
    : try ProcessEnvironment.makeCommunicator(timeoutSeconds: mode == "stuck" ? 1 : 60)
communicator.context = "step 17"

/// Returns numbers whose sum depends on the order of the additions.
func awkward(_ count: Int, rank: Int) -> [Float] {
    (0..<count).map { index in
        let mantissa = Float(sin(Double(index * 7 + rank * 13)))
        return mantissa * powf(10, Float((index + rank) % 7))
    }
}

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
case "broadcast":
    let data = try communicator.broadcast(
        Data((communicator.rank == 0 ? "from the root" : "ignored, and longer than it").utf8), root: 0, label: "text")
    let all = try communicator.allGatherStrings(
        String(repeating: "x", count: communicator.rank) + String(decoding: data, as: UTF8.self), label: "texts")
    if communicator.rank == 0 { print(all.joined(separator: "|")) }
case "stuck", "stuck-serialized":
    if communicator.rank == 1 { Thread.sleep(forTimeInterval: 60) }
    try communicator.barrier(label: "the meeting")
case "dying":
    if communicator.rank == 1 { kill(getpid(), SIGKILL) }
    try communicator.barrier(label: "the meeting")
case "cores":
    let map = try CoreMap.gather(communicator)
    if communicator.rank == 0 { print((map.lines + [map.oversubscriptionWarning ?? "no warning"]).joined(separator: "\n")) }
default:
    print("modes: sums, broadcast, stuck, stuck-serialized, dying, cores")
    exit(64)
}
try communicator.finalize()
