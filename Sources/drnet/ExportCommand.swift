import ArgumentParser
import Console
import Export
import Inference
import Interchange
import Training

extension ExportFormat: ExpressibleByArgument {}

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes the network of a deployment for other runtimes.",
        discussion: """
            The network is the one that deployment.json describes, as 'drnet recommend' writes it: the weights, what chooses the resolution,
            and λ. All formats contain the resizing from the largest resolution to the others and the normalisation, and carry the classes,
            the preprocessing, the costs and the origin of the weights. docs/deployment.md has a page for each runtime.

            onnx        one file: images in, logits and chosen resolutions out. Only the chosen resolution is computed.
            onnx-parts  a folder: a file for the decision, one for each resolution, and manifest.json. For runtimes without control flow.
            pytorch     a folder: weights as safetensors, and network.json. docs/examples/python/drnet_torch.py makes a module of them.

            Examples:
              drnet export runs/my --format onnx -o my.onnx
              drnet export runs/my --format onnx --batch-size any
              drnet export runs/my --format onnx-parts -o parts
            """)

    @Argument(help: "The run folder.")
    var runFolder: String

    @Option(help: "The kind of files: onnx, onnx-parts or pytorch.")
    var format: ExportFormat

    @Option(help: "What to export: a file that 'drnet recommend' wrote (default: deployment.json in the run folder).")
    var deployment: String?

    @Option(
        name: [.long, .customShort("o")],
        help: "The file or, for onnx-parts and pytorch, the folder (default: drnet.onnx, onnx-parts or pytorch in the run folder).")
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Images of a pass for the formats of ONNX: a number, or 'any'. With 1, a file of ONNX has an If for each resolution. "
                + "Otherwise, images with the same resolution run together. Default: 1.", valueName: "n"),
        transform: Self.batchSize)
    var batchSize: BatchSize?

    func validate() throws {
        if format == .pytorch && batchSize != nil {
            throw ValidationError("use --batch-size with a format of ONNX: PyTorch takes any number")
        }
    }

    func run() throws {
        let folder = RunFolder(path: runFolder)
        let file = deployment ?? folder.deployment
        if try deployment == nil && DurableFile.kind(of: folder.configuration) != nil && DurableFile.kind(of: file) == nil {
            throw MissingDeployment(path: file, run: runFolder)
        }
        let target = output ?? "\(folder.path)/\(format.isFolder ? format.rawValue : "drnet.onnx")"
        try format.isFolder ? OutputPath.requireFolder(target) : OutputPath.requireFile(target)
        let network = try ExportedNetwork(deployment: file, runFolder: folder.path, version: RunEnvironment.projectVersion)
        let files = try network.write(format, batch: batchSize ?? .fixed(1), to: target)
        try Console.result(([network.description] + files).joined(separator: "\n"))
    }

    @Sendable private static func batchSize(_ text: String) throws -> BatchSize {
        if text == "any" { return .any }
        guard let count = Int(text), (1...65536).contains(count) else {
            throw ValidationError("--batch-size is '\(text)'; it must be a number from 1 to 65536, or 'any'")
        }
        return .fixed(count)
    }
}

/// A run without a deployment.
private struct MissingDeployment: Error, CustomStringConvertible {
    var path: String
    var run: String

    var description: String { "\(path) does not exist: run 'drnet recommend \(run)' first, or name a file with --deployment" }
}
