import ClusterModel
import Foundation
import HTTPTypes
import NIOCore
import Testing

/// The ways to put a node in a group.
@Suite struct NodeGroupTests {
    private func group(_ api: TestAPI, _ node: String) async throws -> String {
        try await api.call(.get, "/v1/nodes/\(node)").decode(NodeResource.self).group
    }

    @Test(arguments: ["/rest/changeServerSettings", "/rest/v2/server-settings"])
    func `Ant Media's call moves a node and answers in its form`(path: String) async throws {
        let bodies = [
            (#"{"nodeGroup":"x1","serverName":"s"}"#, "x1"), (#"{"modeGroup":"x2"}"#, "x2"),
            (#"{"serverName":"t"}"#, "x2"), (#"{"nodeGroup":""}"#, "region1"),
        ]
        try await TestCluster().test { (api: TestAPI) async throws in
            try await api.register("e1", role: .edge)
            for (body, expected) in bodies {
                let answer = try await api.call(.post, path + "?nodeId=e1", body)
                #expect(answer.status == 200)
                let result = try #require(
                    try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView)) as? [String: Any]
                )
                #expect(result["success"] as? Bool == true && result["message"] is String)
                #expect(try await group(api, "e1") == expected)
            }
        }
    }

    @Test func `the call is refused without a node, with a bad name, and without a token`() async throws {
        let path = "/rest/v2/server-settings"
        try await TestCluster().test { (api: TestAPI) async throws in
            try await api.register("e1", role: .edge)
            #expect(try await api.call(.post, path, #"{"nodeGroup":"x"}"#).status == 400)
            #expect(try await api.call(.post, path + "?nodeId=e1", #"{"nodeGroup":"a b"}"#).status == 400)
            #expect(try await api.call(.post, path + "?nodeId=no", #"{"nodeGroup":"x"}"#).status == 404)
            #expect(try await api.call(.post, path + "?nodeId=e1", #"{"nodeGroup":"x"}"#, token: nil).status == 401)
            #expect(try await group(api, "e1") == "region1")
        }
    }

    @Test func `a group is set up with its nodes, which a later registration does not undo`() async throws {
        try await TestCluster().test { (api: TestAPI) async throws in
            for edge in ["e1", "e2"] { try await api.register(edge, role: .edge) }
            let body = #"{"parent":"region1","childrenPerParentMax":3,"nodes":["e1"]}"#
            let answer = try await api.call(.put, "/v1/groups/vip", body)
            #expect(answer.status == 201)
            let made = try answer.decode(GroupResource.self)
            #expect(made.nodes == 1 && made.parent == "region1" && made.childrenPerParentMax == 3)
            try await api.register("e1", boot: "boot2", role: .edge)
            #expect(try await group(api, "e1") == "vip")
            #expect(try await api.call(.put, "/v1/groups/vip", #"{"nodes":["e2"]}"#).status == 200)
            #expect(try await group(api, "e1") == "region1")
            #expect(try await group(api, "e2") == "vip")
            #expect(try await api.call(.put, "/v1/groups/vip", "{}").status == 200)
            #expect(try await group(api, "e2") == "vip")
            #expect(try await api.call(.put, "/v1/groups/vip", #"{"nodes":["e9"]}"#).status == 422)
            #expect(try await api.call(.put, "/v1/groups/vip", #"{"childrenPerParentMax":0}"#).status == 422)
        }
    }
}
