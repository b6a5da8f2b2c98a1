// swift-tools-version: 6.2
import PackageDescription

// Targets stand in layer order: a target may depend only on targets above it in its own plane and on Shared.
// `ops/check-layers` holds every import to these lists.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

// Products of packages, by the name sources import.
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let concurrencyHelpers = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let ordered = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

func library(_ name: String, _ path: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func program(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func tests(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

let shared: [Target] = [
    library("Timebase", "Shared/Timebase"),
    library("Bytes", "Shared/Bytes", [nioCore]),
    library("EngineModel", "Shared/EngineModel", ["Timebase", nioCore]),
    library("ClusterModel", "Shared/ClusterModel", ["Timebase", crypto]),
    library("Observability", "Shared/Observability", [logging, metrics, coreMetrics]),
    library("Settings", "Shared/Settings", ["Observability", configuration]),
    library("Daemon", "Shared/Daemon", ["Observability", "Settings", logging, nioTLS, unixSignals]),
    .systemLibrary(
        name: "CCurl",
        path: "Shared/CCurl",
        pkgConfig: "libcurl",
        providers: [.apt(["libcurl4-openssl-dev"])]
    ),
    library("HTTPClient", "Shared/HTTPClient", ["CCurl", "Observability", logging]),
]

let media: [Target] = [
    library("MediaModel", "DataPlane/Media/MediaModel", ["Timebase", nioCore]),
    library("Codecs", "DataPlane/Media/Codecs", ["Bytes", "MediaModel", nioCore]),
    library("FLV", "DataPlane/Media/Containers/FLV", ["Bytes", "MediaModel", "Timebase", nioCore]),
    library("FMP4", "DataPlane/Media/Containers/FMP4", ["Bytes", "Codecs", "MediaModel", "Timebase", nioCore]),
    library("MPEGTS", "DataPlane/Media/Containers/MPEGTS", ["Bytes", "Codecs", "MediaModel", "Timebase", nioCore]),
]

let recording: [Target] = [
    library("Recording", "DataPlane/Recording", ["Bytes", "FMP4", "MediaModel", "Timebase", nioCore])
]

let protocols: [Target] = [
    library(
        "RTMP",
        "DataPlane/Protocols/RTMP",
        ["Bytes", "Codecs", "EngineModel", "FLV", "MediaModel", "Timebase", crypto, deque, nioCore]
    ),
    library(
        "HLS",
        "DataPlane/Protocols/HLS",
        ["Bytes", "Codecs", "FMP4", "MPEGTS", "MediaModel", "Timebase", deque, nioCore]
    ),
    library("DASH", "DataPlane/Protocols/DASH", ["Codecs", "HLS", "MediaModel", "Timebase", nioCore]),
    library("ProxyProtocol", "DataPlane/Protocols/ProxyProtocol", [nioCore]),
    library("ICE", "DataPlane/Protocols/ICE", ["Bytes", "Timebase", crypto, deque, nioCore]),
    library("SDP", "DataPlane/Protocols/SDP"),
    library(
        "Relay",
        "DataPlane/Protocols/Relay",
        ["Bytes", "ClusterModel", "EngineModel", "MediaModel", "Timebase", deque, nioCore]
    ),
    library("AntMediaSignalling", "DataPlane/Protocols/AntMediaSignalling", ["Timebase"]),
    library("RTP", "DataPlane/Protocols/RTP", ["Bytes", "Codecs", "MediaModel", "Timebase", deque, nioCore]),
    library("SecureTransport", "DataPlane/Protocols/SecureTransport", ["Timebase", nioCore]),
    library(
        "WebRTC",
        "DataPlane/Protocols/WebRTC",
        ["Codecs", "ICE", "MediaModel", "RTP", "SDP", "SecureTransport", "Timebase", deque, nioCore]
    ),
]

let transcoding: [Target] = [
    library(
        "Transcoding",
        "DataPlane/Transcoding",
        ["ClusterModel", "Codecs", "MediaModel", "Observability", "Timebase", deque, metrics, nioCore]
    ),
    .systemLibrary(
        name: "CLibAV",
        path: "DataPlane/Native/CLibAV",
        pkgConfig: "libavcodec",
        providers: [.apt(["libavcodec-dev", "libavutil-dev", "libswscale-dev", "libswresample-dev"])]
    ),
    library("LibAV", "DataPlane/Native/LibAV", ["CLibAV", "Codecs", "MediaModel", "Timebase", "Transcoding", nioCore]),
]

let dataPlane: [Target] = [
    .systemLibrary(name: "CLinux", path: "DataPlane/Native/CLinux"),
    .systemLibrary(
        name: "COpenSSL",
        path: "DataPlane/Native/COpenSSL",
        pkgConfig: "openssl",
        providers: [.apt(["libssl-dev"])]
    ),
    .systemLibrary(
        name: "CSRTP",
        path: "DataPlane/Native/CSRTP",
        pkgConfig: "libsrtp2",
        providers: [.apt(["libsrtp2-dev"])]
    ),
    library("DTLS", "DataPlane/Native/DTLS", ["COpenSSL", "SecureTransport", "Timebase", deque, nioCore]),
    library("SRTP", "DataPlane/Native/SRTP", ["COpenSSL", "CSRTP", "SecureTransport", nioCore]),
    .systemLibrary(
        name: "CSRT",
        path: "DataPlane/Native/CSRT",
        pkgConfig: "srt",
        providers: [.apt(["libsrt-openssl-dev"])]
    ),
    library("SRT", "DataPlane/Native/SRT", ["CSRT", "Observability", "Timebase", logging, nioCore]),
    library(
        "Streams",
        "DataPlane/Streams",
        ["ClusterModel", "Codecs", "MediaModel", "Observability", "Timebase", deque, logging, metrics, nioCore]
    ),
    library(
        "Renditions",
        "DataPlane/Renditions",
        [
            "ClusterModel", "Codecs", "MediaModel", "Observability", "Streams", "Timebase", "Transcoding", deque,
            logging, metrics, nioCore,
        ]
    ),
    library(
        "Drivers",
        "DataPlane/Drivers",
        ["EngineModel", "ProxyProtocol", "Timebase", logging, metrics, nioCore, nioTLS]
    ),
    library(
        "FanOut",
        "DataPlane/FanOut",
        [
            "ClusterModel", "Drivers", "MediaModel", "Observability", "Streams", "Timebase", deque, logging, metrics,
            nioCore,
        ]
    ),
    library(
        "RTMPServer",
        "DataPlane/Servers/RTMPServer",
        [
            "ClusterModel", "Codecs", "Drivers", "EngineModel", "FanOut", "FLV", "MediaModel", "Observability",
            "ProxyProtocol", "RTMP",
            "Streams", "Timebase", lifecycle, logging, metrics, nioCore, nioPosix, nioTLS,
        ]
    ),
    library(
        "HTTPServer",
        "DataPlane/Servers/HTTPServer",
        [
            "ClusterModel", "Codecs", "DASH", "Drivers", "EngineModel", "FanOut", "FLV", "FMP4", "HLS", "MediaModel",
            "Observability", "ProxyProtocol",
            "Streams", "Timebase", "Transcoding", lifecycle, logging, metrics, nioCore, nioHTTP1, nioPosix, nioTLS,
            nioWebSocket,
        ]
    ),
    library(
        "WebRTCServer",
        "DataPlane/Servers/WebRTCServer",
        [
            "AntMediaSignalling", "CLinux", "ClusterModel", "Codecs", "Drivers", "FanOut", "HTTPServer", "ICE",
            "MediaModel", "Observability", "RTP", "SDP",
            "SecureTransport", "Streams", "Timebase", "Transcoding", "WebRTC", logging, metrics, nioCore, nioHTTP1,
            nioPosix,
        ]
    ),
    library(
        "RelayService",
        "DataPlane/Servers/RelayService",
        [
            "ClusterModel", "Drivers", "EngineModel", "FanOut", "MediaModel", "Observability", "Relay", "Streams",
            "Timebase",
            lifecycle, logging, metrics, nioCore, nioPosix, nioTLS,
        ]
    ),
    library(
        "SRTServer",
        "DataPlane/Servers/SRTServer",
        [
            "ClusterModel", "Codecs", "FanOut", "MPEGTS", "MediaModel", "Observability", "SRT", "Streams", "Timebase",
            deque, logging, metrics, nioCore,
        ]
    ),
    library(
        "Recorder",
        "DataPlane/Servers/Recorder",
        [
            "ClusterModel", "MediaModel", "Observability", "Recording", "Streams", "Timebase", logging, metrics,
            nioCore,
            nioPosix,
        ]
    ),
    library(
        "Previews",
        "DataPlane/Servers/Previews",
        [
            "ClusterModel", "MediaModel", "Observability", "Streams", "Timebase", "Transcoding", logging, nioCore,
            nioPosix,
        ]
    ),
    library(
        "ObjectStore",
        "DataPlane/Servers/ObjectStore",
        ["HTTPClient", "Observability", "Recorder", "Timebase", crypto, nioPosix]
    ),
    library(
        "OutsideLinks",
        "DataPlane/Servers/OutsideLinks",
        [
            "ClusterModel", "Codecs", "Drivers", "EngineModel", "FanOut", "FMP4", "HTTPClient", "MPEGTS", "MediaModel",
            "Observability", "RTMP", "RTMPServer", "SRT", "SRTServer", "Streams", "Timebase", logging, metrics, nioCore,
            nioPosix, nioTLS,
        ]
    ),
    library(
        "LoadGenerator",
        "DataPlane/LoadGenerator",
        [
            "CLinux", "ClusterModel", "Codecs", "DTLS", "EngineModel", "FLV", "ICE", "MediaModel", "Observability",
            "RTMP", "RTP",
            "SDP", "SRTP", "SecureTransport", "Timebase", "WebRTC", histogram, nioCore,
        ]
    ),
    library(
        "Worker",
        "DataPlane/Worker",
        [
            "ClusterModel", "Codecs", "Daemon", "Drivers", "DTLS", "FanOut", "HLS", "HTTPClient", "HTTPServer", "ICE",
            "LibAV", "MediaModel", "ObjectStore", "Observability", "OutsideLinks", "Previews", "Recorder", "Recording",
            "Relay",
            "RelayService", "Renditions", "RTMPServer", "SRTP", "SRTServer", "SecureTransport", "Settings", "Streams",
            "Timebase", "WebRTCServer", deque, lifecycle, logging, metrics, nioCore,
            nioPosix, nioTLS,
        ]
    ),
    program("millrace-worker", "DataPlane/millrace-worker", ["Observability", "Settings", "Worker", metrics]),
]

let controlPlane: [Target] = [
    library("Domain", "ControlPlane/Domain", ["ClusterModel", "Timebase", deque, ordered]),
    library("MemoryStore", "ControlPlane/Stores/MemoryStore", ["ClusterModel", "Domain", "Timebase"]),
    library("SQLiteStore", "ControlPlane/Stores/SQLiteStore", ["ClusterModel", "Domain", "Timebase", grdb, logging]),
    .systemLibrary(
        name: "CMongoC",
        path: "ControlPlane/Stores/CMongoC",
        pkgConfig: "libmongoc-1.0",
        providers: [.apt(["libmongoc-dev"])]
    ),
    .target(name: "CMongoCounters", path: "ControlPlane/Stores/CMongoCounters"),
    library(
        "MongoStore",
        "ControlPlane/Stores/MongoStore",
        ["ClusterModel", "CMongoC", "CMongoCounters", "Domain", "Timebase", logging]
    ),
    library(
        "StoreSelection",
        "ControlPlane/Stores/StoreSelection",
        ["Domain", "MongoStore", "Settings", "SQLiteStore"]
    ),
    library("StoreMove", "ControlPlane/Stores/StoreMove", ["Domain", "Timebase"]),
    library(
        "Coordination",
        "ControlPlane/Coordination",
        ["ClusterModel", "Domain", "Observability", "Timebase", deque, logging, metrics]
    ),
    library(
        "Webhooks",
        "ControlPlane/Webhooks",
        [
            "ClusterModel", "Coordination", "Domain", "Observability", "Timebase", crypto, deque, logging, metrics,
        ]
    ),
    library(
        "API",
        "ControlPlane/API",
        [
            "ClusterModel", "Coordination", "Domain", "Observability", "Timebase", crypto, deque, httpTypes,
            hummingbird,
            logging, metrics, nioCore,
        ]
    ),
    library(
        "ControlPlaneService",
        "ControlPlane/Service",
        [
            "API", "ClusterModel", "Coordination", "Daemon", "Domain", "HTTPClient", "Observability", "Settings",
            "StoreSelection", "Timebase", "Webhooks", crypto,
            hummingbird, hummingbirdTLS, lifecycle, logging, metrics, nioCore, nioPosix, unixSignals,
        ]
    ),
    program(
        "millrace-control",
        "ControlPlane/millrace-control",
        ["ControlPlaneService", "Observability", "Settings", metrics]
    ),
]

let operations: [Target] = [
    library("Diagnosis", "ops/Diagnosis", ["ClusterModel"]),
    program(
        "millrace",
        "ops/millrace",
        [
            "ClusterModel", "Codecs", "Diagnosis", "Domain", "FLV", "HTTPClient", "LibAV", "LoadGenerator",
            "MediaModel",
            "Observability", "Relay", "Settings",
            "StoreMove", "StoreSelection", "Timebase", "Transcoding", arguments, logging, nioCore, nioPosix,
        ]
    ),
]

let testSupport: [Target] = [
    library("TestSupport", "Tests/Support/TestSupport", ["EngineModel", "Timebase", nioCore]),
    library("MediaFixtures", "Tests/Support/MediaFixtures", ["Codecs", "MediaModel", "Timebase", nioCore]),
    library("StreamFixtures", "Tests/Support/StreamFixtures", ["MediaModel", "Streams", "Timebase"]),
    library(
        "StoreConformance",
        "Tests/Support/StoreConformance",
        ["ClusterModel", "Domain", "TestSupport", "Timebase"]
    ),
    library(
        "ClusterHarness",
        "Tests/Support/ClusterHarness",
        ["ClusterModel", "FLV", "HTTPClient", "TestSupport", nioCore]
    ),
    library("ClaimHistory", "Tests/Support/ClaimHistory", ["TestSupport"]),
    library(
        "Simulator",
        "Tests/Simulation/Simulator",
        [
            "ClusterModel", "Coordination", "Domain", "FanOut", "HLS", "MediaModel", "MemoryStore", "Relay",
            "RelayService", "Renditions", "Streams", "TestSupport", "Timebase", "Worker", deque, logging, nioCore,
            nioEmbedded,
        ]
    ),
    program("millrace-simulate", "Tests/Simulation/Program", ["Simulator", arguments]),
    library(
        "FuzzTargets",
        "Tests/Fuzz/Targets",
        [
            "Bytes", "Codecs", "DASH", "EngineModel", "FLV", "HLS", "ICE", "MPEGTS", "MediaModel", "Relay", "RTMP",
            "RTP",
            "SDP", "SRT", "Timebase", nioCore,
        ]
    ),
]

let testTargets: [Target] = [
    tests(
        "SharedTests",
        "Tests/Shared",
        [
            "Bytes", "ClusterModel", "Observability", "Settings", "TestSupport", "Timebase", coreMetrics, logging,
            metrics, nioCore,
        ]
    ),
    tests(
        "MediaTests",
        "Tests/DataPlane/Media",
        ["Bytes", "Codecs", "FLV", "FMP4", "MediaFixtures", "MediaModel", "TestSupport", "Timebase", nioCore]
    ),
    tests(
        "MPEGTSTests",
        "Tests/DataPlane/MPEGTS",
        ["Codecs", "MPEGTS", "MediaFixtures", "MediaModel", "Timebase", nioCore]
    ),
    tests(
        "RecordingTests",
        "Tests/DataPlane/Recording",
        ["Bytes", "FMP4", "MediaFixtures", "MediaModel", "Recording", "TestSupport", "Timebase", nioCore]
    ),
    tests(
        "RTMPTests",
        "Tests/DataPlane/RTMP",
        ["Bytes", "Codecs", "EngineModel", "FLV", "MediaModel", "RTMP", "TestSupport", "Timebase", crypto, nioCore]
    ),
    tests(
        "ICETests",
        "Tests/DataPlane/ICE",
        ["Bytes", "ICE", "TestSupport", "Timebase", nioCore]
    ),
    tests(
        "AntMediaSignallingTests",
        "Tests/DataPlane/AntMediaSignalling",
        ["AntMediaSignalling", "Timebase"]
    ),
    tests("SDPTests", "Tests/DataPlane/SDP", ["SDP"]),
    tests(
        "HLSTests",
        "Tests/DataPlane/HLS",
        ["Bytes", "Codecs", "FMP4", "HLS", "MPEGTS", "MediaFixtures", "MediaModel", "TestSupport", "Timebase", nioCore]
    ),
    tests(
        "DASHTests",
        "Tests/DataPlane/DASH",
        ["Codecs", "DASH", "HLS", "MediaFixtures", "MediaModel", "Timebase", nioCore]
    ),
    tests(
        "RelayTests",
        "Tests/DataPlane/Relay",
        [
            "Bytes", "ClusterModel", "EngineModel", "MediaFixtures", "MediaModel", "Relay", "TestSupport", "Timebase",
            nioCore,
        ]
    ),
    tests(
        "RTPTests",
        "Tests/DataPlane/RTP",
        ["MediaFixtures", "MediaModel", "RTP", "TestSupport", "Timebase", nioCore]
    ),
    tests(
        "SecureTransportTests",
        "Tests/DataPlane/SecureTransport",
        ["DTLS", "SRTP", "SecureTransport", "TestSupport", "Timebase", nioCore]
    ),
    tests(
        "WebRTCTests",
        "Tests/DataPlane/WebRTC",
        [
            "DTLS", "ICE", "MediaModel", "RTP", "SDP", "SRTP", "SecureTransport", "TestSupport", "Timebase", "WebRTC",
            nioCore,
        ]
    ),
    tests(
        "TranscodingTests",
        "Tests/DataPlane/Transcoding",
        [
            "ClusterModel", "Codecs", "LibAV", "MediaFixtures", "MediaModel", "Renditions", "StreamFixtures", "Streams",
            "Timebase", "Transcoding", logging, nioCore, nioPosix,
        ]
    ),
    tests(
        "StreamsTests",
        "Tests/DataPlane/Streams",
        [
            "ClusterModel", "MediaFixtures", "MediaModel", "Streams", "TestSupport", "Timebase", concurrencyHelpers,
            nioCore,
            nioEmbedded,
        ]
    ),
    tests(
        "DriversTests",
        "Tests/DataPlane/Drivers",
        ["Drivers", "EngineModel", "ProxyProtocol", "TestSupport", "Timebase", nioCore, nioEmbedded, nioPosix]
    ),
    tests(
        "FanOutTests",
        "Tests/DataPlane/FanOut",
        [
            "ClusterModel", "Drivers", "FanOut", "MediaModel", "Streams", "TestSupport", "Timebase", concurrencyHelpers,
            nioCore,
            nioEmbedded, nioPosix,
        ]
    ),
    tests(
        "ServersTests",
        "Tests/DataPlane/Servers",
        [
            "ClusterModel", "Codecs", "DASH", "DTLS", "Drivers", "EngineModel", "FanOut", "FLV", "HLS", "HTTPServer",
            "ICE", "MediaFixtures", "MediaModel", "Observability", "RTMP", "RTMPServer", "Relay", "RelayService", "SDP",
            "SRTP", "Streams", "TestSupport", "Timebase", "WebRTC", "WebRTCServer", logging, metrics, nioCore,
            nioEmbedded, nioHTTP1, nioPosix, nioTLS,
        ]
    ),
    tests(
        "RelayServiceTests",
        "Tests/DataPlane/RelayService",
        [
            "ClusterModel", "FanOut", "MediaModel", "Relay", "RelayService", "Renditions", "Settings", "StreamFixtures",
            "Streams", "TestSupport", "Timebase", "Worker", logging, nioCore, nioPosix, nioTLS,
        ]
    ),
    tests(
        "ObjectStoreTests",
        "Tests/DataPlane/ObjectStore",
        ["HTTPClient", "ObjectStore", "Observability", "Timebase", nioCore, nioHTTP1, nioPosix]
    ),
    tests(
        "OutsideLinksTests",
        "Tests/DataPlane/OutsideLinks",
        [
            "ClusterModel", "MediaModel", "Observability", "OutsideLinks", "RTMP", "Streams", "TestSupport", "Timebase",
            nioCore,
        ]
    ),
    tests(
        "SRTServerTests",
        "Tests/DataPlane/SRT",
        [
            "ClusterModel", "FanOut", "MPEGTS", "MediaFixtures", "MediaModel", "Observability", "SRT", "SRTServer",
            "Streams", "Timebase", logging, nioCore, nioPosix,
        ]
    ),
    tests(
        "LoadGeneratorTests",
        "Tests/DataPlane/LoadGenerator",
        ["LoadGenerator", "RTMP", "RTP", "Timebase", nioCore]
    ),
    tests(
        "WorkerTests",
        "Tests/DataPlane/Worker",
        [
            "ClusterModel", "ControlPlaneService", "HTTPClient", "HTTPServer", "MediaFixtures", "MediaModel", "Relay",
            "RelayService", "Renditions", "Settings", "Streams",
            "TestSupport", "Timebase", "Worker", logging, nioCore, nioPosix,
        ]
    ),
    tests("DomainTests", "Tests/ControlPlane/Domain", ["ClusterModel", "Domain", "TestSupport", "Timebase"]),
    tests(
        "StoreTests",
        "Tests/ControlPlane/Stores",
        [
            "ClusterModel", "Coordination", "Domain", "MemoryStore", "MongoStore", "SQLiteStore", "StoreConformance",
            "StoreMove", "TestSupport", "Timebase", logging,
        ]
    ),
    tests(
        "APITests",
        "Tests/ControlPlane/API",
        [
            "API", "ClusterModel", "ControlPlaneService", "Coordination", "Domain", "MemoryStore", "Settings",
            "StoreSelection", "TestSupport", "Timebase", "Webhooks", crypto, httpTypes, hummingbird,
            hummingbirdTesting, logging, nioCore,
        ]
    ),
    tests(
        "OwnershipTests",
        "Tests/ControlPlane/Ownership",
        ["ClaimHistory", "ClusterModel", "Coordination", "Domain", "MemoryStore", "Timebase", logging]
    ),
    tests("OperationsTests", "Tests/Operations", ["ClusterModel", "Diagnosis", "Timebase"]),
    tests("FuzzCorpusTests", "Tests/Fuzz/Replay", ["FuzzTargets"]),
    tests(
        "InteropTests",
        "Tests/Interop",
        ["ClaimHistory", "ClusterHarness", "ClusterModel", "HTTPClient", "SRT", "TestSupport", logging, nioCore]
    ),
    tests("SimulationTests", "Tests/Simulation/Tests", ["ClusterHarness", "millrace-simulate"]),
    tests("TidyTests", "Tests/Tidy", ["ControlPlaneService", "Observability", "Settings", "Worker"]),
]

let package = Package(
    name: "millrace",
    products: [
        .executable(name: "millrace-control", targets: ["millrace-control"]),
        .executable(name: "millrace-worker", targets: ["millrace-worker"]),
        .executable(name: "millrace", targets: ["millrace"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration.git",
            from: "1.4.0",
            traits: ["CommandLineArguments", "YAML"]
        ),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", from: "0.2.0"),
    ],
    targets: shared + media + recording + protocols + transcoding + dataPlane + controlPlane + operations + testSupport
        + testTargets,
    swiftLanguageModes: [.v6]
)
