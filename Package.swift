// swift-tools-version: 6.2
import PackageDescription

// Every target is Swift 6 with warnings as errors. Only the wrappers around C libraries may touch raw
// pointers; all other targets build with strict memory safety, so that a pointer needs the word `unsafe`,
// which Scripts/check refuses there.
let wrapper: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let strict = wrapper + [.strictMemorySafety()]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

/// One wrapper around one C library.
func wrapperTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: wrapper)
}

/// A test target that mirrors `name`; the servers' addresses come from the environment (Scripts/stack).
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, resources: resources,
        // Optimized test code brings nothing (Scripts/test --full builds for release), and Swift 6.3.1 crashes on some.
        swiftSettings: wrapper + [.unsafeFlags(["-Onone"], .when(configuration: .release))])
}

let package = Package(
    name: "martlet",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML", "Reloading"]),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    ],
    targets: [
        // L0: C libraries and pure values
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CGMime", pkgConfig: "gmime-3.0", providers: [.apt(["libgmime-3.0-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CLinear", providers: [.apt(["liblinear-dev"])]),
        .systemLibrary(name: "CTextCat", pkgConfig: "libexttextcat", providers: [.apt(["libexttextcat-dev"])]),
        .systemLibrary(name: "CPosix"),
        .target(name: "CTinyBLAS"),
        .target(name: "CEncoderKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-ffp-contract=fast"])]),
        .target(name: "DeskModel", dependencies: [logging], swiftSettings: strict),

        // L1: one wrapper for each C library
        wrapperTarget("ConnectionThread", ["CPosix"]),
        wrapperTarget("Curl", ["CCurl", "ConnectionThread", logging]),
        wrapperTarget("Postgres", ["CPQ", "ConnectionThread", logging, lifecycle]),
        wrapperTarget("MIME", ["CGMime", "DeskModel", crypto]),
        wrapperTarget("Systemd", ["CSystemd", "CPosix", "ConnectionThread", logging, lifecycle]),
        wrapperTarget("Encoder", ["COpenBLAS", "CEncoderKernels", "ConnectionThread"]),
        wrapperTarget("LinearModel", ["CLinear", "CTinyBLAS", "ConnectionThread"]),
        wrapperTarget("LanguageGuess", ["CTextCat", "ConnectionThread"]),

        // L2: protocols, storage, queue, triage, answers
        .target(
            name: "MailTransport", dependencies: ["Curl", "DeskModel", "ConnectionThread", logging],
            swiftSettings: strict),
        .target(
            name: "DeskStore", dependencies: ["Postgres", "DeskModel", logging],
            resources: [.embedInCode("Migrations")], swiftSettings: strict),
        .target(
            name: "WorkQueue", dependencies: ["Postgres", logging, lifecycle],
            resources: [.embedInCode("Migrations")], swiftSettings: strict),
        .target(
            name: "Triage",
            dependencies: [
                "Encoder", "LinearModel", "LanguageGuess", "DeskModel", .product(name: "Yams", package: "Yams"),
                logging,
            ], swiftSettings: strict),
        .target(
            name: "Answering",
            dependencies: [
                "Encoder", "LinearModel", "DeskModel", .product(name: "Mustache", package: "swift-mustache"), logging,
            ], swiftSettings: strict),

        // L3: the product
        .target(
            name: "Desk",
            dependencies: [
                "MailTransport", "DeskStore", "WorkQueue", "Triage", "Answering", "MIME", "Curl", "Postgres", "Encoder",
                "DeskModel", "ConnectionThread", "Systemd", logging, lifecycle, crypto,
            ], swiftSettings: strict),

        // L4: the command
        .executableTarget(
            name: "martlet",
            dependencies: [
                "Desk", "DeskModel", "DeskStore", "MailTransport", "WorkQueue", "Triage", "Answering", "MIME",
                "Postgres",
                "Encoder", "Systemd", "Curl", "ConnectionThread", "CPosix", logging, lifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Yams", package: "Yams"),
            ], swiftSettings: strict),

        // Tests mirror the tree
        .target(
            name: "TestSupport", dependencies: ["Postgres"], path: "Tests/TestSupport", swiftSettings: wrapper),
        tests("ConnectionThread"),
        .target(
            name: "ScriptedServer", dependencies: ["CPosix", "ConnectionThread"], path: "Tests/ScriptedServer",
            swiftSettings: wrapper),
        tests("Curl", ["ScriptedServer"]),
        tests("Postgres", ["TestSupport", "ConnectionThread", logging, lifecycle]),
        tests("MIME", ["DeskModel"]),
        tests("Systemd", [lifecycle, logging]),
        tests("Encoder", ["ConnectionThread"], resources: [.copy("Fixtures")]),
        tests("LinearModel"),
        tests("LanguageGuess"),
        tests("DeskModel", ["TestSupport"]),
        tests("MailTransport", ["DeskModel", "Curl", "ConnectionThread", "ScriptedServer", "TestSupport", logging]),
        tests("DeskStore", ["TestSupport", "Postgres", "DeskModel", "WorkQueue"]),
        tests("WorkQueue", ["TestSupport", "Postgres", lifecycle, logging]),
        tests("Triage", ["Encoder", "DeskModel"], resources: [.copy("Fixtures")]),
        tests("Answering", ["Encoder", "DeskModel"]),
        tests(
            "Desk",
            [
                "TestSupport", "ScriptedServer", "DeskStore", "Postgres", "DeskModel", "MailTransport", "WorkQueue",
                "MIME",
                "Triage", "Answering", "Encoder", "ConnectionThread", logging, lifecycle,
            ], resources: [.copy("Fixtures")]),
        tests(
            "martlet",
            [
                "DeskModel", "Desk", "DeskStore", "MailTransport", "Systemd",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
    ]
)
