"""Chromium as WHIP publisher (its fake camera and microphone), as WHEP player, or as both.

    browser.py [--publish URL] [--play URL] [--codec h264|vp8|vp9|av1] [--seconds N] [--tcp] [--rsa] [--restart]
               [--simulcast N] [--force LINES] [--via PORT]
    browser.py --page URL: opens a player page and waits until it says that it plays

A URL ws://HOST/APP/websocket#ID is spoken to as Ant Media's JavaScript SDK speaks.
Prints what getStats says in the end as one JSON object: {"publish": {…}, "play": {…}, "error": …}.
"""
import argparse
import json
import sys
import urllib.parse

from playwright.sync_api import sync_playwright

SCRIPT = r"""
async (wish) => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const prefer = (transceiver, capabilities) => {
    if (!wish.codec) return;
    const { codecs } = capabilities;
    const chosen = codecs.filter((c) => c.mimeType.toLowerCase() === "video/" + wish.codec);
    transceiver.setCodecPreferences(chosen.concat(codecs.filter((c) => c.mimeType === "video/rtx")));
  };
  const captureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
  // Browsers know when their camera took a picture, and tell it who asks for it.
  const tellCaptureTime = (transceiver) => transceiver.setHeaderExtensionsToNegotiate(
    transceiver.getHeaderExtensionsToNegotiate()
      .map((each) => each.uri === captureTime ? { ...each, direction: "sendrecv" } : each));
  const gathered = (peer) => new Promise((done) => {
    const look = () => peer.iceGatheringState === "complete" && done();
    peer.addEventListener("icegatheringstatechange", look);
    look();
  });
  const without = (transport, sdp) =>
    sdp.split("\r\n").filter((l) => !new RegExp(`^a=candidate:.* ${transport} `, "i").test(l)).join("\r\n");
  const signal = async (peer, url) => {
    await peer.setLocalDescription();
    await gathered(peer);
    const headers = { "Content-Type": "application/sdp" };
    const reply = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
    let sdp = await reply.text();
    if (reply.status !== 201) throw new Error("HTTP " + reply.status + ": " + sdp);
    if (wish.tcp) sdp = without("udp", sdp);
    if (wish.via) {
      const detour = (all, head) => `${head}127.0.0.1 ${wish.via}`;
      sdp = without("tcp", sdp).replace(/^(a=candidate:.* udp \d+ )\S+ \d+/gim, detour);
    }
    await peer.setRemoteDescription({ type: "answer", sdp });
    return new URL(reply.headers.get("Location"), reply.url).href;
  };
  const attribute = (sdp, name) => sdp.match(new RegExp(`^a=${name}:(.*)$`, "m"))[1];
  // RFC 9725 section 4.3.3: new credentials for old ones, both ways; nothing else of the answer changes.
  const restart = async (peer, place) => {
    peer.restartIce();
    await peer.setLocalDescription();
    await gathered(peer);
    const names = ["ice-ufrag", "ice-pwd"];
    const credentials = names.map((name) => `a=${name}:${attribute(peer.localDescription.sdp, name)}`);
    const reply = await fetch(place, {
      method: "PATCH",
      headers: { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*" },
      body: [...credentials, "m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", ""].join("\r\n"),
    });
    const fragment = await reply.text();
    if (reply.status !== 200) throw new Error("HTTP " + reply.status + ": " + fragment);
    let sdp = peer.currentRemoteDescription.sdp;
    for (const name of names) {
      sdp = sdp.replace(new RegExp(`^a=${name}:.*$`, "gm"), `a=${name}:${attribute(fragment, name)}`);
    }
    await peer.setRemoteDescription({ type: "answer", sdp });
  };
  // Ant Media's dialogue: a publisher offers after "start", a player is made an offer.
  const converse = async (peer, url, role) => {
    const [address, streamId] = url.split("#");
    const socket = new WebSocket(address);
    const heard = [], waiting = [];
    const say = (message) => socket.send(JSON.stringify({ streamId, ...message }));
    const told = (word) => heard.includes(word) ? Promise.resolve() : new Promise((done, fail) => {
      waiting.push({ word, done });
      setTimeout(() => fail(new Error("never heard " + word + ", only " + heard)), 10000);
    });
    const describe = async (type) => {
      await peer.setLocalDescription();
      say({ command: "takeConfiguration", type, sdp: peer.localDescription.sdp });
    };
    socket.onmessage = async ({ data }) => {
      const message = JSON.parse(data);
      if (message.command === "start") await describe("offer");
      if (message.command === "takeConfiguration") {
        await peer.setRemoteDescription({ type: message.type, sdp: message.sdp });
        if (message.type === "offer") await describe("answer");
      }
      const word = message.definition ?? message.command;
      heard.push(word);
      for (const each of waiting) if (each.word === word) each.done();
    };
    peer.onicecandidate = ({ candidate }) => candidate && say({
      command: "takeCandidate", label: candidate.sdpMLineIndex, id: candidate.sdpMid, candidate: candidate.candidate,
    });
    await new Promise((done, fail) => { socket.onopen = done; socket.onerror = () => fail(new Error("no socket")); });
    say({ command: "ping" });
    say({ command: role, token: "", video: true, audio: true });
    await told(role + "_started");
    say({ command: "getStreamInfo" });
    if (role === "play" && wish.force) say({ command: "forceStreamQuality", streamHeight: wish.force });
    return {
      heard,
      end: async () => {
        say({ command: "stop" });
        await told(role + "_finished");
        socket.close();
      },
    };
  };
  const stopLowest = (sender) => {
    const parameters = sender.getParameters();
    parameters.encodings[0].active = false;
    return sender.setParameters(parameters);
  };
  const begin = (peer, url, role) => url.startsWith("ws") ? converse(peer, url, role) : signal(peer, url);
  const report = async (peer) => {
    const all = [...(await peer.getStats()).values()];
    const found = { state: peer.connectionState };
    const codecs = Object.fromEntries(all.filter((s) => s.type === "codec").map((s) => [s.id, s.mimeType]));
    for (const stat of all) {
      if (stat.type !== "inbound-rtp" && stat.type !== "outbound-rtp") continue;
      found[stat.kind] = { ...stat, codec: codecs[stat.codecId] };
    }
    const transport = all.find((s) => s.type === "transport");
    const pair = all.find((s) => s.id === transport?.selectedCandidatePairId);
    found.protocol = all.find((s) => s.id === pair?.remoteCandidateId)?.protocol;
    found.srtpCipher = transport?.srtpCipher;
    const shown = peer.getReceivers().flatMap((r) => r.track.kind === "video" ? r.getSynchronizationSources() : [])[0];
    if (shown?.captureTimestamp) {
      const from1900To1970 = 2208988800000;
      found.captureDelayMilliseconds = Date.now() + from1900To1970 - shown.captureTimestamp;
      found.captureOffsetMilliseconds = shown.senderCaptureTimeOffset;
    }
    return found;
  };
  const peers = {}, places = {}, result = {};
  const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  try {
    const settings = wish.rsa ? { certificates: [await RTCPeerConnection.generateCertificate(rsa)] } : {};
    if (wish.publish) {
      const peer = peers.publish = new RTCPeerConnection(settings);
      const picture = { width: 640, height: 360, frameRate: 20 };
      const media = await navigator.mediaDevices.getUserMedia({ video: picture, audio: true });
      for (const track of media.getTracks()) {
        const isLayered = wish.simulcast && track.kind === "video";
        const sendEncodings = isLayered ? [{ rid: "low", scaleResolutionDownBy: 2 }, { rid: "high" }] : undefined;
        const transceiver = peer.addTransceiver(track, { direction: "sendonly", streams: [media], sendEncodings });
        if (track.kind === "video") prefer(transceiver, RTCRtpSender.getCapabilities("video"));
        tellCaptureTime(transceiver);
        if (isLayered) setTimeout(() => stopLowest(transceiver.sender), wish.simulcast * 1000);
      }
      places.publish = await begin(peer, wish.publish, "publish");
      if (wish.play) await pause(1500);
    }
    if (wish.play) {
      const peer = peers.play = new RTCPeerConnection(settings);
      const element = document.createElement("video");
      Object.assign(element, { autoplay: true, muted: true, srcObject: new MediaStream() });
      document.body.append(element);
      peer.ontrack = (event) => element.srcObject.addTrack(event.track);
      const start = performance.now();
      let last;
      result.longestGapTicks = 0;
      const shown = (now, { rtpTimestamp }) => {
        result.firstFrameMilliseconds ??= performance.now() - start;
        if (last !== undefined) result.longestGapTicks = Math.max(result.longestGapTicks, (rtpTimestamp - last) | 0);
        last = rtpTimestamp;
        element.requestVideoFrameCallback(shown);
      };
      element.requestVideoFrameCallback(shown);
      if (!wish.play.startsWith("ws")) {
        prefer(peer.addTransceiver("video", { direction: "recvonly" }), RTCRtpReceiver.getCapabilities("video"));
        peer.addTransceiver("audio", { direction: "recvonly" });
        peer.getTransceivers().forEach(tellCaptureTime);
      }
      places.play = await begin(peer, wish.play, "play");
    }
    await pause(wish.seconds * 1000);
    if (wish.restart) {
      result.beforeRestart = await report(peers.play);
      await restart(peers.play, places.play);
      await pause(wish.seconds * 1000);
    }
    for (const [name, peer] of Object.entries(peers)) result[name] = await report(peer);
    for (const [name, place] of Object.entries(places).reverse()) {
      if (place.end) {
        await place.end();
        result[name].heard = place.heard;
      } else {
        result[name].deleted = (await fetch(place, { method: "DELETE" })).status;
      }
    }
  } catch (error) { result.error = String(error); }
  return result;
}
"""


