import XCTest

@testable import Communication

/// Runs the messages of all ranks one after another, without threads and without MPI.
final class SumScheduleTests: XCTestCase {
    /// Placements of ranks on hosts: one host, one rank on each, several on each, uneven ones, ranks in turn on the hosts.
    private let placements = [
        [0], [0, 0], [0, 1], [0, 1, 2], [0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1], [0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 1],
        [0, 0, 1, 1, 2, 2, 3, 3], [7, 3, 7, 3, 5, 5],
    ]

    private func schedules(
        _ count: Int, _ hosts: [Int], usesHosts: Bool = true, format: TransferFormat = .float32
    ) -> [SumSchedule] {
        hosts.indices.map { SumSchedule(count: count, rank: $0, hosts: hosts, usesHosts: usesHosts, format: format) }
    }

    /// The values of all ranks after the messages.
    private func run(_ schedules: [SumSchedule], _ values: [[Float]]) -> [[Float]] {
        var values = values
        let steps = schedules.map(\.steps.count).max() ?? 0
        for index in 0..<steps {
            for (rank, schedule) in schedules.enumerated() where index < schedule.steps.count {
                let step = schedule.steps[index]
                guard step.format == .bfloat16 else { continue }
                for element in step.sent { values[rank][element] = BFloat16.float(BFloat16.rounded(values[rank][element])) }
            }
            let sent = values
            for (rank, schedule) in schedules.enumerated() where index < schedule.steps.count {
                let step = schedule.steps[index]
                let other = schedules[step.sender].steps[index]
                XCTAssertEqual(other.receiver, rank, "the sender of a message names its receiver")
                XCTAssertEqual(other.format, step.format, "both ends of a message agree on its format")
                XCTAssertEqual(other.sent, step.received, "both ends of a message agree on its elements")
                XCTAssertTrue(step.sent.isEmpty || !step.sent.overlaps(step.received), "a step does not change what it sends")
                for element in step.received {
                    values[rank][element] = (step.adds ? values[rank][element] : 0) + sent[step.sender][element]
                }
            }
        }
        return values
    }

    func testEveryRankHasTheSumsAndTheSameBits() {
        for hosts in placements {
            for count in [0, 1, 2, 5, 16, 97] {
                for usesHosts in [true, false] {
                    let values = hosts.indices.map { rank in (0..<count).map { Float(sin(Double($0 * 7 + rank))) * powf(10, Float(rank)) } }
                    let sums = run(schedules(count, hosts, usesHosts: usesHosts), values)
                    for sum in sums { XCTAssertEqual(sum, sums[0], "\(hosts), \(count) elements") }
                    for element in 0..<count {
                        let exact = values.reduce(0.0) { $0 + Double($1[element]) }
                        let size = values.reduce(0.0) { $0 + Double(abs($1[element])) }
                        XCTAssertEqual(Double(sums[0][element]), exact, accuracy: 1e-6 * size, "\(hosts), element \(element) of \(count)")
                    }
                }
            }
        }
    }

    func testTwoRanksAddAsAnyOtherAlgorithmDoes() {
        let values: [[Float]] = [[0.1, 1e8, -3], [0.2, 1, 1e-9]]
        XCTAssertEqual(run(schedules(3, [0, 1]), values)[0], zip(values[0], values[1]).map(+))
    }

    func testARankSendsTheLeastThatIsPossible() {
        for hosts in placements where hosts.count > 1 {
            let ranks = hosts.count
            for schedule in schedules(ranks * 100, hosts, usesHosts: false) {
                XCTAssertEqual(schedule.steps.reduce(0) { $0 + $1.sent.count }, 2 * (ranks - 1) * 100, "\(hosts)")
            }
        }
    }

