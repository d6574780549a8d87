#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A reason why a file could not be read or written.
public enum InterchangeError: Error, CustomStringConvertible {
    /// The operating system refused an action. `code` is the value of `errno`.
    case system(path: String, action: String, code: Int32)
    /// The file does not have the expected contents.
    case malformed(path: String, reason: String)
    /// A later version of the project wrote the file.
    case version(path: String, found: Int, supported: Int)
    /// A safetensors file does not contain a tensor.
    case noTensor(path: String, name: String, names: [String])
    /// A tensor's elements cannot be read as numbers.
    case elementType(path: String, name: String, type: String)

    public var description: String {
        switch self {
        case .system(let path, let action, let code):
            return "\(path): cannot \(action): \(String(cString: strerror(code)))"
        case .malformed(let path, let reason):
            return "\(path): damaged or not of the expected kind: \(reason)"
        case .version(let path, let found, let supported):
            return "\(path): the file has version \(found), and this build reads versions up to \(supported); use the build that wrote it, "
                + "or a later one"
        case .noTensor(let path, let name, let names):
            return "\(path): has no tensor \(name); it has \(names.prefix(5).joined(separator: ", "))\(names.count > 5 ? ", …" : "")"
        case .elementType(let path, let name, let type):
            return "\(path): the elements of \(name) are \(type); F32, F16, BF16, F64, I64, I32 and U8 can be read"
        }
    }

    /// Whether the operating system failed at a file that can exist and be intact, for example with an I/O error or without permission.
    /// False if the file is absent, of another kind, or has wrong contents.
    var isUnreadable: Bool {
        guard case .system(_, _, let code) = self else { return false }
        return ![ENOENT, ENOTDIR, EISDIR].contains(code)
    }
}
