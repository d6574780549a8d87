import Kernels
import NeuralNetwork

/// How an image travels between ranks: label, second label, share of the second label, the teacher's logits, pixels. All are floats; labels
/// are exact up to 2²⁴.
struct ImageRecord {
    /// The length of a teacher's answer; 0 without a teacher.
    let teachingClasses: Int

    private static let headLength = 3
    private static let channels = 3

    /// The number of floats of an image.
    ///
    /// - Parameter side: in pixels.
    func length(side: Int) -> Int { Self.headLength + teachingClasses + side * side * Self.channels }

    /// Writes one image.
    ///
    /// - Parameters:
    ///   - batch: has the labels.
    ///   - image: index in the batch.
    ///   - pixels: at the resolution of the pass.
    ///   - side: of the pixels.
    ///   - values: overwritten.
    func write(_ batch: MicroBatch, _ image: Int, pixels: UnsafePointer<Float>, side: Int, to values: UnsafeMutablePointer<Float>) {
        values[0] = Float(batch.labels[image])
        values[1] = batch.partnerLabels.isEmpty ? 0 : Float(batch.partnerLabels[image])
        values[2] = batch.partnerShares.isEmpty ? 0 : batch.partnerShares[image]
        var next = values + Self.headLength
        if let teacher = batch.teacherLogits {
            next.update(from: teacher.image(image), count: teachingClasses)
            next += teachingClasses
        }
        next.update(from: pixels, count: side * side * Self.channels)
    }

    /// Appends one image to a sub-batch.
    func read(_ values: UnsafePointer<Float>, into assembly: inout Assembly) {
        let teacher = values + Self.headLength
        assembly.append(
            label: Int32(values[0]), partner: Int32(values[1]), share: values[2], teacher: teacher, pixels: teacher + teachingClasses)
    }

    /// A sub-batch that images are appended to.
    struct Assembly {
        private(set) var batch: MicroBatch
        private let teachingClasses: Int

        /// - Parameters:
        ///   - count: how many images will be appended.
        ///   - side: of the images, in pixels.
        ///   - teachingClasses: the length of a teacher's answer; 0 without a teacher.
        ///   - context: for the memory.
        init(count: Int, side: Int, teachingClasses: Int, _ context: KernelContext) {
            self.teachingClasses = teachingClasses
            batch = MicroBatch(
                images: Tensor(Shape(batch: count, height: side, width: side, channels: ImageRecord.channels), context), labels: [],
                sampleIndices: [])
            batch.isResized = true
            if teachingClasses > 0 { batch.teacherLogits = Tensor(Shape(batch: count, channels: teachingClasses), context) }
        }

        /// Appends an image of a batch.
        ///
        /// - Parameters:
        ///   - other: the batch.
        ///   - image: index in it.
        ///   - pixels: at the resolution of the pass.
        mutating func append(_ other: MicroBatch, _ image: Int, pixels: UnsafePointer<Float>) {
            append(
                label: other.labels[image], partner: other.partnerLabels.isEmpty ? 0 : other.partnerLabels[image],
                share: other.partnerShares.isEmpty ? 0 : other.partnerShares[image],
                teacher: other.teacherLogits.map { UnsafePointer($0.image(image)) }, pixels: pixels)
        }

        fileprivate mutating func append(
            label: Int32, partner: Int32, share: Float, teacher: UnsafePointer<Float>?, pixels: UnsafePointer<Float>
        ) {
            let row = batch.labels.count
            let shape = batch.images.shape
            batch.images.image(row).update(from: pixels, count: shape.height * shape.width * shape.channels)
            if let logits = batch.teacherLogits, let teacher { logits.image(row).update(from: teacher, count: teachingClasses) }
            batch.labels.append(label)
            batch.partnerLabels.append(partner)
            batch.partnerShares.append(share)
        }
    }
}
