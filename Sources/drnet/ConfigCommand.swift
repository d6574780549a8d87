import ArgumentParser
import Configuration
import Console
import Foundation
import Interchange
import Training

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Describes the keys of a configuration.",
        discussion: """
            Prints values, default and meaning of each key, and until when it can change if a run continues with --resume.

            Examples:
              drnet config                              all keys
              drnet config optimizer stages             those of two sections
              drnet config data.augmentation.mixup      one key
            """)

    @Argument(help: "Sections or keys (default: all).")
    var keys: [String] = []

    @Option(help: ArgumentHelp("Renew the tables of a page, such as docs/configuration.md.", valueName: "page"))
    var update: String?

    func run() throws {
        let reference = ConfigurationReference { KeyChange($0).rawValue }
        if let update {
            let page = String(decoding: try DurableFile.read(update), as: UTF8.self)
            try DurableFile.write(Data(try reference.renewed(page).utf8), to: update)
            return
        }
        for key in keys where reference.keys(in: [key]).isEmpty {
            throw ValidationError("there is no key and no section '\(key)'. 'drnet config' lists all keys")
        }
        try Console.result(reference.text(of: keys.isEmpty ? reference.keys : reference.keys(in: keys)))
    }
}