def main():
    parser = argparse.ArgumentParser()
    for name in ("publish", "play", "codec"):
        parser.add_argument("--" + name)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--tcp", action="store_true", help="leave no UDP candidate in the answer")
    parser.add_argument("--rsa", action="store_true", help="RSA certificates instead of ECDSA's")
    parser.add_argument("--restart", action="store_true", help="restart ICE of the player after --seconds, and go on as long")
    parser.add_argument("--simulcast", type=float, help="publish a layer of half the height too, and stop it after so many seconds")
    parser.add_argument("--force", type=int, help="over WebSocket: ask for pictures of so many lines")
    parser.add_argument("--via", type=int, help="send what is for the worker to this port of 127.0.0.1 instead")
    parser.add_argument("--page")
    wish = parser.parse_args()
    address = urllib.parse.urlsplit(wish.page or wish.play or wish.publish)
    origin = f"{address.scheme.replace('ws', 'http')}://{address.netloc}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[
            "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required",
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            # The only network of a build machine may be loopback, which Chromium leaves out of its offers.
            "--allow-loopback-in-peer-connection",
            # The page comes from nowhere, so the workers of a test look like strangers on the local network.
            "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
        ])
        page = browser.new_page()
        if wish.page:
            page.goto(wish.page)
            page.get_by_text("Live", exact=True).wait_for(timeout=30_000)
            frames = page.evaluate("document.getElementById('video').getVideoPlaybackQuality().totalVideoFrames")
            print(json.dumps({"page": {"footer": page.inner_text("footer"), "frames": frames}}))
            return browser.close()
        # A page of the worker's own origin, which no worker has to serve.
        page.route(origin + "/test", lambda route: route.fulfill(body="<body>", content_type="text/html"))
        page.goto(origin + "/test")
        result = page.evaluate(SCRIPT, vars(wish))
        browser.close()
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
