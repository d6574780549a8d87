import DynamicResolution
import TestSupport
import XCTest

@testable import Configuration

final class LossOptionsTests: XCTestCase {
    private let minimal = """
        resolutions: [96, 64]
        data: {folder: photos}
        classifier: {architecture: resnet18}
        optimizer: {batchSize: 32}
        stages: {warmUp: {epochs: 3, learningRate: {base: 0.1}}}
        """

    private func load(_ overrides: String...) throws -> TrainingConfiguration {
        try TrainingConfiguration.load(text: minimal, path: "run.yaml", overrides: overrides)
    }

    private func problems(_ overrides: String...) -> [String] {
        configurationProblems { try TrainingConfiguration.load(text: minimal, path: "run.yaml", overrides: overrides) }
    }

    // MARK: - Class weights

    func testClassWeightsAreNoneBalancedOrNamed() throws {
        XCTAssertEqual(try load().loss.classWeights, .none)
        XCTAssertEqual(try load("loss.classWeights=none").loss.classWeights, .none)
        XCTAssertEqual(try load("loss.classWeights=balanced").loss.classWeights, .balanced)
        XCTAssertEqual(try load("loss.classWeights={cat: 2, \"5\": 0.5}").loss.classWeights, .named(["cat": 2, "5": 0.5]))
        XCTAssertEqual(try load("loss.classWeights.cat=2").loss.classWeights, .named(["cat": 2]))
    }

    func testClassWeightsComeBackFromTheResolvedText() throws {
        for value in ["none", "balanced", "{cat: 2, dog: 0.3}", "{'a: \"b\", {c}': 3, '<<': 2, 'null': 1.5, 'größe #2': 0.1}", "{}"] {
            let configuration = try load("loss.classWeights=\(value)")
            XCTAssertEqual(
                try TrainingConfiguration.load(text: configuration.yaml(), path: "config.yaml", overrides: []), configuration, value)
            XCTAssertNotNil(configuration.values["loss.classWeights"], "one key, which a resumed run compares")
        }
    }

    func testWrongClassWeightsAreRefusedWithWhatIsAllowed() {
        for (value, message) in [
            ("inverse", "key 'loss.classWeights' is 'inverse'; allowed are none, balanced, or weights such as {cat: 2, dog: 0.5}"),
            ("[1, 2]", "key 'loss.classWeights' is a list of 2; allowed are none"),
            ("{cat: 0}", "key 'loss.classWeights.cat' is 0; allowed is 0.001 to 1000"),
            ("{cat: many}", "key 'loss.classWeights.cat' takes a number, not 'many'"),
            ("{cat: }", "key 'loss.classWeights.cat' is missing"),
        ] {
            XCTAssertTrue(
                problems("loss.classWeights=\(value)").contains { $0.contains(message) }, "\(problems("loss.classWeights=\(value)"))")
        }
        XCTAssertTrue(problems("loss.weights=balanced").first?.contains("'loss.weights' is unknown") ?? false)
    }

    func testTheMeanWeightOfTheTrainingImagesIsOne() throws {
        let (classes, counts) = (["a", "b", "c"], [10, 30, 60])
        XCTAssertEqual(try ClassWeights.none.values(classes: classes, imageCounts: counts), [])
        let balanced = try ClassWeights.balanced.values(classes: classes, imageCounts: counts)
        assertClose(balanced, [100 / 30.0, 100 / 90.0, 100 / 180.0], "N / (K n)")
        let named = try ClassWeights.named(["c": 3]).values(classes: classes, imageCounts: counts)
        XCTAssertEqual(named[2] / named[0], 3, accuracy: 1e-6)
        XCTAssertEqual(named[0], named[1])
        for weights in [balanced, named] {
            let sum = zip(weights, counts).reduce(0) { $0 + $1.0 * Float($1.1) }
            XCTAssertEqual(sum, 100, accuracy: 1e-4)
        }
    }

    func testUnknownClassesAreRefusedWithTheListOfClasses() {
        XCTAssertThrowsError(try ClassWeights.named(["cat": 2, "x": 1, "y": 3]).values(classes: ["cat", "dog"], imageCounts: [1, 1])) {
            XCTAssertEqual(
                "\($0)",
                "key 'loss.classWeights' names classes that do not exist: x, y; the data has 2 classes: cat, dog")
        }
    }

    // MARK: - The teacher

    func testTheTeachersKeysHaveDefaultsAndComeBack() throws {
        let none = try load()
        XCTAssertNil(none.distillation.teacher)
        XCTAssertNil(none.distillation.term)
        let taught = try load("distillation.teacher=runs/large")
        XCTAssertEqual(taught.distillation.resolution, 96, "the largest candidate")
        XCTAssertEqual(taught.distillation.term, TeacherDistillation(weight: 0.5, temperature: 4))
        XCTAssertNil(try load("distillation={teacher: t, weight: 0}").distillation.term)
        let all = try load(
            "distillation={teacher: t.safetensors, architecture: resnet50, width: 0.5, resolution: 128, weight: 0.9, temperature: 2}")
        XCTAssertEqual(all.distillation.architecture?.rawValue, "resnet50")
        XCTAssertEqual(all.distillation.width, 0.5)
        for configuration in [none, taught, all] {
            XCTAssertEqual(
                try TrainingConfiguration.load(text: configuration.yaml(), path: "config.yaml", overrides: []), configuration)
        }
    }

    func testWrongKeysOfTheTeacherAreRefused() {
        for (value, message) in [
            ("teacher=t", ""), ("architecture=vgg", "key 'distillation.architecture' is 'vgg'; allowed are resnet18"),
            ("width=9", "key 'distillation.width' is 9; allowed is 0.05 to 8"),
            ("resolution=4", "key 'distillation.resolution' is 4; 8 to"),
            ("weight=1.5", "key 'distillation.weight' is 1.5; allowed is 0 to 1"),
            ("temperature=0", "key 'distillation.temperature' is 0; allowed is 0.1 to 100"),
            ("teachers=t", "key 'distillation.teachers' is unknown; did you mean 'teacher'?"),
        ] {
            let found = problems("distillation.\(value)")
            XCTAssertTrue(message.isEmpty ? found.isEmpty : found.contains { $0.contains(message) }, "\(found)")
        }
        let found = problems("distillation.teacher=t", "stages={recalibrate: {}}", "classifier.pretrained=c")
        XCTAssertTrue(found.contains { $0.contains("key 'distillation.teacher' is set, but no stage trains") }, "\(found)")
    }
}
