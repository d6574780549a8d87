import Foundation
import XCTest

@testable import Console

final class ConsoleStreamTests: XCTestCase {
    private func withPipe(_ body: (_ reading: Int32, _ writing: Int32) throws -> Void) rethrows {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        XCTAssertEqual(pipe(&ends), 0)
        defer { ends.forEach { close($0) } }
        try body(ends[0], ends[1])
    }

    private func read(_ descriptor: Int32, _ count: Int = 1 << 20) -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        let length = Foundation.read(descriptor, &bytes, count)
        return String(decoding: bytes.prefix(max(0, length)), as: UTF8.self)
    }

    func testMessagesAndResultsArriveInOrder() throws {
        try withPipe { reading, writing in
            let stream = ConsoleStream(writing)
            stream.offer("one\n")
            try stream.write("two\n")
            stream.offer("three\n")
            XCTAssertEqual(read(reading), "one\ntwo\nthree\n")
        }
    }

    /// A terminal after Ctrl-S, or a program that stopped reading.
    func testAReaderThatDoesNotReadDelaysOnceAndLearnsWhatWasLost() throws {
        withPipe { reading, writing in
            let stream = ConsoleStream(writing, patience: 200)
            let line = String(repeating: "x", count: 999) + "\n"
            let start = Date()
            for _ in 0..<200 { stream.offer(line) }
            let seconds = Date().timeIntervalSince(start)
            XCTAssertGreaterThan(seconds, 0.15, "the first line that does not fit waits")
            XCTAssertLessThan(seconds, 2, "the others do not")
            XCTAssertEqual(fcntl(writing, F_GETFL) & O_NONBLOCK, 0, "other processes that share the pipe still block")
            let first = read(reading)
            XCTAssertTrue(first.hasPrefix(line + line), "the beginning is intact")
            stream.offer("again\n")
            let lost = 200 - first.count / 1000
            XCTAssertEqual(read(reading), "\(first.hasSuffix("\n") ? "" : "\n")(\(lost) lines could not be written here)\nagain\n")
        }
    }

    func testAClosedPipeLosesMessagesAndRefusesResults() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        XCTAssertEqual(pipe(&ends), 0)
        close(ends[0])
        defer { close(ends[1]) }
        let stream = ConsoleStream(ends[1])
        stream.offer("lost\n")
        XCTAssertThrowsError(try stream.write("lost\n")) { XCTAssertTrue(($0 as? ConsoleError)?.isClosedPipe ?? false, "\($0)") }
    }

    func testAFullDiskLosesMessagesAndRefusesResults() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let stream = ConsoleStream(full)
        stream.offer("lost\n")
        XCTAssertThrowsError(try stream.write("lost\n")) {
            XCTAssertEqual("\($0)", "standard output cannot be written: No space left on device")
        }
    }

    func testAStreamThatWasClosedAtTheStartTakesNothing() throws {
        try withPipe { reading, writing in
            let stream = ConsoleStream(writing)
            stream.markAsClosed()
            stream.offer("lost\n")
            XCTAssertThrowsError(try stream.write("lost\n"))
            _ = fcntl(reading, F_SETFL, O_NONBLOCK)
            XCTAssertEqual(read(reading), "")
        }
    }
}
