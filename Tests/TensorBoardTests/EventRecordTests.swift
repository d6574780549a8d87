import Foundation
import TestSupport
import XCTest

@testable import TensorBoard

final class EventRecordTests: XCTestCase {
    /// The examples of RFC 3720, appendix B.4, and the usual check value.
    func testTheChecksumHasThePublishedValues() {
        XCTAssertEqual(CRC32C.value(of: [UInt8](repeating: 0, count: 32)), 0x8A91_36AA)
        XCTAssertEqual(CRC32C.value(of: [UInt8](repeating: 0xFF, count: 32)), 0x62A8_AB43)
        XCTAssertEqual(CRC32C.value(of: 0..<32), 0x46DD_794E)
        XCTAssertEqual(CRC32C.value(of: (0..<32).reversed()), 0x113F_DB5C)
        XCTAssertEqual(CRC32C.value(of: Array("123456789".utf8)), 0xE306_9283)
        XCTAssertEqual(CRC32C.value(of: []), 0)
    }

    /// As TensorFlow's crc32c.h: rotated right by 15 bits, plus 0xA282EAD8.
    func testTheMaskIsThatOfTFRecord() {
        XCTAssertEqual(CRC32C.masked(of: []), 0xA282_EAD8)
        XCTAssertEqual(CRC32C.masked(of: Array("123456789".utf8)), (0xE306_9283 >> 15 | 0xE306_9283 << 17) &+ 0xA282_EAD8)
    }

    /// Written by tensorboard's RecordWriter 2.20 for the message "abc".
    func testARecordHasLengthMessageAndTheirChecksums() {
        let record = EventRecord.framed(Data("abc".utf8))
        XCTAssertEqual(record.count, 8 + 4 + 3 + 4)
        XCTAssertEqual(record.prefix(8), Data([3, 0, 0, 0, 0, 0, 0, 0]))
        XCTAssertEqual(record.map { String(format: "%02x", $0) }.joined(), Self.recordOfABC)
    }

    private static let recordOfABC = "0300000000000000b099490e6162636e57f121"

    func testEqualEventsHaveEqualBytes() throws {
        // Maps have no order of their own.
        func record() throws -> Data {
            try EventRecord.data(
                .with { event in
                    event.summary = .with {
                        $0.value = [
                            .with {
                                $0.tag = "a"
                                $0.simpleValue = 0
                            }
                        ]
                    }
                })
        }
        XCTAssertEqual(try record(), try record())
        let value = try XCTUnwrap(try EventFiles.events(try record()).first?.summary.value.first)
        XCTAssertEqual(value.value, .simpleValue(0), "0 is a value, and not an absent one")
    }
}
