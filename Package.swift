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
    targets: [
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CEXIF", pkgConfig: "libexif", providers: [.apt(["libexif-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .target(name: "Randomness"),
        .target(name: "Kernels", dependencies: ["COpenBLAS"], swiftSettings: numeric),
        .target(name: "NeuralNetwork", dependencies: ["Kernels", "Randomness"], swiftSettings: numeric),
        .target(name: "DynamicResolution", dependencies: ["NeuralNetwork", "Kernels", "Randomness"],
                swiftSettings: numeric),
    ],
    swiftLanguageModes: [.v5]
)
