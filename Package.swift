// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is checked alike, tests included.
let checked: [SwiftSetting] = [
    .treatAllWarnings(as: .error), .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    // Debug builds, and so all tests, check at run time that no two accesses to a class's property overlap. In the hot
    // loops of a release build these checks cost a tenth of the time.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let package = Package(
    name: "fibd",
    products: [
        .executable(name: "fibd", targets: ["fibd"]),
        // For the benchmarks and the fuzzer, which are packages of their own.
        .library(name: "API", targets: ["API"]),
        .library(name: "Addressing", targets: ["Addressing"]),
        .library(name: "ChangeLog", targets: ["ChangeLog"]),
        .library(name: "ControlPlane", targets: ["ControlPlane"]),
        .library(name: "HTTPServer", targets: ["HTTPServer"]),
        .library(name: "Hardware", targets: ["Hardware"]),
        .library(name: "JSON", targets: ["JSON"]),
        .library(name: "PathAttributes", targets: ["PathAttributes"]),
        .library(name: "Routing", targets: ["Routing"]),
        .library(name: "ServiceSupport", targets: ["ServiceSupport"]),
        .library(name: "Storage", targets: ["Storage"]),
        .library(name: "TestSupport", targets: ["TestSupport"]),
        .library(name: "Threads", targets: ["Threads"]),
        .library(name: "TrafficControl", targets: ["TrafficControl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-atomics", exact: "1.3.0"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    ],
    targets: [
        // Rooms for C and the operating system.
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "CMicrohttpd", cSettings: [.unsafeFlags(["-Wall", "-Wextra"])],
            linkerSettings: [.linkedLibrary("microhttpd")]),
        .target(
            name: "COpenAPI", exclude: ["openapi.yaml"],
            cSettings: [.unsafeFlags(["-std=c23", "-Wall", "-Wextra"])]),
        .target(name: "CMemory", cSettings: [.unsafeFlags(["-Wall", "-Wextra"])]),
        .target(name: "Platform", dependencies: ["CMemory"], swiftSettings: checked),
        .target(
            name: "Threads", dependencies: [.product(name: "Atomics", package: "swift-atomics")],
            swiftSettings: checked),
        .target(name: "Storage", dependencies: ["CNettle", "CSQLite"], swiftSettings: checked),
        .target(name: "Compression", dependencies: ["CZlib"], swiftSettings: checked),

        // Values and pure rules.
        .target(name: "Bytes", swiftSettings: checked),
        .target(name: "Addressing", dependencies: ["Bytes"], swiftSettings: checked),
        .target(
            name: "JSON", dependencies: ["Bytes"], swiftSettings: checked + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "ChangeLog", dependencies: ["CNettle", "CMemory", "Threads"], swiftSettings: checked),
        .target(name: "Routing", dependencies: ["Addressing", "ChangeLog"], swiftSettings: checked),
        .target(
            name: "TrafficControl",
            dependencies: [
                "Addressing", "ChangeLog", "Routing", "Threads",
                .product(name: "Atomics", package: "swift-atomics"),
                .product(name: "HashTreeCollections", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ], swiftSettings: checked),

        .target(
            name: "PathAttributes",
            dependencies: [
                "Addressing", "ChangeLog", "Routing", "Threads",
                .product(name: "Atomics", package: "swift-atomics"),
                .product(name: "HeapModule", package: "swift-collections"),
            ], swiftSettings: checked),

        // The running system and its interface.
        .target(
            name: "ControlPlane",
            dependencies: [
                "Addressing", "Bytes", "ChangeLog", "JSON", "PathAttributes", "Platform", "Routing", "Storage",
                "Threads",
                "TrafficControl",
            ],
            swiftSettings: checked),
        .target(
            name: "Hardware",
            dependencies: [
                "Addressing", "ChangeLog", "ControlPlane", "Platform", "Routing", "Threads", "TrafficControl",
            ],
            swiftSettings: checked),
        .target(name: "HTTPServer", dependencies: ["Bytes", "CMicrohttpd", "Threads"], swiftSettings: checked),
        .target(
            name: "API",
            dependencies: [
                "Addressing", "Bytes", "COpenAPI", "ChangeLog", "Compression", "ControlPlane", "HTTPServer",
                "Hardware", "JSON", "PathAttributes", "Platform", "Routing", "Threads", "TrafficControl",
            ], swiftSettings: checked),
        .executableTarget(
            name: "fibd",
            dependencies: [
                "API", "ChangeLog", "ControlPlane", "HTTPServer", "Hardware", "JSON", "Platform", "Routing", "Storage",
                "Threads",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: checked),

        // Tests.
        .target(name: "TestSupport", dependencies: ["CZlib", "Storage", "Threads"], swiftSettings: checked),
        .target(
            name: "ServiceSupport",
            dependencies: [
                "API", "Addressing", "ChangeLog", "ControlPlane", "HTTPServer", "PathAttributes", "Routing",
                "TestSupport", "TrafficControl",
            ],
            swiftSettings: checked),
        .testTarget(
            name: "HTTPServerTests", dependencies: ["HTTPServer", "TestSupport", "Threads"], swiftSettings: checked),
        .testTarget(name: "StorageTests", dependencies: ["Storage", "TestSupport", "Threads"], swiftSettings: checked),
        .testTarget(name: "ThreadsTests", dependencies: ["Threads"], swiftSettings: checked),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: checked),
        .testTarget(name: "CompressionTests", dependencies: ["Compression", "TestSupport"], swiftSettings: checked),
        .testTarget(name: "BytesTests", dependencies: ["Bytes", "TestSupport"], swiftSettings: checked),
        .testTarget(name: "AddressingTests", dependencies: ["Addressing", "TestSupport"], swiftSettings: checked),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"], swiftSettings: checked),
        .testTarget(
            name: "RoutingTests", dependencies: ["Addressing", "ChangeLog", "Routing", "TestSupport"],
            swiftSettings: checked),
        .testTarget(
            name: "TrafficControlTests",
            dependencies: ["ChangeLog", "Routing", "TestSupport", "Threads", "TrafficControl"], swiftSettings: checked),
        .testTarget(
            name: "PathAttributesTests",
            dependencies: ["Addressing", "ChangeLog", "PathAttributes", "Routing", "TestSupport", "Threads"],
            swiftSettings: checked),
        .testTarget(
            name: "ControlPlaneTests",
            dependencies: [
                "Addressing", "Bytes", "ChangeLog", "ControlPlane", "PathAttributes", "Routing", "ServiceSupport",
                "Storage", "TestSupport", "Threads", "TrafficControl",
            ],
            swiftSettings: checked),
        .testTarget(
            name: "HardwareTests",
            dependencies: [
                "Addressing", "ChangeLog", "ControlPlane", "Hardware", "Platform", "Routing", "TestSupport", "Threads",
            ],
            swiftSettings: checked),
        .testTarget(name: "ChangeLogTests", dependencies: ["ChangeLog", "TestSupport"], swiftSettings: checked),
        .testTarget(
            name: "APITests",
            dependencies: [
                "Addressing", "API", "ChangeLog", "Compression", "ControlPlane", "HTTPServer", "JSON", "PathAttributes",
                "Routing", "ServiceSupport",
                "Storage", "TestSupport", "Threads", "TrafficControl",
            ],
            swiftSettings: checked),
        // Runs the program itself, which every build of the tests makes beside them.
        .testTarget(
            name: "EndToEndTests", dependencies: ["ChangeLog", "TestSupport"],
            resources: [.embedInCode("Samples/machine.json")], swiftSettings: checked),
    ]
)
