import Interchange

/// Pseudo-random inputs. Tests/Fixtures/formula.py computes the same numbers, so fixtures need not store them.
public enum Formula {
    /// Returns `count` numbers in [−1, 1) that depend on the name.
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

/// A file in Tests/Fixtures.
public struct Fixture {
    private let file: SafetensorsFile

    /// Opens the fixture with this name.
    public init(_ name: String) throws {
        file = try SafetensorsFile(contentsOf: "\(repositoryRoot)/Tests/Fixtures/\(name).safetensors")
    }

    /// The names of all tensors.
    public var names: [String] { file.names }

    /// Returns the elements of the tensor with this name.
    public func callAsFunction(_ name: String) throws -> [Float] { try file.floats(of: name) }
}
