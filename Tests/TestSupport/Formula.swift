import Interchange

/// Numbers that Tests/Fixtures/formula.py computes alike, so that inputs need not be stored.
public enum Formula {
    /// `count` numbers in [−1, 1), which follow from the name.
    public static func values(_ name: String, _ count: Int) -> [Float] {
        let salt = name.utf8.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return (0..<count).map { index in
            var hash = UInt32(truncatingIfNeeded: index) &* 2_654_435_761 &+ salt
            for _ in 0..<2 { hash = (hash ^ hash >> 16) &* 0x045D_9F3B }
            hash ^= hash >> 16
            return Float(hash >> 8) * 0x1p-23 - 1
        }
    }
}

/// A file of Tests/Fixtures.
public struct Fixture {
    private let file: SafetensorsFile

    public init(_ name: String) throws {
        file = try SafetensorsFile(contentsOf: "\(repositoryRoot)/Tests/Fixtures/\(name).safetensors")
    }

    public var names: [String] { file.names }

    public func callAsFunction(_ name: String) throws -> [Float] { try file.floats(of: name) }
}
