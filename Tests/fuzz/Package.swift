// swift-tools-version: 6.2
import PackageDescription

// A package of its own: all of it is built with the sanitizers that the fuzzer needs.
let package = Package(
    name: "fibd-fuzz",
    dependencies: [.package(name: "fibd", path: "../..")],
    targets: [
        .executableTarget(
            name: "fuzz",
            dependencies: [
                .product(name: "Addressing", package: "fibd"),
                .product(name: "ControlPlane", package: "fibd"),
                .product(name: "JSON", package: "fibd"),
                .product(name: "PathAttributes", package: "fibd"),
                .product(name: "Routing", package: "fibd"),
                .product(name: "ServiceSupport", package: "fibd"),
                .product(name: "Storage", package: "fibd"),
                .product(name: "TestSupport", package: "fibd"),
            ], path: "Fuzz")
    ]
)
