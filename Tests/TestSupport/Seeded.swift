internal import Glibc

/// SplitMix64: the same numbers in each run with the same seed.
package struct Seeded: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { self.state = seed }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// What Scripts/test says about this run.
package enum TestRun {
    /// Printed at the end of each run; `Scripts/test --seed` repeats its choices.
    package static let seed = Self.variable("MARTLET_TEST_SEED").flatMap { UInt64($0) } ?? 1
    /// The counts that the promises name, instead of small ones.
    package static let isFull = Self.variable("MARTLET_TEST_TIER") == "full"

    /// Random choices of one test, apart from those of the others.
    package static func choices(_ salt: UInt64 = 0) -> Seeded { Seeded(Self.seed &+ salt &* 0x1_0000_0001) }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