    /// Each number is rounded once before the sum and once after it, however many ranks there are.
    func testSumsOfRoundedNumbersAreRoundedOnceMore() {
        for hosts in placements where hosts.count > 1 {
            for count in [1, 5, 97] {
                let values = hosts.indices.map { rank in (0..<count).map { Float(cos(Double($0 * 5 + rank * 3))) } }
                let sums = run(schedules(count, hosts, format: .bfloat16), values)
                for sum in sums { XCTAssertEqual(sum, sums[0], "\(hosts), \(count) elements") }
                for element in 0..<count {
                    let exact = values.reduce(0.0) { $0 + Double($1[element]) }
                    let size = values.reduce(0.0) { $0 + Double(abs($1[element])) }
                    let allowed = (size + abs(exact)) / 256 + 1e-6 * size
                    XCTAssertEqual(Double(sums[0][element]), exact, accuracy: allowed * 1.01, "\(hosts), element \(element) of \(count)")
                }
            }
        }
    }

    func testRoundedNumbersNeedHalfTheBytesBetweenHosts() {
        func bytes(_ hosts: [Int], _ format: TransferFormat) -> Int {
            schedules(3600, hosts, format: format).enumerated().reduce(0) { sum, schedule in
                sum
                    + schedule.element.steps.filter { hosts[$0.receiver] != hosts[schedule.offset] }
                    .reduce(0) { $0 + $1.sent.count * $1.format.bytes }
            }
        }
        for hosts in [[0, 1], [0, 1, 2, 3], [0, 0, 1, 1], [0, 0, 0, 1, 1, 1, 2, 2, 2]] {
            XCTAssertEqual(2 * bytes(hosts, .bfloat16), bytes(hosts, .float32), "\(hosts)")
        }
        let inside = schedules(100, [0, 0, 1, 1], format: .bfloat16)[0].steps.filter { $0.receiver == 1 }
        XCTAssertFalse(inside.isEmpty)
        XCTAssertTrue(inside.allSatisfy { $0.format == .float32 }, "the sums inside a host are not rounded")
    }

    func testRoundingIsToTheNearestNumberAndKeepsWhatIsNotFinite() {
        func rounded(_ value: Float) -> Float { BFloat16.float(BFloat16.rounded(value)) }
        let largest = Float(bitPattern: 0x7F7F_0000)
        for value in [0, -0.0, 1, -2.5, 1.0078125, largest, .infinity, -.infinity] { XCTAssertEqual(rounded(value), value) }
        XCTAssertEqual(rounded(-0.0).sign, .minus)
        XCTAssertEqual(rounded(1 + 1 / 256), 1, "the even one of two that are equally near")
        XCTAssertEqual(rounded(1 + 3 / 256), 1 + 4 / 256)
        XCTAssertEqual(rounded((1 + 1 / 256 as Float).nextUp), 1 + 2 / 256)
        XCTAssertEqual(rounded(.greatestFiniteMagnitude), .infinity)
        for bits: UInt32 in [0x7FC0_0000, 0x7F80_0001, 0xFFFF_FFFF, 0x7FFF_FFFF] {
            XCTAssertTrue(rounded(Float(bitPattern: bits)).isNaN, "\(bits)")
        }
    }

    func testRanksOfAHostSumFirstSoThatTheHostSendsLess() {
        /// Elements that the ranks of host 0 send to others.
        func leaving(_ hosts: [Int], usesHosts: Bool) -> Int {
            schedules(2700, hosts, usesHosts: usesHosts).enumerated().filter { hosts[$0.offset] == 0 }.reduce(0) { sum, schedule in
                sum + schedule.element.steps.filter { hosts[$0.receiver] != 0 }.reduce(0) { $0 + $1.sent.count }
            }
        }
        // 2 (H − 1) / H of the vector for H hosts; 2 (P − 1) / P along one ring of P ranks.
        XCTAssertEqual(leaving([0, 0, 1, 1], usesHosts: true), 2700)
        XCTAssertEqual(leaving([0, 0, 1, 1], usesHosts: false), 4050)
        XCTAssertEqual(leaving([0, 1, 0, 1], usesHosts: false), 4050, "ranks of a host are neighbours, whatever their numbers")
        XCTAssertEqual(leaving([0, 0, 0, 1, 1, 1, 2, 2, 2], usesHosts: true), 3600)
        XCTAssertEqual(leaving([0, 0, 1], usesHosts: true), 3600, "hosts with different numbers of ranks form one ring")
    }
}
