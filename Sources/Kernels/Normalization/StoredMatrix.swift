/// A matrix [pixels × channels] that a training pass writes and keeps for the backward pass: floats, or bfloat16 numbers, which take half
/// of the memory. Several threads write different parts of it concurrently.
public enum StoredMatrix {
    case float32(UnsafeMutablePointer<Float>)
    case bfloat16(UnsafeMutablePointer<BFloat16>)

    /// Bytes of a matrix of `count` numbers.
    public static func byteCount(_ count: Int, _ precision: Precision) -> Int {
        count * (precision == .float32 ? MemoryLayout<Float>.stride : MemoryLayout<BFloat16>.stride)
    }

    /// The matrix of this precision at `memory`.
    public init(_ memory: UnsafeMutableRawPointer, _ precision: Precision) {
        switch precision {
        case .float32: self = .float32(memory.assumingMemoryBound(to: Float.self))
        case .bfloat16: self = .bfloat16(memory.assumingMemoryBound(to: BFloat16.self))
        }
    }

    /// The numbers of a matrix of 32 bits.
    var floats: UnsafePointer<Float> {
        guard case .float32(let values) = self else { preconditionFailure("a matrix of 16 bits, and the other operands have 32") }
        return UnsafePointer(values)
    }

    /// The numbers of a matrix of 16 bits.
    var halves: UnsafePointer<BFloat16> {
        guard case .bfloat16(let values) = self else { preconditionFailure("a matrix of 32 bits, and the other operands have 16") }
        return UnsafePointer(values)
    }

    /// The rows from this one on.
    public func from(_ first: Int, channels: Int) -> StoredMatrix {
        switch self {
        case .float32(let values): return .float32(values + first * channels)
        case .bfloat16(let values): return .bfloat16(values + first * channels)
        }
    }

    /// target ← the numbers of `rows`, as floats.
    public func read(_ rows: Range<Int>, channels: Int, into target: UnsafeMutablePointer<Float>) {
        let (offset, count) = (rows.lowerBound &* channels, rows.count &* channels)
        switch self {
        case .float32(let values): target.update(from: values + offset, count: count)
        case .bfloat16(let values):
            let numbers = values + offset
            for index in 0..<count { target[index] = numbers[index].float }
        }
    }

    /// The numbers of `rows` and of some channels ← those of another matrix of this size. Does nothing if it is this matrix.
    public func write(_ rows: Range<Int>, _ part: Range<Int>, channels: Int, from source: UnsafePointer<Float>) {
        for row in rows {
            let offset = row &* channels &+ part.lowerBound
            switch self {
            case .float32(let values):
                if UnsafePointer(values) == source { return }
                (values + offset).update(from: source + offset, count: part.count)
            case .bfloat16(let values): BFloat16.round(source + offset, count: part.count, into: values + offset)
            }
        }
    }

    /// This matrix ← `count` rows of floats. Runs in parallel.
    public func write(_ count: Int, channels: Int, from source: UnsafePointer<Float>, _ threads: ThreadPool) {
        threads.forEachBlock(count, blockSize: Rows.blockSize) { write($0, 0..<channels, channels: channels, from: source) }
    }
}
