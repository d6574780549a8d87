import NeuralNetwork

/// The sub-batches of a micro-batch that this rank computes under a plan.
///
/// Images that move travel at the resolution of their pass, with what belongs to them. Their results (losses, and the gradients of the
/// choices) travel back. Everything that the step sums over the ranks is counted where it is computed: gradients, statistics of batch
/// norms, and the values of the report.
///
/// The order of a sub-batch is fixed: by the rank that the images come from, then by their order in its batch.
final class MovedSubBatches {
    /// Where a row of a sub-batch comes from.
    private enum Origin {
        /// An image of this rank's batch.
        case own(Int)
        /// An image of another rank. The value is its place among all that arrived.
        case other(Int)
    }

    /// Images that arrived from one rank.
    private struct Arrival {
        var from: Int
        /// The place of the first among all that arrived.
        var first: Int
        /// The offset of the first in the received values.
        var offset: Int
        var count: Int
    }

    /// Images that this rank sent.
    private struct Departure {
        var kind: Int
        var to: Int
        var images: [Int]
    }

    private let work: RoutedWork
    private let batch: MicroBatch
    private let model: DRNet
    private let exchange: any ImageExchange
    private let record: ImageRecord
    /// Images of each kind that stay.
    private var kept: [[Int]]
    private var departures: [Departure] = []
    private var arrivals: [[Arrival]]
    private var received: Tensor?
    private var origins: [[Origin]]
    /// The results of the images that arrived.
    private var replies: [Float] = []
    /// Images that arrived from each rank, and images that were sent to each rank.
    private var arrived: [Int]
    private var sent: [Int]

    /// Loss, and gradient of the choice.
    private static let replyLength = 2

    /// Sends this rank's images to where the plan computes them, and receives others. Collective.
    ///
    /// - Parameters:
    ///   - plan: of all ranks, with at least one move.
    ///   - work: of this rank.
    ///   - batch: of this rank, with the teacher's answers if there is a teacher.
    ///   - teachingClasses: the length of a teacher's answer; 0 without a teacher.
    init(
        _ plan: BalancePlan, _ work: RoutedWork, _ batch: MicroBatch, model: DRNet, teachingClasses: Int, exchange: any ImageExchange
    ) throws {
        self.work = work
        self.batch = batch
        self.model = model
        self.exchange = exchange
        record = ImageRecord(teachingClasses: teachingClasses)
        kept = work.images
        arrivals = work.images.map { _ in [] }
        origins = arrivals.map { _ in [] }
        (arrived, sent) = ([Int](repeating: 0, count: exchange.rankCount), [Int](repeating: 0, count: exchange.rankCount))
        let own = exchange.rank
        let outgoing = plan.moves.filter { $0.from == own }.sorted { ($0.to, $0.kind) < ($1.to, $1.kind) }
        let incoming = plan.moves.filter { $0.to == own }.sorted { ($0.from, $0.kind) < ($1.from, $1.kind) }
        // The last images of a sub-batch move.
        for move in outgoing { kept[move.kind].removeLast(move.count) }
        var next = kept.map(\.count)
        departures = outgoing.map { move in
            defer { next[move.kind] += move.count }
            return Departure(kind: move.kind, to: move.to, images: Array(work.images[move.kind][next[move.kind]...].prefix(move.count)))
        }
        try transfer(incoming)
    }

    private func side(_ kind: Int) -> Int { model.resolutions[work.resolution(kind)] }

    /// Collective.
    private func transfer(_ incoming: [BalancePlan.Move]) throws {
        var (counts, receivedCounts) = (sent, arrived)
        for departure in departures {
            sent[departure.to] += departure.images.count
            counts[departure.to] += departure.images.count * record.length(side: side(departure.kind))
        }
        var offset = 0
        for move in incoming {
            arrivals[move.kind].append(
                Arrival(from: move.from, first: arrived.reduce(0, +), offset: offset, count: move.count))
            let length = move.count * record.length(side: side(move.kind))
            offset += length
            arrived[move.from] += move.count
            receivedCounts[move.from] += length
        }
        replies = [Float](repeating: 0, count: Self.replyLength * arrived.reduce(0, +))
        let context = batch.images.context
        let (outgoing, received) = (packed(counts.reduce(0, +)), Tensor(Shape(batch: offset, channels: 1), context))
        try exchange.allToAll(
            UnsafeBufferPointer(start: outgoing.data, count: outgoing.shape.count), counts: counts,
            into: UnsafeMutableBufferPointer(start: received.data, count: received.shape.count), counts: receivedCounts,
            label: "images for even work")
        self.received = received
    }

