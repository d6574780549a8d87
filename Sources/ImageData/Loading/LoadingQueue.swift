import Foundation

/// The queue of batches in progress. Loading threads claim single images of these batches and fill them.
///
/// `@unchecked Sendable` is safe: `condition` protects all variables, including those of the pending batches. Loading threads write to
/// disjoint images of a batch. A single thread mixes them, after all loads were reported as finished under the lock. `next` reads a batch
/// only after it was reported as ready under the lock. `makeMemory` runs only on the caller's thread.
final class LoadingQueue<Memory>: @unchecked Sendable {
    private let samples: [ImageDataset.Sample]
    private let size: Int
    private let transform: ImageTransform
    private let sampler: EpochSampler
    private let mixer: ImageMixer?
    private let pendingLimit: Int
    private let makeMemory: (Int) -> (memory: Memory, images: UnsafeMutablePointer<Float>)
    private let condition = NSCondition()
    /// The batches that have memory and that `next` has not returned yet, in order.
    private var pending: [PendingBatch<Memory>] = []
    /// The next batch to get memory.
    private var nextBatch: Int
    private var isStopped = false
    private(set) var waitingSeconds = 0.0

    init(
        samples: [ImageDataset.Sample], size: Int, transform: ImageTransform, sampler: EpochSampler, mixer: ImageMixer?,
        firstBatch: Int, pendingLimit: Int, makeMemory: @escaping (Int) -> (memory: Memory, images: UnsafeMutablePointer<Float>)
    ) {
        self.samples = samples
        self.transform = transform
        self.sampler = sampler
        self.pendingLimit = pendingLimit
        self.makeMemory = makeMemory
        self.size = size
        self.mixer = mixer
        nextBatch = firstBatch
        addBatches()
    }

    /// Adds batches up to the limit. Runs on the caller's thread, either under the lock or before the loading threads exist.
    private func addBatches() {
        while pending.count < pendingLimit, nextBatch < sampler.batchCount {
            let items = sampler.items(nextBatch)
            pending.append(
                PendingBatch(
                    items: items, partners: mixer.map { sampler.partners(nextBatch, shift: $0.shift) } ?? [],
                    mixtures: mixer.map { mixer in items.map { mixer.mixture(key: key($0)) } } ?? [], size: size,
                    makeMemory(items.count)))
            nextBatch += 1
        }
    }

    /// The body of a loading thread.
    func work() {
        while let (batch, load) = claim() {
            let item = batch.loads[load]
            var failure: Error?
            do {
                let image = try ImageDecoder.decode(samples[item.index].source)
                transform.apply(image, sampleIndex: key(item), into: batch.image(load))
            } catch {
                failure = error
            }
            finish(batch, load, failure)
        }
    }

    private func key(_ item: EpochItem) -> Int { item.key(imageCount: samples.count) }

    /// Claims the next image to load. Waits while all images of the pending batches are claimed. Returns nil at the end of the epoch and
    /// after `stop`.
    private func claim() -> (PendingBatch<Memory>, Int)? {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped {
            if let batch = pending.first(where: { $0.nextLoad < $0.loads.count }) {
                batch.nextLoad += 1
                return (batch, batch.nextLoad - 1)
            }
            if nextBatch == sampler.batchCount { return nil }
            condition.wait()
        }
        return nil
    }

    /// Reports a load as finished. The thread that finishes the last load of a batch also mixes its images. It does so without the lock,
    /// because no other thread uses the batch then.
    private func finish(_ batch: PendingBatch<Memory>, _ load: Int, _ failure: Error?) {
        let isLast = condition.withLock {
            if let failure, batch.failure.map({ load < $0.load }) ?? true { batch.failure = (load, failure) }
            batch.unfinished -= 1
            return batch.unfinished == 0
        }
        guard isLast else { return }
        if batch.failure == nil { batch.mix() }
        condition.withLock {
            batch.isReady = true
            condition.broadcast()
        }
    }

    func next() throws -> LoadedBatch<Memory>? {
        let start = DispatchTime.now().uptimeNanoseconds
        condition.lock()
        defer { condition.unlock() }
        guard !isStopped, let batch = pending.first else { return nil }
        addBatches()
        condition.broadcast()
        while !isStopped && !batch.isReady { condition.wait() }
        waitingSeconds += Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        if isStopped { return nil }
        pending.removeFirst()
        if let failure = batch.failure { throw failure.error }
        return LoadedBatch(
            memory: batch.memory, labels: batch.items.map { samples[$0.index].label }, sampleIndices: batch.items.map(key),
            partnerLabels: batch.partners.map { samples[$0.index].label }, partnerShares: batch.partnerShares)
    }

    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        condition.unlock()
    }
}
