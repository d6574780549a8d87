// swift-tools-version: 6.0
import PackageDescription

// Dependencies point upward in this list only: system libraries, then kernels and communication (neither imports the
// other), then layers and models, then training, then the command. docs/architecture.md draws it.

#if arch(x86_64)
    // AVX2 and FMA are required on x86-64; the command checks for them at its start (Kernels/ProcessorFeatures.swift).
    let vectorFlags = ["-Xcc", "-mavx2", "-Xcc", "-mfma"]
#else
    let vectorFlags: [String] = []
#endif
let numeric: [SwiftSetting] = [.unsafeFlags(vectorFlags)]

let package = Package(
    name: "drnet-trainer",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "drnet", targets: ["drnet"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CProcessor"),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CEXIF", pkgConfig: "libexif", providers: [.apt(["libexif-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .target(name: "Randomness"),
        .target(name: "Kernels", dependencies: ["COpenBLAS", "CProcessor"], swiftSettings: numeric),
        .target(name: "Communication", dependencies: ["COpenMPI"]),
        .target(name: "Interchange", dependencies: ["CZlib"]),
        .target(name: "Charts"),
        .target(
            name: "ImageData", dependencies: ["CTurboJPEG", "CPNG", "CEXIF", "Kernels", "Randomness"],
            swiftSettings: numeric),
        .target(name: "NeuralNetwork", dependencies: ["Kernels", "Randomness"], swiftSettings: numeric),
        .target(
            name: "DynamicResolution", dependencies: ["NeuralNetwork", "Kernels", "Randomness"],
            swiftSettings: numeric),
        .target(
            name: "Training",
            dependencies: [
                "DynamicResolution", "NeuralNetwork", "Kernels", "Randomness", "Communication",
                "ImageData", "Interchange", "Charts", "Yams", "COpenBLAS",
            ],
            swiftSettings: numeric),
        .executableTarget(
            name: "drnet",
            dependencies: [
                "Training", "DynamicResolution", "NeuralNetwork", "Kernels", "Communication", "ImageData",
                "Interchange", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "drnet-benchmark",
            dependencies: [
                "Training", "DynamicResolution", "NeuralNetwork", "Kernels", "Communication", "Interchange", "Randomness", "Charts",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: numeric),
        // A rank for tests that start real ones.
        .executableTarget(name: "communication-check", dependencies: ["Communication", "COpenMPI"]),

        .target(name: "TestSupport", dependencies: ["Interchange"], path: "Tests/TestSupport"),
        .testTarget(name: "RandomnessTests", dependencies: ["Randomness"]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "TestSupport"], swiftSettings: numeric),
        .testTarget(name: "ChartsTests", dependencies: ["Charts", "TestSupport"]),
        .testTarget(name: "CommunicationTests", dependencies: ["Communication", "communication-check", "TestSupport"]),
        .testTarget(name: "InterchangeTests", dependencies: ["Interchange", "TestSupport"]),
        .testTarget(name: "ImageDataTests", dependencies: ["ImageData", "TestSupport"], swiftSettings: numeric),
        .testTarget(
            name: "NeuralNetworkTests", dependencies: ["NeuralNetwork", "Kernels", "TestSupport"],
            swiftSettings: numeric),
        .testTarget(
            name: "DynamicResolutionTests",
            dependencies: ["DynamicResolution", "NeuralNetwork", "Communication", "TestSupport"],
            swiftSettings: numeric),
        // The whole commands, alone and with real ranks.
        .testTarget(name: "CommandTests", dependencies: ["drnet", "drnet-benchmark", "TestSupport"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Training", "DynamicResolution", "NeuralNetwork", "Communication", "ImageData",
                "Interchange", "TestSupport",
            ]),
    ],
    swiftLanguageModes: [.v5]
)
