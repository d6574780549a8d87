import Foundation

/// A tensor with its name, as written to a file.
public struct NamedTensor {
    /// The key of the tensor in the file.
    public var name: String
    /// The size of each axis.
    public var shape: [Int]
    /// The elements, row-major.
    public var values: [Float]

    /// Creates a tensor. `values` has as many elements as `shape`.
    public init(name: String, shape: [Int], values: [Float]) {
        self.name = name
        self.shape = shape
        self.values = values
    }
}

/// A safetensors file, mapped into memory. The initializer validates the whole header before any tensor is read.
public struct SafetensorsFile: TensorFile {
    private let path: String
    private let data: Data
    private let header: SafetensorsHeader

    /// Opens a file and validates its header.
    ///
    /// - Throws: `InterchangeError`, which names the file and, if possible, the tensor; `ForeignFileError` if the file is of another kind.
    public init(contentsOf path: String) throws {
        try self.init(try DurableFile.read(path), path: path)
    }

    /// Validates the header of a file's bytes.
    ///
    /// - Parameters:
    ///   - data: all bytes of the file. The first index is 0.
    ///   - path: the file's name, for messages.
    /// - Throws: see `init(contentsOf:)`.
    package init(_ data: Data, path: String) throws {
        self.path = path
        self.data = data
        header = try SafetensorsHeader(data, path: path)
    }

    /// The names of all tensors, sorted.
    public var names: [String] { header.entries.keys.sorted() }

    /// The file's `__metadata__`; empty if it has none.
    public var metadata: [String: String] { header.metadata }

    /// Returns the shape of a tensor.
    ///
    /// - Throws: `InterchangeError.noTensor` if the file has no tensor of that name.
    public func shape(of name: String) throws -> [Int] { try entry(name).shape }

    /// Returns the elements of a tensor, row-major, converted to single precision.
    public func floats(of name: String) throws -> [Float] {
        let entry = try entry(name)
        guard let type = entry.type else { throw InterchangeError.elementType(path: path, name: name, type: entry.typeName) }
        let values = data[entry.range].withUnsafeBytes { type.floats($0, at: 0..<entry.range.count / type.bytes) }
        guard let values else { throw InterchangeError.elementType(path: path, name: name, type: entry.typeName) }
        return values
    }

    private func entry(_ name: String) throws -> SafetensorsHeader.Entry {
        guard let entry = header.entries[name] else {
            throw InterchangeError.noTensor(path: path, name: name, names: names)
        }
        return entry
    }
}

// MARK: - Writing

extension SafetensorsFile {
    /// Writes single-precision tensors. The file is either complete or absent.
    public static func write(_ tensors: [NamedTensor], metadata: [String: String] = [:], to path: String) throws {
        var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
        var offset = 0
        for tensor in tensors {
            precondition(tensor.shape.reduce(1, *) == tensor.values.count, "\(tensor.name): \(tensor.shape)")
            precondition(header[tensor.name] == nil, "\(tensor.name) is there twice")
            let end = offset + 4 * tensor.values.count
            header[tensor.name] = ["dtype": "F32", "shape": tensor.shape, "data_offsets": [offset, end]]
            offset = end
        }
        var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys])
        // Pads the header with spaces, so that the data starts at a multiple of 8 bytes.
        json.append(Data(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        var length = UInt64(json.count).littleEndian
        try DurableFile.write(to: path) { descriptor in
            try withUnsafeBytes(of: &length) { try DurableFile.writeAll($0, to: descriptor, path: path) }
            try json.withUnsafeBytes { try DurableFile.writeAll($0, to: descriptor, path: path) }
            for tensor in tensors {
                try tensor.values.withUnsafeBytes { try DurableFile.writeAll($0, to: descriptor, path: path) }
            }
        }
    }
}
