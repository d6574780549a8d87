/// A reason why lists or shards cannot be used as a data set.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
    /// The folder has lists and shards.
    case severalForms(path: String)
    /// A split has several lists.
    case severalLists(path: String, names: [String])
    /// A split has no list or no shards.
    case lacksPart(path: String, part: String)
    /// A list or classes.txt cannot be used as a whole.
    case list(path: String, reason: String)
    /// Some lines of a list cannot be used. All are counted, and the first ones are described.
    case lines(path: String, count: Int, problems: [String])
    /// A tar file cannot be read.
    case shard(path: String, reason: String)
    /// The labels of the images are not those of the classes.
    case labels(path: String, reason: String)

    public var description: String {
        switch self {
        case .severalForms(let path):
            return "\(path): there are both lists and shards in it; keep one of the two"
        case .severalLists(let path, let names):
            return "\(path): there are several lists of the same images in it (\(names.joined(separator: ", "))); keep one of them"
        case .lacksPart(let path, let part):
            return "\(path): there is no \(part) in it; training and validation need images of their own"
        case .list(let path, let reason):
            return "\(path): \(reason)"
        case .lines(let path, let count, let problems):
            let rest = count > problems.count ? ["and \(count - problems.count) more"] : []
            return "\(path): \(count) \(count == 1 ? "line" : "lines") cannot be used:\n  " + (problems + rest).joined(separator: "\n  ")
        case .shard(let path, let reason):
            return "\(path): \(reason)"
        case .labels(let path, let reason):
            return "\(path): \(reason)"
        }
    }
}
