import Foundation
import FuzzTargets

/// Runs one target on files, or, in a build of launch/fuzz, with libFuzzer's mutations.
///
///     drnet-fuzz TARGET --seeds FOLDER          writes the target's seeds
///     drnet-fuzz TARGET FILE…                   runs the target on files
///     drnet-fuzz TARGET FOLDER -max_total_time=60   with libFuzzer: its options
@main
enum DRNetFuzz {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 2, let target = FuzzTarget.named(arguments[1]) else {
            fail("give a target (\(FuzzTarget.all.map(\.name).joined(separator: ", "))) and files, or --seeds and a folder")
        }
        if arguments[2] == "--seeds", arguments.count == 4 {
            for (index, seed) in try target.seeds().enumerated() {
                try Data(seed).write(to: URL(fileURLWithPath: "\(arguments[3])/seed-\(index)"))
            }
            return
        }
        #if FUZZER
            LibFuzzer.run(target, [arguments[0]] + arguments.dropFirst(2))
        #else
            for path in arguments.dropFirst(2) {
                guard let data = FileManager.default.contents(atPath: path) else { fail("\(path) cannot be read") }
                target.run([UInt8](data))
            }
        #endif
    }

    private static func fail(_ message: String) -> Never {
        FileHandle.standardError.write(Data("drnet-fuzz: \(message)\n".utf8))
        exit(64)
    }
}

#if FUZZER
    @_silgen_name("LLVMFuzzerRunDriver")
    private func runDriver(
        _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
        _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
    ) -> Int32

    /// libFuzzer of the compiler's runtime.
    private enum LibFuzzer {
        nonisolated(unsafe) static var target: FuzzTarget?

        static func run(_ target: FuzzTarget, _ arguments: [String]) {
            self.target = target
            var count = Int32(arguments.count)
            // libFuzzer keeps the pointers.
            let copies = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 1)
            for (index, argument) in arguments.enumerated() { copies[index] = strdup(argument) }
            copies[arguments.count] = nil
            var pointer = copies
            exit(
                runDriver(&count, &pointer) { bytes, count in
                    LibFuzzer.target?.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
                    return 0
                })
        }
    }
#endif
