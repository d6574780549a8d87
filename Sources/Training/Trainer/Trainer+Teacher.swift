import Communication
import Configuration
import Inference

extension Trainer {
    /// Loads the teacher on every rank, and checks that all ranks, and the run so far, have the same. Nil if there is none, or if no
    /// training is left. Collective.
    ///
    /// - Parameters:
    ///   - configuration: the same on all ranks.
    ///   - classes: of the run, in the order of their labels.
    ///   - saved: the state that the run continues from; nil for a new run.
    ///   - communicator: of this rank.
    ///   - note: receives sentences for a person.
    /// - Throws: `TeacherChanged`; `ConfiguredTeacher`'s errors.
    static func teacher(
        _ configuration: TrainingConfiguration, classes: [String], continuing saved: TrainingState?, _ communicator: Communicator,
        note: (String) -> Void
    ) throws -> ConfiguredTeacher? {
        let plans = StagePlan.plans(configuration.stages)
        let hasStagnated = saved?.hasStagnated(in: plans) ?? false
        guard configuration.distillation.term != nil,
            trains(plans, from: saved?.position ?? TrainingPosition(), hasStagnated: hasStagnated)
        else { return nil }
        let teacher = try communicator.agree(label: "teacher") {
            let teacher = try ConfiguredTeacher(configuration, classes: classes, note: note)
            if let checksum = saved?.teacher, checksum != teacher.checksum {
                throw TeacherChanged(path: teacher.path, found: teacher.checksum, expected: checksum)
            }
            return teacher
        }
        let all = try communicator.allGatherStrings("\(communicator.hostName) \(teacher.checksum)", label: "teacher")
            .map { $0.split(separator: " ").map(String.init) }
        if let rank = all.indices.first(where: { all[$0][1] != all[0][1] }) {
            throw TeacherDisagreement(path: teacher.path, rank: rank, host: all[rank][0])
        }
        return teacher
    }

    /// Whether a stage with training steps is left.
    ///
    /// - Parameter hasStagnated: whether the stage of the position ends here.
    private static func trains(_ plans: [StagePlan], from position: TrainingPosition, hasStagnated: Bool) -> Bool {
        plans.enumerated().contains { index, plan in
            let isUnfinished = index == position.stage && position.epoch < plan.epochs && !hasStagnated
            return !plan.isRecalibration && (index > position.stage || isUnfinished)
        }
    }
}

/// The teacher of a resumed run is not the one that it was trained with.
struct TeacherChanged: Error, CustomStringConvertible {
    var path: String
    var found: String
    var expected: String

    var description: String {
        "\(path): distillation.teacher is another file than the one that the run was trained with (checksum \(found), was \(expected)): "
            + "restore that file, or train further in a new run folder"
    }
}

/// Two ranks have different teachers.
struct TeacherDisagreement: SharedFailure, CustomStringConvertible {
    var path: String
    var rank: Int
    var host: String

    var description: String {
        "\(path): distillation.teacher of rank \(rank) on \(host) is another file than that of rank 0; every host needs the same file at "
            + "the same path"
    }
}