    /// The records of all departures, in their order.
    private func packed(_ count: Int) -> Tensor {
        let result = Tensor(Shape(batch: count, channels: 1), batch.images.context)
        var next = result.data
        for departure in departures {
            let images = model.resizing(batch.images.gathering(departure.images), toResolution: work.resolution(departure.kind))
            for (row, image) in departure.images.enumerated() {
                record.write(batch, image, pixels: images.image(row), side: side(departure.kind), to: next)
                next += record.length(side: side(departure.kind))
            }
        }
        return result
    }

    /// The sub-batch of a kind on this rank, and the images of it that are to be computed. Local.
    func subBatch(_ kind: Int) -> (batch: MicroBatch, images: [Int]) {
        guard !arrivals[kind].isEmpty, let received else {
            origins[kind] = kept[kind].map { .own($0) }
            return (batch, kept[kind])
        }
        let side = side(kind)
        let count = kept[kind].count + arrivals[kind].reduce(0) { $0 + $1.count }
        var assembly = ImageRecord.Assembly(
            count: count, side: side, teachingClasses: record.teachingClasses, batch.images.context)
        let before = arrivals[kind].filter { $0.from < exchange.rank }
        let after = arrivals[kind].filter { $0.from > exchange.rank }
        origins[kind] = []
        func append(_ arrivals: [Arrival]) {
            for arrival in arrivals {
                for place in 0..<arrival.count {
                    record.read(received.data + arrival.offset + place * record.length(side: side), into: &assembly)
                    origins[kind].append(.other(arrival.first + place))
                }
            }
        }
        append(before)
        if !kept[kind].isEmpty {
            let images = model.resizing(batch.gathering(kept[kind]), toResolution: work.resolution(kind))
            for (row, image) in kept[kind].enumerated() {
                assembly.append(batch, image, pixels: images.image(row))
                origins[kind].append(.own(image))
            }
        }
        append(after)
        return (assembly.batch, Array(0..<count))
    }

    /// Takes the results of a kind's sub-batch. Those of this rank's images go to `outcome`. Local.
    func record(_ answer: TrainingStep.SubBatchAnswer, _ kind: Int, into outcome: inout PolicyOutcome) {
        for (row, origin) in origins[kind].enumerated() where row < answer.losses.count {
            let gate = answer.gateGradients.isEmpty ? nil : answer.gateGradients[row]
            switch origin {
            case .own(let image):
                outcome.record(loss: answer.losses[row], gateGradient: gate, image: image, resolution: work.resolution(kind))
            case .other(let place):
                replies[Self.replyLength * place] = answer.losses[row]
                replies[Self.replyLength * place + 1] = gate ?? 0
            }
        }
    }

    /// Sends the results of all images back to the ranks that they came from. Collective.
    func returnResults(into outcome: inout PolicyOutcome) throws {
        var results = [Float](repeating: 0, count: Self.replyLength * sent.reduce(0, +))
        try replies.withUnsafeBufferPointer { replies in
            try results.withUnsafeMutableBufferPointer {
                try exchange.allToAll(
                    replies, counts: arrived.map { Self.replyLength * $0 }, into: $0, counts: sent.map { Self.replyLength * $0 },
                    label: "results of images for even work")
            }
        }
        var next = 0
        for departure in departures {
            let isProbe = departure.kind >= work.resolutionCount
            for image in departure.images {
                outcome.record(
                    loss: results[next], gateGradient: isProbe ? nil : results[next + 1], image: image,
                    resolution: work.resolution(departure.kind))
                next += Self.replyLength
            }
        }
    }
}
