import FuzzTargets
import Randomness
import XCTest

/// Every parser of foreign bytes on its seeds, on seeded mutations of them, and on inputs that `launch/fuzz` has found.
final class FuzzTargetTests: XCTestCase {
    /// Mutations of each target. launch/fuzz runs many more, guided by coverage.
    private let mutations = 400

    func testNoInputEndsTheProcess() throws {
        for target in FuzzTarget.all {
            let seeds = try target.seeds()
            XCTAssertFalse(seeds.isEmpty, target.name)
            seeds.forEach(target.run)
            target.run([])
            for index in 0..<mutations {
                var random = CounterRandom(seed: 1, purpose: .initialization, step: 0, sample: index)
                target.run(mutated(seeds[index % seeds.count], &random))
            }
        }
    }

    /// Changes, removes or repeats a few bytes.
    private func mutated(_ seed: [UInt8], _ random: inout CounterRandom) -> [UInt8] {
        var bytes = seed
        for _ in 0..<1 + random.integer(below: 6) {
            guard !bytes.isEmpty else { break }
            func position() -> Int { random.integer(below: bytes.count) }
            let place = position()
            switch random.integer(below: 5) {
            case 0: bytes[place] = UInt8(random.integer(below: 256))
            case 1: bytes[place] ^= 1 << UInt8(random.integer(below: 8))
            case 2: bytes.removeSubrange(place..<min(place + 1 + random.integer(below: 8), bytes.count))
            case 3: bytes.insert(contentsOf: bytes[place..<min(place + 1 + random.integer(below: 16), bytes.count)], at: position())
            default: bytes = Array(bytes.prefix(place))
            }
        }
        return bytes
    }
}
