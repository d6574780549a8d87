/// The purpose of a random number. Two purposes never share a stream. Results depend on the raw values, so these must not be renumbered.
public enum RandomPurpose: UInt32, Sendable {
    case initialization = 1
    case shuffling = 2
    case augmentation = 3
    case gumbelNoise = 4
    case probing = 5
    case synthesis = 6
    case dropout = 7
    case calibration = 8
    case folding = 9
    case balancing = 20
    case trivialAugment = 21
    case erasing = 22
    case mixing = 23
    case recommendation = 40
    case comparison = 60
}

/// A counter-based random number generator: Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
///
/// A stream is a pure function of (seed, purpose, step, sample). There is no state to save. The numbers of a sample depend neither on the
/// number of ranks nor on the order in which images are visited.
public struct CounterRandom: RandomNumberGenerator, Sendable {
    private let key: (UInt32, UInt32)
    private let step: UInt32
    private let sample: UInt32
    private let purpose: UInt32
    private var block: UInt32 = 0
    private var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var used = 4

    /// Creates the generator of one stream.
    ///
    /// - Parameters:
    ///   - step: the epoch or step of the numbers. Only its low 32 bits are used.
    ///   - sample: the image's index in the data set, or the element's index. Only its low 32 bits are used.
    public init(seed: UInt64, purpose: RandomPurpose, step: Int = 0, sample: Int = 0) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.purpose = purpose.rawValue
        self.step = UInt32(truncatingIfNeeded: step)
        self.sample = UInt32(truncatingIfNeeded: sample)
    }

    /// Returns the next 32 random bits.
    public mutating func nextWord() -> UInt32 {
        if used == 4 {
            words = Self.philox(counter: (block, purpose, step, sample), key: key)
            block &+= 1
            used = 0
        }
        defer { used += 1 }
        switch used {
        case 0: return words.0
        case 1: return words.1
        case 2: return words.2
        default: return words.3
        }
    }

    /// Returns the next 64 random bits.
    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// Returns a uniform number in the open interval (0, 1): 23 bits, centred in their cells. Neither end can occur, so its logarithm is
    /// finite.
    public mutating func uniform() -> Float {
        (Float(nextWord() >> 9) + 0.5) * 0x1p-23
    }

    /// Returns a uniform number in (low, high).
    public mutating func uniform(_ low: Float, _ high: Float) -> Float {
        low + (high - low) * uniform()
    }

    /// Returns a uniform integer in 0 ..< bound (Lemire's multiplication). The bias is below bound / 2³².
    public mutating func integer(below bound: Int) -> Int {
        Int(truncatingIfNeeded: (UInt64(nextWord()) * UInt64(bound)) >> 32)
    }

    /// Computes ten rounds of Philox 4×32.
    static func philox(
        counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var (c0, c1, c2, c3) = counter
        var (k0, k1) = key
        for _ in 0..<10 {
            let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
            let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
            (c0, c1, c2, c3) = (
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
            )
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return (c0, c1, c2, c3)
    }
}
