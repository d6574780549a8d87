import Configuration
import DynamicResolution
import Interchange

extension ClassificationLoss {
    /// The loss of a configuration.
    ///
    /// - Parameters:
    ///   - data: its training images determine the scale of the class weights.
    ///   - hasTeacher: false if no teacher was loaded.
    ///   - note: receives a sentence about class weights, for a person.
    /// - Throws: `UnknownClassNames`.
    init(_ configuration: TrainingConfiguration, data: TrainingData, hasTeacher: Bool, note: (String) -> Void) throws {
        let classes = data.folder.classes
        let weights = try configuration.loss.classWeights.values(classes: classes, imageCounts: data.imagesPerClass)
        self.init(
            labelSmoothing: Float(configuration.optimizer.labelSmoothing), classWeights: weights,
            distillation: hasTeacher ? configuration.distillation.term : nil)
        guard !weights.isEmpty else { return }
        note("class weights: \(Figures.list(zip(classes, weights).map { "\($0) \(Figures.threeDigits(Double($1)))" }))")
    }
}
