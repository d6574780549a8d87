import Foundation
import SwiftProtobuf

/// The bytes of an event in an event file.
///
/// A record of TFRecord is: the length (8 bytes), the masked CRC-32C of these 8 bytes (4), the message, and its masked CRC-32C (4). All
/// numbers are little-endian.
enum EventRecord {
    /// The record of an event. Equal events have equal bytes.
    static func data(_ event: TBEvent) throws -> Data {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        return framed(try event.serializedBytes(options: options))
    }

    /// The record of a message.
    static func framed(_ message: Data) -> Data {
        let length = bytes(UInt64(message.count))
        return length + bytes(CRC32C.masked(of: length)) + message + bytes(CRC32C.masked(of: message))
    }

    private static func bytes(_ number: some FixedWidthInteger) -> Data { withUnsafeBytes(of: number.littleEndian) { Data($0) } }
}
