/// CRC-32C (Castagnoli), the checksum of the records in an event file. Everything else in this project uses zlib's CRC-32.
enum CRC32C {
    /// The polynomial 0x1EDC6F41 with its bits reversed.
    private static let polynomial: UInt32 = 0x82F6_3B78

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1 }
    }

    /// The checksum of some bytes.
    static func value(of bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { value, byte in table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] ^ value >> 8 }
    }

    /// The checksum as TFRecord stores it: rotated, with a constant added. The checksum of bytes that contain their own checksum would be
    /// the same for all bytes.
    static func masked(of bytes: some Sequence<UInt8>) -> UInt32 {
        let value = value(of: bytes)
        return (value >> 15 | value << 17) &+ 0xA282_EAD8
    }
}
