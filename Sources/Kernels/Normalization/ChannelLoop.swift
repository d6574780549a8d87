/// Floats of one or of eight neighbouring channels. A loop over channels is written once for both (`ChannelLoop`).
protocol ChannelLanes {
    static var count: Int { get }
    init(at address: UnsafePointer<Float>)
    init(at address: UnsafePointer<BFloat16>)
    func store(to address: UnsafeMutablePointer<Float>)
    static func + (left: Self, right: Self) -> Self
    static func - (left: Self, right: Self) -> Self
    static func * (left: Self, right: Self) -> Self
    /// min(max(self, low), high), and `low` for a NaN.
    func limited(_ low: Float, _ high: Float) -> Self
    /// The lanes whose number in `result` is between `low` and `high`, and zeros elsewhere.
    func passed(where result: Self, isAbove low: Float, below high: Float) -> Self
}

extension Float: ChannelLanes {
    static var count: Int { 1 }

    @inline(__always)
    init(at address: UnsafePointer<Float>) { self = address.pointee }

    @inline(__always)
    init(at address: UnsafePointer<BFloat16>) { self = address.pointee.float }

    @inline(__always)
    func store(to address: UnsafeMutablePointer<Float>) { address.pointee = self }

    @inline(__always)
    func limited(_ low: Float, _ high: Float) -> Float {
        let raised = self > low ? self : low
        return raised < high ? raised : high
    }

    @inline(__always)
    func passed(where result: Float, isAbove low: Float, below high: Float) -> Float { result > low && result < high ? self : 0 }
}

extension Channels8: ChannelLanes {
    static var count: Int { scalarCount }

    @inline(__always)
    init(at address: UnsafePointer<BFloat16>) {
        let halves = UnsafeRawPointer(address).loadUnaligned(as: SIMD8<UInt16>.self)
        self = unsafeBitCast(SIMD8<UInt32>(truncatingIfNeeded: halves) &<< 16, to: Channels8.self)
    }

    /// The loop becomes two instructions. The minimum and the maximum of SIMD types are calls.
    @inline(__always)
    func limited(_ low: Float, _ high: Float) -> Channels8 {
        var result = self
        for lane in 0..<Self.count { result[lane] = self[lane].limited(low, high) }
        return result
    }

    @inline(__always)
    func passed(where result: Channels8, isAbove low: Float, below high: Float) -> Channels8 {
        Channels8.zero.replacing(with: self, where: (result .> low) .& (result .< high))
    }
}

/// The body of a loop over channels.
///
/// Vectors are explicit here. For a loop over floats, the compiler checks in each row whether the pointers overlap, and computes the
/// remainder alone. With the 16 to 32 channels of a MobileNet, that takes longer than the loop.
protocol ChannelLoop {
    func callAsFunction<Lanes: ChannelLanes>(_: Lanes.Type, _ channel: Int)
}

extension ChannelLoop {
    /// Runs the body for all channels: for eight at a time, then for single ones.
    @inline(__always)
    func run(_ channels: Int) {
        var channel = 0
        while channel &+ Channels8.count <= channels {
            self(Channels8.self, channel)
            channel &+= Channels8.count
        }
        while channel < channels {
            self(Float.self, channel)
            channel &+= 1
        }
    }
}

extension StoredNumber {
    /// The numbers at `address` as floats.
    @inline(__always)
    static func load<Lanes: ChannelLanes>(_: Lanes.Type, _ address: UnsafePointer<Self>) -> Lanes {
        // The compiler removes the branch: both types are known.
        if Self.self == Float.self {
            return Lanes(at: UnsafeRawPointer(address).assumingMemoryBound(to: Float.self))
        } else {
            return Lanes(at: UnsafeRawPointer(address).assumingMemoryBound(to: BFloat16.self))
        }
    }
}
