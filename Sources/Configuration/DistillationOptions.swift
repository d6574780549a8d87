import DynamicResolution
import NeuralNetwork

extension TrainingConfiguration {
    /// Distillation from a teacher.
    public struct DistillationOptions: Equatable, Sendable {
        /// Path of a safetensors file, of a run or of a checkpoint; nil: no teacher.
        public var teacher: String?
        /// The teacher's architecture; nil for the one that the file fits.
        public var architecture: Backbone?
        /// Factor of the number of channels of every layer of the teacher; nil for the one that the file fits.
        public var width: Double?
        /// Side of the images that the teacher sees, in pixels.
        public var resolution: Int
        /// α, the share of the teacher's term in the loss.
        public var weight: Double
        /// T.
        public var temperature: Double

        init(_ section: ConfigurationSection, largestResolution: Int) {
            teacher = section.optionalText(
                "teacher",
                about: """
                    a file of weights ([weights.md](weights.md)), the folder of a run or a checkpoint, as for `classifier.pretrained`. Its \
                    last layer must have the run's classes in the same order
                    """)
            architecture = section.optionalChoice("architecture", defaultText: "by the file", about: "the teacher's architecture")
            width = section.optionalNumber("width", .between(0.05, 8), defaultText: "by the file", about: "the teacher's width")
            resolution = section.integer(
                "resolution", default: largestResolution, 8...2048, defaultText: "the largest of `resolutions`",
                about: """
                    size of the images that the teacher sees, in pixels. They are resized from the largest resolution. With a run as \
                    teacher, the batch norms are those of its closest resolution
                    """)
            weight = section.number("weight", default: 0.5, .fraction, about: "α; 0: the teacher is not loaded")
            temperature = section.number("temperature", default: 4, .between(0.1, 100), about: "T")
            section.finish()
        }

        /// The teacher's term of the loss; nil without a teacher or without a weight.
        package var term: TeacherDistillation? {
            teacher == nil || weight == 0 ? nil : TeacherDistillation(weight: Float(weight), temperature: Float(temperature))
        }

        var text: ConfigurationText {
            .section([
                ("teacher", .value(teacher)), ("architecture", .scalar(architecture?.rawValue ?? "null")),
                ("width", .scalar(width.map(ConfigurationText.number) ?? "null")), ("resolution", .value(resolution)),
                ("weight", .value(weight)),
                ("temperature", .value(temperature)),
            ])
        }
    }

    /// Reports a teacher that no stage uses.
    func checkDistillation(_ section: ConfigurationSection) {
        guard distillation.teacher != nil, stages.warmUp == nil, stages.fineTune == nil else { return }
        section.section("distillation").report("teacher", "is set, but no stage trains: add stages.warmUp or stages.fineTune")
    }
}
