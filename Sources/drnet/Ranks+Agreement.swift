import Communication
import Console
import Training

extension Ranks {
    /// Refuses ranks that run other programs or commands, and warns of other libraries. It comes before everything that depends on them.
    /// Collective.
    ///
    /// - Parameters:
    ///   - command: the command and those of its options that all ranks need alike.
    ///   - communicator: of this rank.
    static func requireSamePrograms(_ command: [RankFact], _ communicator: Communicator) throws {
        guard communicator.rankCount > 1 else { return }
        let program = ProgramFacts(version: DRNetCommand.configuration.version)
        try communicator.requireSame(
            program.required, subject: "the program", remedy: "Every host needs the same build of drnet: copy it to all hosts",
            label: "versions")
        try communicator.requireSame(
            command, subject: "the command line", remedy: "Start all ranks with the same command and options", label: "command lines")
        let others = try communicator.differences(in: program.advisory, label: "libraries")
        guard communicator.rank == 0 else { return }
        for difference in others {
            Console.warning("\(difference). Results then differ in their last bits from those of equal hosts")
        }
    }
}
