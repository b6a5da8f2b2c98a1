/// Every promise of `ClusterStore`. A store is one when all cases pass on it.
package enum StoreConformance {
    package static let cases: [ConformanceCase] =
        records + races + lists + bodies + leases + lifecycle + follow
}
