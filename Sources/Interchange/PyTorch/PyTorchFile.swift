import Foundation

/// A checkpoint that torch.save wrote in the zip format of PyTorch 1.6 and later (`.pth`, `.pt`). Nothing in the file is executed.
///
/// Tensors in dictionaries and lists have the names of the path to them, as in `state_dict.conv1.weight`. The initializer checks the whole
/// directory, the pickle, the place of every tensor and the checksum of every storage.
public struct PyTorchFile: TensorFile {
    private let path: String
    private let tensors: [String: PyTorchTensor]
    /// The elements of each storage by its key.
    private let storages: [String: Data]

    /// The largest pickle in bytes. That of a state dict has about 150 bytes for each tensor.
    private static let maximumPickle = 16 << 20

    /// Opens a file.
    ///
    /// - Throws: `InterchangeError` if the file cannot be read or is damaged; `PyTorchFileError` or `ForeignFileError` if its contents are
    ///   refused.
    public init(contentsOf path: String) throws {
        try self.init(try DurableFile.read(path), path: path)
    }

    /// Reads the directory and the pickle of a file's bytes.
    ///
    /// - Parameters:
    ///   - data: all bytes of the file. The first index is 0.
    ///   - path: the file's name, for messages.
    /// - Throws: see `init(contentsOf:)`.
    package init(_ data: Data, path: String) throws {
        let archive = try ZipArchive(data, path: path)
        let root = try Self.root(archive, data, path: path)
        if archive.entries["\(root)byteorder"] != nil, try archive.data(of: "\(root)byteorder") != Data("little".utf8) {
            throw archive.malformed("its tensors are big-endian, and only little-endian ones are read. Save it again on another machine")
        }
        let pickle = "\(root)data.pkl"
        guard archive.entries[pickle].map(\.range.count) ?? 0 <= Self.maximumPickle else {
            throw archive.malformed("its pickle has more than \(Self.maximumPickle) bytes. Save the weights alone: model.state_dict()")
        }
        self.path = path
        do {
            tensors = try PickledTensors.read(Data(try archive.data(of: pickle)))
        } catch PickleProblem.object(let name) {
            throw PyTorchFileError.object(path: path, name: name)
        } catch PickleProblem.malformed(let reason) {
            throw archive.malformed(reason)
        }
        storages = try Self.storages(of: tensors, archive, root: root)
    }

    /// The names of all tensors, sorted.
    public var names: [String] { tensors.keys.sorted() }

    /// Returns the shape of a tensor.
    ///
    /// - Throws: `InterchangeError.noTensor` if the file has no tensor of that name.
    public func shape(of name: String) throws -> [Int] { try tensor(name).shape }

    /// Returns the elements of a tensor, row-major, converted to single precision.
    ///
    /// - Throws: `InterchangeError` or `PyTorchFileError` if the elements cannot be read as numbers.
    public func floats(of name: String) throws -> [Float] {
        let tensor = try tensor(name)
        // At most as many as the storage has, by the check of the initializer.
        let count = tensor.shape.reduce(1, *)
        guard count > 0 else { return [] }
        guard let type = tensor.storage.type, let bytes = storages[tensor.storage.key] else {
            throw InterchangeError.elementType(path: path, name: name, type: tensor.storage.typeName)
        }
        let values = bytes.withUnsafeBytes { bytes in
            tensor.isContiguous
                ? type.floats(bytes, at: tensor.offset..<tensor.offset + count) : type.floats(bytes, at: tensor.positions(count: count))
        }
        guard let values else { throw InterchangeError.elementType(path: path, name: name, type: tensor.storage.typeName) }
        return values
    }

    private func tensor(_ name: String) throws -> PyTorchTensor {
        guard let tensor = tensors[name] else { throw InterchangeError.noTensor(path: path, name: name, names: names) }
        return tensor
    }

    // MARK: - Archive

    /// The folder of the archive that has everything, with a slash; empty if there is none.
    private static func root(_ archive: ZipArchive, _ data: Data, path: String) throws -> String {
        let names = archive.entries.keys.filter { name in
            name == "data.pkl" || name.hasSuffix("/data.pkl") && name.count { $0 == "/" } == 1
        }
        guard let name = names.first else {
            let contents = FileKind.advice(data, path: path) ?? "it is a zip archive"
            throw ForeignFileError(path: path, expected: "a safetensors file or a PyTorch checkpoint", contents: contents)
        }
        guard names.count == 1 else {
            throw archive.malformed("it has several pickles: \(Figures.list(names.sorted())). Save the weights again with torch.save")
        }
        let root = String(name.dropLast("data.pkl".count))
        let isScript = archive.entries.keys.contains { $0 == "\(root)constants.pkl" || $0.hasPrefix("\(root)code/") }
        guard !isScript else { throw PyTorchFileError.script(path: path) }
        return root
    }

    /// Finds and checks the storages of all tensors.
    private static func storages(of tensors: [String: PyTorchTensor], _ archive: ZipArchive, root: String) throws -> [String: Data] {
        var storages: [String: Data] = [:]
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let storage = tensor.storage
            let bytes = try storages[storage.key] ?? archive.data(of: "\(root)data/\(storage.key)")
            storages[storage.key] = bytes
            if let type = storage.type {
                let (needed, overflow) = storage.count.multipliedReportingOverflow(by: type.bytes)
                guard !overflow, needed <= bytes.count else {
                    throw archive.malformed(
                        "the storage \(storage.key) of \(name) has \(bytes.count) bytes, not the \(storage.count) elements of its pickle")
                }
            }
        }
        return storages
    }
}

extension PyTorchTensor {
    /// Whether the elements follow each other in the storage, row-major.
    fileprivate var isContiguous: Bool {
        var expected = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
            if stride != expected { return false }
            expected *= extent
        }
        return true
    }

    /// The positions in the storage of `count` elements, row-major.
    fileprivate func positions(count: Int) -> [Int] {
        var index = [Int](repeating: 0, count: shape.count)
        var position = offset
        return (0..<count).map { _ in
            defer {
                for axis in shape.indices.reversed() {
                    index[axis] += 1
                    position += strides[axis]
                    if index[axis] < shape[axis] { break }
                    position -= strides[axis] * shape[axis]
                    index[axis] = 0
                }
            }
            return position
        }
    }
}
