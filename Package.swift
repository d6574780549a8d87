// swift-tools-version: 6.0
import PackageDescription

// Dependencies point upward in this list only: system libraries, then kernels and communication (neither imports the
// other), then layers and models, then training, then the command. docs/architecture.md draws it.
//
// There are no unsafe flags, so that other packages can depend on this one. launch/flags has the flags that make the kernels fast.

let package = Package(
    name: "drnet-trainer",
    platforms: [.macOS(.v15)],
    products: [
        // A trained network: loading and prediction, without MPI. docs/examples/predict uses it.
        .library(name: "DRNetInference", targets: ["Inference"]),
        .library(name: "DRNetTraining", targets: ["Training"]),
        .executable(name: "drnet", targets: ["drnet"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        .systemLibrary(name: "CProcessor", path: "Sources/System/CProcessor"),
        .systemLibrary(
            name: "COpenBLAS", path: "Sources/System/COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(
            name: "COpenMPI", path: "Sources/System/COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(
            name: "CTurboJPEG", path: "Sources/System/CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CPNG", path: "Sources/System/CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CJPEG", path: "Sources/System/CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
        .systemLibrary(name: "CWebP", path: "Sources/System/CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/System/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // libjpeg and libpng report errors with longjmp, which Swift cannot catch.
        .target(name: "CJPEGReader", dependencies: ["CJPEG"], path: "Sources/System/CJPEGReader"),
        .target(name: "CPNGReader", dependencies: ["CPNG"], path: "Sources/System/CPNGReader"),

        // The executables alone link this one: it checks the processor before any other code runs.
        .target(name: "CStartup", path: "Sources/System/CStartup"),

        // Handlers of fatal signals can only call async-signal-safe functions.
        .target(name: "CCrashRecord", path: "Sources/System/CCrashRecord"),

        // Swift reaches no AVX-512 intrinsics.
        .target(name: "CMicroKernels", path: "Sources/System/CMicroKernels"),

        .target(name: "Console"),
        .target(name: "Randomness"),
        .target(name: "Kernels", dependencies: ["COpenBLAS", "CProcessor", "CMicroKernels"]),
        .target(name: "Communication", dependencies: ["COpenMPI", "CCrashRecord", "Console"]),
        .target(name: "NeuralNetwork", dependencies: ["Kernels", "Randomness"]),
        .target(name: "DynamicResolution", dependencies: ["NeuralNetwork", "Kernels", "Randomness"]),
        .target(
            name: "ImageData",
            dependencies: ["CJPEGReader", "CPNGReader", "CTurboJPEG", "CPNG", "CWebP", "CZlib", "Kernels", "Randomness", "Interchange"]),
        .target(name: "SyntheticImages", dependencies: ["ImageData", "Interchange", "Randomness"]),
        .target(name: "Interchange", dependencies: ["CZlib"]),
        .target(
            name: "Configuration", dependencies: ["DynamicResolution", "NeuralNetwork", "ImageData", "Interchange", "Yams"]),
        .target(
            name: "Inference",
            dependencies: ["Configuration", "DynamicResolution", "NeuralNetwork", "Kernels", "ImageData", "Interchange"]),
        .target(
            name: "Export",
            dependencies: [
                "Inference", "Configuration", "DynamicResolution", "NeuralNetwork", "Kernels", "Interchange",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["ONNX/onnx.proto"]),
        .target(
            name: "TensorBoard", dependencies: ["Interchange", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["events.proto"]),
        .target(name: "Charts"),
        .target(
            name: "Evaluation",
            dependencies: [
                "Inference", "Configuration", "DynamicResolution", "NeuralNetwork", "Kernels", "Randomness", "Communication",
                "ImageData", "Interchange", "Charts",
            ]),
        .target(
            name: "Report",
            dependencies: ["Evaluation", "Inference", "Configuration", "DynamicResolution", "ImageData", "Interchange", "Charts"]),
        .target(
            name: "Training",
            dependencies: [
                "Evaluation", "Inference", "Configuration", "DynamicResolution", "NeuralNetwork", "Kernels", "Randomness",
                "Communication", "ImageData", "Interchange", "TensorBoard", "Console", "COpenBLAS",
            ]),
        .executableTarget(
            name: "drnet",
            dependencies: [
                "Training", "Report", "Evaluation", "Export", "Inference", "Configuration", "DynamicResolution", "NeuralNetwork",
                "Kernels", "Communication", "ImageData", "SyntheticImages", "Interchange", "Console", "CStartup",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "drnet-benchmark",
            dependencies: [
                "Training", "Evaluation", "Inference", "Configuration", "DynamicResolution", "NeuralNetwork", "Kernels",
                "Communication", "ImageData", "Interchange", "Randomness", "Charts", "Console", "CStartup",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/drnet-benchmark"),
        // A rank for tests that start real ones.
        .executableTarget(
            name: "communication-check", dependencies: ["Communication", "COpenMPI"], path: "Tests/communication-check"),

        // Writes the pixels of image files, for the comparison with Pillow.
        .executableTarget(name: "image-dump", dependencies: ["ImageData"], path: "Tests/image-dump"),
        // Writes the logits of a network, for the comparison with PyTorch.
        .executableTarget(
            name: "network-logits", dependencies: ["Inference", "NeuralNetwork", "Kernels"], path: "Tests/network-logits"),
        // The parsers of foreign bytes, for launch/fuzz and for FuzzTests.
        .target(
            name: "FuzzTargets", dependencies: ["Interchange", "Inference", "NeuralNetwork", "Configuration", "ImageData", "Report"],
            path: "Tests/Fuzz/Targets"),
        .executableTarget(name: "drnet-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Command"),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "Randomness"]),

        .target(
            name: "TestSupport",
            dependencies: [
                "Interchange", "Kernels", "NeuralNetwork", "TensorBoard", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            path: "Tests/TestSupport"),
        .testTarget(name: "ConsoleTests", dependencies: ["Console"]),
        .testTarget(name: "RandomnessTests", dependencies: ["Randomness"]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "TestSupport"]),
        .testTarget(name: "TensorBoardTests", dependencies: ["TensorBoard", "TestSupport"]),
        .testTarget(name: "ChartsTests", dependencies: ["Charts", "TestSupport"]),
        .testTarget(name: "CommunicationTests", dependencies: ["Communication", "communication-check", "TestSupport"]),
        .testTarget(name: "InterchangeTests", dependencies: ["Interchange", "TestSupport"]),
        .testTarget(name: "ImageDataTests", dependencies: ["ImageData", "Kernels", "Randomness", "TestSupport"]),
        .testTarget(name: "SyntheticImagesTests", dependencies: ["SyntheticImages", "ImageData", "Randomness", "TestSupport"]),
        .testTarget(name: "NeuralNetworkTests", dependencies: ["NeuralNetwork", "Kernels", "TestSupport"]),
        .testTarget(
            name: "DynamicResolutionTests",
            dependencies: ["DynamicResolution", "NeuralNetwork", "Kernels", "Communication", "TestSupport"]),
        .testTarget(
            name: "ConfigurationTests", dependencies: ["Configuration", "DynamicResolution", "NeuralNetwork", "ImageData", "TestSupport"]),
        .testTarget(
            name: "InferenceTests",
            dependencies: [
                "Inference", "Configuration", "DynamicResolution", "NeuralNetwork", "Kernels", "ImageData", "Interchange", "TestSupport",
            ]),
        .testTarget(
            name: "ExportTests",
            dependencies: [
                "Export", "Inference", "Configuration", "DynamicResolution", "NeuralNetwork", "Kernels", "Interchange", "TestSupport",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Inference", "Configuration", "DynamicResolution", "NeuralNetwork", "Kernels", "Communication", "ImageData",
                "Interchange", "Charts", "TestSupport",
            ]),
        .testTarget(
            name: "ReportTests",
            dependencies: ["Report", "Evaluation", "Inference", "Configuration", "ImageData", "Interchange", "Charts", "TestSupport"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Training", "Evaluation", "Inference", "Configuration", "DynamicResolution", "NeuralNetwork", "Communication",
                "ImageData", "SyntheticImages", "Interchange", "TensorBoard", "TestSupport",
            ]),
        // The whole commands, alone and with real ranks.
        .testTarget(name: "CommandTests", dependencies: ["drnet", "drnet-benchmark", "Interchange", "TensorBoard", "TestSupport"]),
    ],
    // The compiler checks that threads share no mutable state. The exceptions are `@unchecked Sendable` or `nonisolated(unsafe)`, with a
    // reason.
    swiftLanguageModes: [.v6]
)

// launch/docs sets this variable. Other builds, and packages that depend on this one, need no DocC plugin.
if Context.environment["DRNET_DOCUMENTATION"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
