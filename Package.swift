// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is checked alike, tests included.
let checked: [SwiftSetting] = [
    .treatAllWarnings(as: .error), .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "fibd",
    targets: [
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
        .target(name: "Threads", swiftSettings: checked),
        .target(name: "ChangeLog", dependencies: ["CNettle", "Threads"], swiftSettings: checked),
        .testTarget(name: "ThreadsTests", dependencies: ["Threads"], swiftSettings: checked),
        .testTarget(name: "ChangeLogTests", dependencies: ["ChangeLog"], swiftSettings: checked),
    ]
)
