extension Parameter {
    /// The name without the index of a batch norm's copy (`bn1.weight` of `bn1.2.weight`), which is torchvision's; nil where there
    /// is no such index. The index is the last but one part of the name.
    package var nameOfSingleCopy: String? {
        var parts = name.split(separator: ".").map(String.init)
        guard parts.count >= 3, Int(parts[parts.count - 2]) != nil else { return nil }
        parts.remove(at: parts.count - 2)
        return parts.joined(separator: ".")
    }

    /// The layer whose outputs are the classes.
    package var isOfLastLayer: Bool { ["fc.", "classifier.1.", "classifier.3."].contains(where: name.hasPrefix) }
}
