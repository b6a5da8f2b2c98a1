import ClusterModel
import Coordination
import HTTPTypes
import Testing
import Timebase

@Suite struct AutoscaleTests {
    private static func beat(_ api: TestAPI, _ id: String, cpu: Double) async throws {
        var load = NodeLoad()
        load.cpu = cpu
        let heartbeat = Heartbeat(bootId: "boot1", load: load, sessions: 3)
        #expect(try await api.call(.post, "/v1/nodes/\(id)/heartbeat", json: heartbeat).status == 200)
    }

    @Test func `a load that no node can have is cut to what one can`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await Self.register(api)
            let rate = #""egressBitsPerSecond":9223372036854775807"#
            let load = #"{"cpu":1e300,"memory":-1e300,"encoderQueueDepth":-3,\#(rate)}"#
            for number in 1...4 {
                let path = "/v1/nodes/edge\(number)/heartbeat"
                #expect(try await api.call(.post, path, #"{"bootId":"boot1","load":\#(load)}"#).status == 200)
            }
            await cluster.coordinator.judgeScale()
            let keda = try await api.call(.get, "/v1/autoscale/region2/edge/keda?metric=utilisation")
            #expect(keda.status == 200)
            let node: NodeResource = try await api.call(.get, "/v1/nodes/edge1").decode()
            #expect(node.load.cpu == 1 && node.load.memory == 0 && node.load.encoderQueueDepth == 0)
        }
    }

    /// Three periods of ten seconds.
    private static func pass(_ cluster: TestCluster, _ api: TestAPI, cpu: Double, periods: Int = 3) async throws {
        for _ in 0..<periods {
            cluster.time.advance(by: .seconds(10))
            for number in 1...4 { try await beat(api, "edge\(number)", cpu: cpu) }
            await cluster.coordinator.judgeScale()
        }
    }

    private static func register(_ api: TestAPI) async throws {
        for number in 1...4 { try await api.register("edge\(number)", role: .edge, group: "region2") }
    }

    @Test func `the answer has the contract's form, and each autoscaler's own`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await Self.register(api)
            try await Self.pass(cluster, api, cpu: 0.83)
            let scaling: ScalingResource = try await api.call(.get, "/v1/autoscale/region2/edge").decode()
            #expect(scaling.current == 4 && scaling.desired == 6 && scaling.utilisation == 0.83)
            #expect(scaling.reasons == ["cpu 0.83 > 0.70 for 3 periods"])
            let keda = try await api.call(.get, "/v1/autoscale/region2/edge/keda")
            #expect(keda.text == #"{"metricName":"desired","value":6}"#)
            let used = try await api.call(.get, "/v1/autoscale/region2/edge/keda?metric=utilisation")
            #expect(used.text == #"{"metricName":"utilisation","value":83}"#)
            let external = try await api.call(.get, "/v1/autoscale/region2/edge/external-metric").text
            #expect(external.contains(#""apiVersion":"external.metrics.k8s.io/v1beta1""#))
            #expect(external.contains(#""kind":"ExternalMetricValueList""#) && external.contains(#""value":"6""#))
            let group = "/apis/external.metrics.k8s.io/v1beta1"
            let metric = "\(group)/namespaces/default/millrace_autoscale_utilisation"
            #expect(
                try await api.call(.get, group, token: nil).text.contains(#""name":"millrace_autoscale_utilisation""#)
            )
            for (selector, isThere) in [("", true), ("role%20in%20%28edge%29", true), ("role%3Dorigin", false)] {
                let answer = try await api.call(.get, "\(metric)?labelSelector=\(selector)", token: nil)
                #expect(answer.text.contains(#""value":"830m""#) == isThere, "\(selector)")
            }
            #expect(try await api.call(.get, "\(metric)?labelSelector=group%3D%3D%3Da", token: nil).status == 400)
            #expect(try await api.call(.get, "\(group)/namespaces/default/cpu", token: nil).status == 404)
            let all: Page<ScalingResource> = try await api.call(.get, "/v1/autoscale").decode()
            #expect(all.items.map(\.role) == [.edge])
            for path in ["/v1/autoscale/nowhere/edge", "/v1/autoscale/region2/origin", "/v1/autoscale/region2/x"] {
                #expect(try await api.call(.get, path).status == 404)
            }
        }
    }

    @Test func `a node asks whether it should go, and is told when it may be ended`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            let policy = #"{"scaling":{"edge":{"scaleInPeriods":2,"protectedSeconds":0,"drainSeconds":60}}}"#
            #expect(try await api.call(.put, "/v1/groups/region2", policy).status == 201)
            try await Self.register(api)
            try await Self.pass(cluster, api, cpu: 0.05, periods: 2)
            let scaling: ScalingResource = try await api.call(.get, "/v1/autoscale/region2/edge").decode()
            let leaving = try #require(scaling.leaving.first)
            let answer: LeaveAnswer = try await api.call(.get, "/v1/nodes/\(leaving)/leave").decode()
            #expect(answer.leave && answer.deadline == 60 && answer.sessionsLeft == 3 && !answer.safeToTerminate)
            let beat: HeartbeatAnswer = try await api.beat(leaving).decode()
            #expect(beat.directives == [Directive(type: .drain, deadline: 60, hasReplacement: false)])
            // It told that it is empty only after it had heard that it shall take nothing new.
            cluster.time.advance(by: .seconds(6))
            let last = Heartbeat(bootId: "boot1", load: NodeLoad(), isDraining: true)
            #expect(try await api.call(.post, "/v1/nodes/\(leaving)/heartbeat", json: last).status == 200)
            let later: LeaveAnswer = try await api.call(.get, "/v1/nodes/\(leaving)/leave").decode()
            #expect(later.sessionsLeft == 0 && later.safeToTerminate)
            #expect(try await api.call(.get, "/v1/nodes/nobody/leave").status == 404)
        }
    }

    @Test func `two control planes on one store come to one decision`() async throws {
        let first = try await TestCluster()
        let second = try await TestCluster(over: first.store, time: first.time)
        try await first.test { api in
            try await Self.register(api)
            for _ in 0..<3 {
                first.time.advance(by: .seconds(10))
                for number in 1...4 { try await Self.beat(api, "edge\(number)", cpu: 0.83) }
                try await second.coordinator.load()
                await first.coordinator.judgeScale()
                await second.coordinator.judgeScale()
            }
            let scaling: ScalingResource = try await api.call(.get, "/v1/autoscale/region2/edge").decode()
            #expect(scaling.desired == 6)
            #expect(scaling.trail.count == 1)
        }
        try await second.test { api in
            let scaling: ScalingResource = try await api.call(.get, "/v1/autoscale/region2/edge").decode()
            #expect(scaling.desired == 6 && scaling.trail.count == 1)
        }
    }

    @Test func `a policy that cannot be right is refused by name`() async throws {
        try await TestCluster().test { api in
            let answer = try await api.call(.put, "/v1/groups/g", #"{"scaling":{"edge":{"min":5,"max":2}}}"#)
            #expect(answer.status == 422 && answer.text.contains("scaling.edge.min 5 is above max 2"))
        }
    }

    @Test func `the node list tells how long the store took`() async throws {
        let cluster = try await TestCluster()
        try await cluster.test { api in
            try await api.register("node1")
            let node: NodeResource = try await api.call(.get, "/v1/nodes/node1").decode()
            #expect(node.storeMilliseconds == 0)
        }
    }
}
