#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension CounterRandom {
    /// Returns a standard normal number (Box and Muller).
    public mutating func normal() -> Float {
        let radius = (-2 * logf(uniform())).squareRoot()
        return radius * cosf(2 * .pi * uniform())
    }

    /// Returns a standard Gumbel number, −log(−log u).
    public mutating func gumbel() -> Float {
        -logf(-logf(uniform()))
    }

    /// Returns a random permutation of 0 ..< count (Fisher and Yates).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        guard count > 1 else { return order }
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, integer(below: last + 1))
        }
        return order
    }
}
