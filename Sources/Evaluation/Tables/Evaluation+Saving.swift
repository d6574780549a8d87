import Foundation
import Inference
import Interchange

extension Evaluation {
    /// Writes evaluation.json and evaluation.txt durably.
    public func save(to runFolder: RunFolder) throws {
        try JSON.write(self, to: runFolder.evaluationData)
        try DurableFile.write(Data((text() + "\n").utf8), to: runFolder.evaluationTable)
    }
}
