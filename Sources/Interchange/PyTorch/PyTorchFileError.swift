/// A PyTorch checkpoint whose contents are refused. Damage is an `InterchangeError`.
public enum PyTorchFileError: Error, Equatable, CustomStringConvertible {
    /// The checkpoint has an object of a class that is no tensor and no plain container.
    case object(path: String, name: String)
    /// A tensor that cannot be read: sparse, quantised, or expanded. The reason begins with a verb.
    case tensor(path: String, name: String, reason: String)
    /// The file is a TorchScript archive.
    case script(path: String)

    public var description: String {
        switch self {
        case .object(let path, let name):
            return """
                \(path): this PyTorch checkpoint has an object of \(name). Only tensors, numbers, texts and plain containers of them are \
                read: rebuilding other objects runs code. Save the weights alone, in Python, if you trust the file:
                    import torch; w = torch.load(\(Self.quoted(path)), map_location="cpu", weights_only=False)
                    w = w.get("state_dict", w.get("model", w)) if isinstance(w, dict) else w.state_dict(); torch.save(w, "weights.pth")
                """
        case .tensor(let path, let name, let reason):
            return "\(path): the tensor \(name) \(reason)"
        case .script(let path):
            return """
                \(path): this is a TorchScript archive, which is a program. Save its weights, in Python, if you trust the file:
                    import torch; torch.save(torch.jit.load(\(Self.quoted(path)), map_location="cpu").state_dict(), "weights.pth")
                """
        }
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }
}
