import ArgumentParser
import Console
import Evaluation

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study",
        abstract: "Compares the finished runs of a study in one table.",
        discussion: """
            launch/study trains the runs and then runs this command. The table has a row for each variant: means and standard deviations
            over the seeds, on the held-out images of all folds together. Writes study.json and study.md into the folder. docs/policy.md
            defines the measures.

            Examples:
              launch/study my.yaml --seeds 1,2,3
              drnet study runs/study-my
            """)

    @Argument(help: "The study's folder. It contains runs as PLACE/VARIANT, such as seed-1/expected.")
    var folder: String

    func run() throws {
        let study = try Study(path: folder)
        var attempts = Attempts()
        attempts.run { try Console.result(study.text()) }
        attempts.save(to: folder) { try study.save() }
        try attempts.finish()
    }
}
