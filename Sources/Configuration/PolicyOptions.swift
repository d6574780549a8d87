import DynamicResolution
import Foundation
import Yams

extension TrainingConfiguration {
    /// How the predictor's gradient is estimated.
    public enum Estimator: String, CaseIterable, Sendable {
        case straightThrough = "straight-through"
        case dense, expected, probe
    }

    /// α, the mean cost that the regulariser lets pass.
    public enum FLOPsTarget: Equatable, Sendable {
        /// Of the classifier's cost at the largest resolution, 0 … 1.
        case share(Double)
        case multiplyAdds(Double)
    }

    /// The learning of the choice.
    public struct PolicyOptions: Equatable, Sendable {
        public var estimator: Estimator
        /// The images whose statistics the classifier's batch norms keep in fine-tuning.
        public var batchNormImages: BatchNormImages
        /// τ of the Gumbel softmax at the beginning and the end of the stage; geometric between them.
        public var temperature: ClosedTemperature
        /// η; where the penalty is `lagrangian`, what its multiplier starts with.
        public var flopsWeight: Double
        /// Epochs of fine-tuning in which η rises linearly from 0.
        public var flopsWarmUpEpochs: Double
        public var flopsTarget: FLOPsTarget
        public var flopsPenalty: FLOPsPenalty
        /// `lagrangian`: what the multiplier gains in an epoch for each unit of excess.
        public var multiplierRate: Double
        /// Whether the predictor's own cost counts towards the target.
        public var countPredictor: Bool
        /// Of balance and entropy.
        public var terms: PolicyTerms

        public struct ClosedTemperature: Equatable, Sendable {
            public var start: Double
            public var end: Double
        }

        /// - Parameter progress: through the stage, 0 … 1.
        public func temperature(progress: Double) -> Double {
            temperature.start * pow(temperature.end / temperature.start, progress)
        }

        /// The share of η, 0 … 1, after a fractional number of epochs of fine-tuning.
        public func flopsWarmUp(at epoch: Double) -> Double {
            epoch < flopsWarmUpEpochs ? epoch / flopsWarmUpEpochs : 1
        }

        /// - Parameter frozen: what fine-tuning leaves as it is.
        init(_ section: ConfigurationSection, frozen: FrozenPart) {
            estimator = section.choice("estimator", default: .expected)
            batchNormImages = Self.batchNormImages(section, estimator, frozen)
            temperature = Self.temperature(section)
            flopsWeight = section.number("flopsWeight", default: 1, .notNegative)
            flopsWarmUpEpochs = section.number("flopsWarmUpEpochs", default: 0, .notNegative)
            flopsTarget = Self.target(section)
            flopsPenalty = section.choice("flopsPenalty", default: .hinge)
            multiplierRate = section.number("multiplierRate", default: 5, .positive)
            countPredictor = section.boolean("countPredictor", default: false)
            terms = PolicyTerms(
                balanceWeight: section.number("balanceWeight", default: 0, .notNegative),
                entropyWeight: section.number("entropyWeight", default: 0.1, .notNegative))
            section.finish()
        }

        /// `dense` can only show all images to the batch norms, and those that do not run all can only show the routed ones. `expected`, which
        /// can do either, shows all of them unless a frozen part forbids it: statistics of what the policy does not choose stay up to date.
        private static func batchNormImages(
            _ section: ConfigurationSection, _ estimator: Estimator, _ frozen: FrozenPart
        ) -> BatchNormImages {
            let usual: BatchNormImages = estimator == .dense || (estimator == .expected && frozen == .none) ? .all : .routed
            let images = section.choice("batchNormImages", default: usual)
            if images != usual && estimator != .expected {
                section.report(
                    "batchNormImages",
                    "is \(images.rawValue), but policy.estimator \(estimator.rawValue) "
                        + (estimator == .dense ? "runs" : "does not run") + " every image at every resolution: leave the key out, or use "
                        + "the estimator expected, which can do either")
            }
            return images
        }

        private static func temperature(_ section: ConfigurationSection) -> ClosedTemperature {
            guard let node = section.value("temperature") else { return ClosedTemperature(start: 1, end: 1) }
            guard node.mapping != nil else {
                let value = section.number(node, "temperature", .positive)
                return ClosedTemperature(start: value, end: value)
            }
            let bounds = section.section("temperature")
            let result = ClosedTemperature(start: bounds.number("start", .positive), end: bounds.number("end", .positive))
            bounds.finish()
            return result
        }

        /// "0.6", "2.5G" or "300M".
        private static func target(_ section: ConfigurationSection) -> FLOPsTarget {
            guard let node = section.value("flopsTarget") else { return .share(0.6) }
            let text = node.scalar?.string ?? ""
            let unit = text.last.flatMap { ["G": 1e9, "M": 1e6][String($0)] }
            guard let number = Double(unit == nil ? text : String(text.dropLast())), number.isFinite, number > 0 else {
                section.report(
                    "flopsTarget",
                    "is \(ConfigurationSection.describe(node)); allowed are a share of the largest resolution's cost, such as 0.6, and "
                        + "multiply-adds, such as 2.5G or 300M")
                return .share(0.6)
            }
            if let unit { return .multiplyAdds(number * unit) }
            return number <= 1 ? .share(number) : .multiplyAdds(number)
        }

        var text: ConfigurationText {
            let target: ConfigurationText
            switch flopsTarget {
            case .share(let share): target = .value(share)
            case .multiplyAdds(let count): target = .value(count)
            }
            return .section([
                ("estimator", .scalar(estimator.rawValue)), ("batchNormImages", .scalar(batchNormImages.rawValue)),
                ("temperature", .section([("start", .value(temperature.start)), ("end", .value(temperature.end))])),
                ("flopsWeight", .value(flopsWeight)), ("flopsWarmUpEpochs", .value(flopsWarmUpEpochs)), ("flopsTarget", target),
                ("flopsPenalty", .scalar(flopsPenalty.rawValue)), ("multiplierRate", .value(multiplierRate)),
                ("countPredictor", .value(countPredictor)), ("balanceWeight", .value(terms.balanceWeight)),
                ("entropyWeight", .value(terms.entropyWeight)),
            ])
        }
    }
}
