import ArgumentParser
import Console
import Foundation
import ImageData

struct PackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Writes a data set as shards: a few large tar files in place of many small files.",
        discussion: """
            The shards have WebDataset's convention: each image is beside a file .cls with the number of its class, and classes.txt has the
            names. They hold the image files as they are, in the order of the data set, so that a training has the same results with either.

            Examples:
              drnet pack photographs -o photographs-packed
              drnet pack lists -o packed --shard-size 1024
              drnet train my.yaml --set data.folder=photographs-packed
            """)

    @Argument(help: "The data set: a folder with class folders, lists or shards.")
    var data: String

    @Option(name: [.customShort("o"), .customLong("output")], help: "The folder to create.")
    var output: String

    @Option(help: "The largest size of a shard, in MiB.")
    var shardSize = 256

    func validate() throws {
        guard (1...1_000_000).contains(shardSize) else {
            throw ValidationError("--shard-size is \(shardSize); it must be 1 to 1000000 MiB")
        }
    }

    func run() throws {
        let images = try ImageDataset(path: data)
        let count = images.training.count + images.validation.count
        let progress = CountProgress(count: count)
        let summary = try ShardWriter(images, to: output, shardBytes: shardSize << 20).write { done in
            progress.update(done, "packed \(done) of \(count) images")
        }
        for note in images.notes { try Console.result(note) }
        let megabytes = String(format: "%.1f", Double(summary.bytes) / 1e6)
        try Console.result(
            "\(output): \(summary.images) images of \(images.classes.count) classes in \(summary.shards) shards, \(megabytes) MB")
    }
}
