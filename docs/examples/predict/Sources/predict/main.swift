// Classifies an image with a trained network: predict RUN-FOLDER IMAGE
import Foundation
import Inference

let arguments = CommandLine.arguments.dropFirst()
guard let runFolder = arguments.first, let image = arguments.dropFirst().first else {
    FileHandle.standardError.write(Data("usage: predict RUN-FOLDER IMAGE\n".utf8))
    exit(64)
}
do {
    let network = try TrainedNetwork(runFolder: runFolder)
    let prediction = try network.predict(image)
    print(prediction.className, prediction.probabilityText, "at \(prediction.resolution) pixels")
} catch {
    FileHandle.standardError.write(Data("predict: \(error)\n".utf8))
    exit(1)
}
