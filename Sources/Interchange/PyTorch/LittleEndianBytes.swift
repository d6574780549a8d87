import Foundation

/// Unsigned little-endian numbers of foreign bytes. Each access is checked.
struct LittleEndianBytes {
    /// The first index is 0.
    let data: Data

    var count: Int { data.count }

    /// Returns the number in `size` bytes, at most 8.
    ///
    /// - Returns: nil if the bytes are not all there, or if the number is larger than `Int.max`.
    func number(at position: Int, size: Int) -> Int? {
        guard position >= 0, position <= data.count - size else { return nil }
        var number: UInt64 = 0
        for index in 0..<size { number |= UInt64(data[position + index]) << (8 * UInt64(index)) }
        return Int(exactly: number)
    }

    /// Returns `count` bytes as text.
    ///
    /// - Returns: nil if the bytes are not all there, or if they are not UTF-8.
    func text(at position: Int, count: Int) -> String? {
        guard position >= 0, count >= 0, position <= data.count - count else { return nil }
        return String(validating: data[position..<position + count], as: UTF8.self)
    }
}
