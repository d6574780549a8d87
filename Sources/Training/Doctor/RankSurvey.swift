import Communication

/// One value of every rank, grouped by equal values.
struct RankSurvey {
    /// A value, and the ranks that have it.
    struct Group: Equatable {
        var value: String
        var ranks: [Int]
        /// Of the first of these ranks.
        var host: String
    }

    private(set) var groups: [Group] = []

    /// Gathers the values of all ranks. Collective.
    init(_ value: String, label: String, _ communicator: Communicator) throws {
        let hosts = try communicator.allGatherStrings(communicator.hostName, label: "hosts")
        self.init(try communicator.allGatherStrings(value, label: label), hosts: hosts)
    }

    /// - Parameters:
    ///   - values: in rank order.
    ///   - hosts: in rank order.
    init(_ values: [String], hosts: [String]) {
        for (rank, value) in values.enumerated() {
            if let index = groups.firstIndex(where: { $0.value == value }) {
                groups[index].ranks.append(rank)
            } else {
                groups.append(Group(value: value, ranks: [rank], host: hosts[rank]))
            }
        }
    }

    var isEqual: Bool { groups.count == 1 }

    /// The value, or each value with its ranks.
    var text: String {
        guard !isEqual else { return groups[0].value }
        return groups.map { group in
            let others = group.ranks.count - 1
            return "\(group.value) on rank \(group.ranks[0]) (\(group.host))" + (others == 0 ? "" : " and \(others) more")
        }.joined(separator: "; ")
    }
}
