import Evaluation
import ArgumentParser

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study",
        abstract: "Compares the finished runs of a study in one table.",
        discussion: """
            launch/study trains them and ends with this. Each variant has a row: mean and standard deviation over the seeds, the held-out
            images of all folds taken together. Writes study.json and study.md into the folder; docs/policy.md tells what is measured.
            """)

    @Argument(help: "The study's folder, which holds PLACE/VARIANT, such as seed-1/expected.")
    var folder: String

    func run() throws {
        let study = try Study(path: folder)
        print(study.text())
        try study.save()
    }
}
