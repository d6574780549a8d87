import Interchange

extension TrainingConfiguration {
    /// The loss of a classification.
    public struct LossOptions: Equatable, Sendable {
        public var classWeights: ClassWeights

        init(_ section: ConfigurationSection) {
            classWeights = ClassWeights(section, key: "classWeights")
            section.finish()
        }

        var text: ConfigurationText { .section([("classWeights", classWeights.text)]) }
    }
}

/// How much the images of each class count in the loss.
public enum ClassWeights: Equatable, Sendable {
    /// All images count equally.
    case none
    /// Inversely proportional to the number of training images of the class.
    case balanced
    /// Weights of some classes by name; those of the others are 1.
    case named([String: Double])

    private static let range = NumberRange.between(0.001, 1000)

    init(_ section: ConfigurationSection, key: String) {
        section.declare(
            key, "`none`, `balanced`, or weights by class, each \(ValueText.range(Self.range))", "none",
            """
            `balanced`: inversely proportional to the number of training images of the class. Weights of some classes by name: \
            `{cat: 2, dog: 0.5}`; classes without a weight have 1
            """)
        guard let node = section.value(key) else {
            self = .none
            return
        }
        if let entries = node.entries {
            let weights = section.section(key)
            self = .named(
                Dictionary(entries.map { ($0.key, weights.number($0.key, Self.range)) }, uniquingKeysWith: { first, _ in first }))
            return
        }
        switch node.text {
        case "none": self = .none
        case "balanced": self = .balanced
        default:
            section.report(key, "is \(node.description); allowed are none, balanced, or weights such as {cat: 2, dog: 0.5}")
            self = .none
        }
    }

    var text: ConfigurationText {
        switch self {
        case .none: return .scalar("none")
        case .balanced: return .scalar("balanced")
        case .named(let weights):
            let entries = weights.sorted { $0.key < $1.key }
                .map { "\(ConfigurationText.quoted($0.key)): \(ConfigurationText.number($0.value))" }
            return .scalar("{\(entries.joined(separator: ", "))}")
        }
    }

    /// The weight of each class, scaled so that the mean over the training images is 1. Empty if all are 1.
    ///
    /// - Parameters:
    ///   - classes: names in the order of their labels.
    ///   - imageCounts: training images of each class.
    /// - Throws: `UnknownClassNames` if a weight is for a class that does not exist.
    package func values(classes: [String], imageCounts: [Int]) throws(UnknownClassNames) -> [Float] {
        let weights: [Double]
        switch self {
        case .none: return []
        case .balanced: weights = imageCounts.map { 1 / Double(max($0, 1)) }
        case .named(let named):
            let unknown = named.keys.filter { !classes.contains($0) }.sorted()
            guard unknown.isEmpty else { throw UnknownClassNames(key: "loss.classWeights", unknown: unknown, classes: classes) }
            weights = classes.map { named[$0] ?? 1 }
        }
        let sum = zip(weights, imageCounts).reduce(0) { $0 + $1.0 * Double($1.1) }
        let mean = sum / Double(imageCounts.reduce(0, +))
        return weights.map { Float($0 / mean) }
    }
}

/// A key names classes that the data does not have.
package struct UnknownClassNames: Error, Equatable, CustomStringConvertible {
    var key: String
    var unknown: [String]
    var classes: [String]

    package var description: String {
        "key '\(key)' names \(unknown.count == 1 ? "a class that does" : "classes that do") not exist: \(Figures.list(unknown)); the "
            + "data has \(classes.count) classes: \(Figures.list(classes, limit: 100))"
    }
}
