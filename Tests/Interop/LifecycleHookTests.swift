import ClusterHarness
import Foundation
import Testing

/// ops/aws/lifecycle-hook against moto's Auto Scaling.
@Suite struct LifecycleHookTests {
    @Test func `an instance goes only when its node has no session left, whoever wants it to go`() throws {
        let python = SourceTree.root.appending(path: ".tools/moto-5.2.1/bin/python").path
        try #require(FileManager.default.fileExists(atPath: python), "run ops/install-deps test")
        let played = try run(
            [
                python, SourceTree.root.appending(path: "Tests/Support/Moto/lifecycle.py").path,
                SourceTree.root.appending(path: "ops/aws/lifecycle-hook").path,
            ],
            seconds: 120
        )
        #expect(played.status == 0 && played.output.contains("lifecycle: as it should be"), "\(played.output)")
    }
}
