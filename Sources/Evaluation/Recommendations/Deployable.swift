import DynamicResolution
import Inference
import Randomness

/// The setting of a way to use the weights.
enum WaySetting: Equatable {
    /// All images take one resolution.
    case fixed(Int)
    /// The decider chooses with the cost weight λ.
    case costWeight(Double)
}

/// What an image gets from a setting.
struct RoutedImage {
    /// Resolution index.
    var choice: Int
    /// With the decision, in the unit of the way's costs.
    var cost: Double
}

/// A kind of way that can be deployed: the fixed resolutions, or a decider at any λ.
struct Deployable {
    /// `fixedResolutions`, `dynamic` or `thresholdCascade`.
    let way: Way
    /// Of every image at every resolution, with the scores of this way.
    let results: [ImageResult]
    /// The costs that the decider weighs.
    let weighed: ImageCosts
    /// The costs that are compared.
    let costs: ImageCosts

    /// The ways of a network, the simplest first.
    ///
    /// - Parameters:
    ///   - results: of every image at every resolution, with the decider's scores.
    ///   - model: its decider is one of the ways.
    ///   - costs: the costs that are compared, with the model's decider.
    static func ways(_ results: [ImageResult], _ model: FrozenDRNet, costs: ImageCosts) -> [Deployable] {
        let fixed = Deployable(
            way: .fixedResolutions, results: results, weighed: model.costs, costs: costs.deciding(isCascade: false, predictor: 0))
        guard model.resolutions.count > 1 else { return [fixed] }
        let cascade = Deployable(
            way: .thresholdCascade, results: results.map(\.withThresholdScores),
            weighed: model.costs.deciding(isCascade: true, predictor: 0),
            costs: costs.deciding(isCascade: true, predictor: 0))
        guard let decider = model.decider, decider.hasNetwork else { return [fixed, cascade] }
        return [fixed, cascade, Deployable(way: .dynamic, results: results, weighed: model.costs, costs: costs)]
    }

    /// The setting with the largest mean cost within a limit, on some images; nil if there is none. λ is calibrated without labels.
    ///
    /// - Parameter limit: in the unit of the costs.
    func setting(within limit: Double, _ images: [Int]) -> WaySetting? {
        weights(images).sweep(costs).parameter(within: limit).map { .costWeight($0) }
    }

    private func weights(_ images: [Int]) -> CostWeights { CostWeights(images.map { results[$0] }, weighed) }

    /// The results of some images with a setting.
    func routed(_ setting: WaySetting, _ images: [Int]) -> [RoutedImage] {
        switch setting {
        case .fixed(let index): return images.map { _ in RoutedImage(choice: index, cost: costs.classifier[index]) }
        case .costWeight(let costWeight):
            let choices = weights(images).choices(costWeight)
            return choices.map { RoutedImage(choice: $0, cost: costs.choices[$0] + costs.predictor) }
        }
    }

    /// The accuracy of some images with a setting.
    func accuracy(_ setting: WaySetting, _ images: [Int]) -> Double {
        zip(images, routed(setting, images)).map { results[$0].isCorrect($1.choice) }.mean ?? 0
    }
}

/// Two halves of the images. What is chosen on one half is measured on the other, so no image is measured with a setting that its own
/// label helped to choose.
struct CrossFitting {
    private let halves: [[Int]]
    /// The number of images.
    let count: Int

    /// The division depends on the number of images alone.
    init(count: Int) {
        self.count = count
        var random = CounterRandom(seed: 0, purpose: .recommendation)
        let order = random.permutation(count)
        halves = [order.prefix(count / 2).sorted(), order.dropFirst(count / 2).sorted()]
    }

    /// The results of all images, each with the setting that was chosen on the other half.
    ///
    /// - Parameter choose: chooses a setting from some images.
    /// - Returns: nil if there is no setting for one of the halves.
    func routed(_ way: Deployable, choose: ([Int]) -> WaySetting?) -> [RoutedImage]? {
        var result = [RoutedImage](repeating: RoutedImage(choice: 0, cost: 0), count: count)
        for (chosen, measured) in [(halves[0], halves[1]), (halves[1], halves[0])] {
            guard let setting = choose(chosen) else { return nil }
            for (image, routed) in zip(measured, way.routed(setting, measured)) { result[image] = routed }
        }
        return result
    }
}
