// swift-tools-version: 6.0
import PackageDescription

// Build and run it from the root of the project, after launch/quickstart:
//
//     swift build -c release -Xcc -mavx2 -Xcc -mfma --package-path docs/examples/predict
//     docs/examples/predict/.build/release/predict runs/quickstart data/quickstart/val/rings/00004.jpg

let package = Package(
    name: "predict",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "drnet-trainer", path: "../../..")],
    targets: [.executableTarget(name: "predict", dependencies: [.product(name: "DRNetInference", package: "drnet-trainer")])]
)
