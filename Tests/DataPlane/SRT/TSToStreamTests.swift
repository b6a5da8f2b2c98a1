import MPEGTS
import MediaFixtures
import MediaModel
import NIOCore
import SRTServer
import Streams
import Testing
import Timebase

@Suite struct TSToStreamTests {
    @Test func `a publisher's packets become tracks and units with the length of their sound`() throws {
        let fixture = FixtureStream(seed: 1)
        var muxer = TSMuxer()
        muxer.setTracks(fixture.tracks)
        var adapter = TSToStream()
        var batch: [IngestItem] = []
        for unit in fixture.units(seconds: 2) {
            let packets = muxer.packets(for: unit)?.bytes
            if let packets { #expect(try adapter.take(packets, into: &batch).isEmpty) }
        }
        adapter.finish(into: &batch)
        guard case .tracks(let tracks)? = batch.first else { throw NoTracks() }
        #expect(tracks.map(\.id) == [.video, .audio])
        let units = batch.dropFirst().compactMap { item -> (AccessUnit, AudioFrameDuration?)? in
            if case .unit(let unit, let frame) = item { (unit, frame) } else { nil }
        }
        #expect(units.count == fixture.units(seconds: 2).count)
        for (unit, frame) in units {
            #expect(frame == (unit.track == .audio ? AudioFrameDuration(samples: 1024, rate: 44_100) : nil))
        }
    }

    private struct NoTracks: Error {}
}
