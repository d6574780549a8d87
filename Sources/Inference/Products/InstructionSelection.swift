import Configuration
import Kernels

extension InstructionSet {
    /// Selects the instruction set of the tiles.
    ///
    /// - Parameters:
    ///   - option: `kernels.instructions`.
    ///   - available: the sets that the program can use on this processor, narrowest first.
    ///   - fastest: the set for `auto`.
    /// - Throws: `MissingInstructions` if the set of the option is not among them.
    public static func select(
        _ option: TrainingConfiguration.Instructions, available: [InstructionSet] = InstructionSet.available,
        fastest: @autoclosure () -> InstructionSet = .fastest
    ) throws(MissingInstructions) -> InstructionSet {
        let wanted: InstructionSet
        switch option {
        case .auto: return fastest()
        case .avx2: wanted = .avx2
        case .avx512: wanted = .avx512
        }
        guard available.contains(wanted) else { throw MissingInstructions(option: option.rawValue, available: available) }
        return wanted
    }
}

/// The processor, or the build, lacks the instructions that the configuration names.
public struct MissingInstructions: Error, Equatable, CustomStringConvertible {
    let option: String
    let available: [InstructionSet]

    public var description: String {
        "kernels.instructions is \(option), and this program has \(available.map(\.title).joined(separator: " and ")) on this processor "
            + "(\(ProcessorName.current)). Set kernels.instructions to auto"
    }
}
