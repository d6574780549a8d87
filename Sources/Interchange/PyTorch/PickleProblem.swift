/// Why a pickle is not read.
enum PickleProblem: Error, Equatable {
    /// A class or function that is not accepted, as "module.name".
    case object(String)
    /// Damage, or something that torch.save does not write.
    case malformed(String)
}
