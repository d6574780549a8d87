import Communication
import ImageData
import Interchange

/// The uses of images in an epoch: their number, and a digest that does not depend on their order. The sum of the ledgers of all ranks must
/// be that of the epoch's list, so that each use happened exactly once, whatever ranks, kills and resumed runs did.
struct EpochLedger: Codable, Equatable, Sendable {
    private(set) var images = 0
    /// Σ of a 64-bit hash of each use, modulo 2⁶⁴.
    private(set) var digest: UInt64 = 0
    /// False if a part of the epoch is not known: an earlier build began it, or the images changed in its middle.
    var isComplete = true

    /// The ledger of an epoch whose first part is not known.
    static var unknown: EpochLedger {
        var ledger = EpochLedger()
        ledger.isComplete = false
        return ledger
    }

    /// Adds the uses of images of some batches.
    ///
    /// - Parameters:
    ///   - keys: of the uses (`EpochItem.key`).
    ///   - samples: the images of the stage.
    ///   - root: the number of bytes of the data set's path, which hosts can mount at different places.
    mutating func add(_ keys: some Sequence<Int>, of samples: [ImageDataset.Sample], root: Int) {
        for key in keys {
            images += 1
            digest &+= Self.hash(key, samples[key % samples.count], root: root)
        }
    }

    /// Adds the uses of other ranks or of earlier steps.
    mutating func add(images: Int, digest: UInt64) {
        self.images += images
        self.digest &+= digest
    }

    /// FNV-1a of the path and the label, then the finaliser of SplitMix64 with the key.
    private static func hash(_ key: Int, _ sample: ImageDataset.Sample, root: Int) -> UInt64 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in sample.source.pathBytes.dropFirst(root) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
        value = (value ^ UInt64(UInt32(bitPattern: sample.label))) &* 0x100_0000_01B3
        value &+= UInt64(key) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// The digest in messages and records.
    var digestText: String {
        let digits = String(digest, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Refuses an epoch whose uses of images are not the expected ones. An incomplete ledger is not checked.
    ///
    /// - Parameters:
    ///   - expected: the ledger of the epoch's list.
    ///   - stage: of the epoch.
    ///   - epoch: within the stage, from 1.
    /// - Throws: `LedgerError`
    func require(_ expected: EpochLedger, stage: String, epoch: Int) throws {
        guard isComplete, images != expected.images || digest != expected.digest else { return }
        throw LedgerError(stage: stage, epoch: epoch, found: self, expected: expected)
    }
}

/// The ranks did not use each image of an epoch exactly once. All ranks throw it.
struct LedgerError: SharedFailure, CustomStringConvertible {
    var stage: String
    /// Starts at 1.
    var epoch: Int
    var found: EpochLedger
    var expected: EpochLedger

    var description: String {
        let difference =
            found.images == expected.images
            ? "the ranks used \(found.images) images, but not those of the epoch's list, each exactly once (digest \(found.digestText), "
                + "expected \(expected.digestText))"
            : "the ranks used \(found.images) images instead of \(expected.images)"
        return "epoch \(epoch) of stage \(stage): \(difference). The weights after this epoch are not saved. Continue from the newest "
            + "checkpoint with --resume; if it happens again, report it with metrics.jsonl and config.yaml"
    }
}
