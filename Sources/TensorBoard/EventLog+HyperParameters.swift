import Foundation
import SwiftProtobuf

/// The value of a hyper-parameter.
package enum HyperParameter: Equatable {
    case number(Double)
    case flag(Bool)
    case text(String)

    /// The value that a YAML text stands for.
    package init(yaml text: String) {
        switch text {
        case "true": self = .flag(true)
        case "false": self = .flag(false)
        default:
            if let number = Double(text), number.isFinite {
                self = .number(number)
            } else {
                let isQuoted = text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
                self = .text(isQuoted ? String(text.dropFirst().dropLast()) : text)
            }
        }
    }

    fileprivate var message: TBValue {
        switch self {
        case .number(let number): return .with { $0.numberValue = number }
        case .flag(let flag): return .with { $0.boolValue = flag }
        case .text(let text): return .with { $0.stringValue = text }
        }
    }

    fileprivate var kind: TBHParam.Kind {
        switch self {
        case .number: return .float64
        case .flag: return .bool
        case .text: return .string
        }
    }
}

/// The tab HPARAMS compares runs by hyper-parameters and metrics. Its data are messages in the metadata of summaries.
extension EventLog {
    /// Adds the hyper-parameters of the run.
    ///
    /// - Parameters:
    ///   - parameters: by name.
    ///   - metrics: the tags of the scalars that the tab shows beside them.
    package func begin(_ parameters: [String: HyperParameter], metrics: [String]) {
        let start = time
        let experiment = TBExperiment.with {
            $0.timeCreatedSecs = start
            $0.hparamInfos = parameters.sorted { $0.key < $1.key }.map { name, value in
                .with {
                    $0.name = name
                    $0.type = value.kind
                }
            }
            $0.metricInfos = metrics.map { tag in .with { $0.name = .with { $0.tag = tag } } }
        }
        let session = TBSessionStart.with {
            $0.hparams = parameters.mapValues(\.message)
            $0.startTimeSecs = start
        }
        add(
            [
                Self.value("_hparams_/experiment") { $0.experiment = experiment },
                Self.value("_hparams_/session_start_info") { $0.sessionStartInfo = session },
            ], step: 0)
    }

    /// Marks the run as complete.
    package func end() {
        let session = TBSessionEnd.with {
            $0.status = .success
            $0.endTimeSecs = time
        }
        add([Self.value("_hparams_/session_end_info") { $0.sessionEndInfo = session }], step: 0)
    }

    private static func value(_ tag: String, _ fill: (inout TBHParamsContent) -> Void) -> TBSummaryValue {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        var content = TBHParamsContent()
        fill(&content)
        // As in `add`, nothing of this can fail.
        let bytes: Data = (try? content.serializedBytes(options: options)) ?? Data()
        return .with {
            $0.tag = tag
            $0.metadata = .with {
                $0.pluginData = .with {
                    $0.pluginName = "hparams"
                    $0.content = bytes
                }
            }
        }
    }
}
