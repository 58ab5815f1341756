// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what only benchmarks need is neither fetched nor built with the server.
let package = Package(
    name: "fibd-benchmarks",
    dependencies: [
        .package(name: "fibd", path: ".."),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
    ],
    targets: [
        .target(name: "Shared", path: "Shared"),
        .executableTarget(
            name: "image-tree",
            dependencies: [
                "Shared",
                .product(name: "ChangeLog", package: "fibd"),
                .product(name: "HashTreeCollections", package: "swift-collections"),
            ], path: "ImageTree"),
        .executableTarget(
            name: "store-commits", dependencies: [.product(name: "Storage", package: "fibd")], path: "StoreCommits"),
        .executableTarget(
            name: "notifier-chain",
            dependencies: [
                .product(name: "Addressing", package: "fibd"),
                .product(name: "ChangeLog", package: "fibd"),
                .product(name: "ControlPlane", package: "fibd"),
                .product(name: "Hardware", package: "fibd"),
                .product(name: "Routing", package: "fibd"),
                .product(name: "Threads", package: "fibd"),
            ], path: "NotifierChain"),
        .executableTarget(
            name: "lookups",
            dependencies: [
                "Shared",
                .product(name: "Addressing", package: "fibd"),
                .product(name: "ControlPlane", package: "fibd"),
                .product(name: "Routing", package: "fibd"),
            ], path: "Lookups"),
        .executableTarget(
            name: "filters",
            dependencies: [
                .product(name: "ChangeLog", package: "fibd"), .product(name: "TrafficControl", package: "fibd"),
            ], path: "Filters"),
        .executableTarget(
            name: "paths",
            dependencies: [
                "Shared",
                .product(name: "Addressing", package: "fibd"),
                .product(name: "ChangeLog", package: "fibd"),
                .product(name: "ControlPlane", package: "fibd"),
                .product(name: "PathAttributes", package: "fibd"),
                .product(name: "Routing", package: "fibd"),
            ], path: "Paths"),
        .executableTarget(
            name: "hot-paths",
            dependencies: [
                "Shared",
                .product(name: "API", package: "fibd"),
                .product(name: "ControlPlane", package: "fibd"),
                .product(name: "HTTPServer", package: "fibd"),
                .product(name: "JSON", package: "fibd"),
            ], path: "HotPaths"),
        .executableTarget(
            name: "http-probe", dependencies: [.product(name: "HTTPServer", package: "fibd")],
            path: "HTTPServerProbe"),
    ]
)
