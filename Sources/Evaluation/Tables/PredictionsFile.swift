import DynamicResolution
import Foundation
import ImageData
import Interchange

/// The prediction for each image, as CSV.
public enum PredictionsFile {
    /// Columns: path, class, predicted, resolution and rank (of the label; 0 if the prediction is correct). Without a predictor, the
    /// prediction is that of the largest resolution.
    public static func write(_ results: [ImageResult], folder: ImageDataset, model: FrozenDRNet, to path: String) throws {
        let rows = results.map { result in
            [
                folder.validation[result.sample].path, folder.classes[result.label], folder.classes[result.predicted],
                "\(model.resolutions[result.choice])", "\(result.labelRank)",
            ]
        }
        try OutputPath.write(Data(CSV.text([["path", "class", "predicted", "resolution", "rank"]] + rows).utf8), to: path)
    }
}
