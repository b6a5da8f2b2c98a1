import NIOCore
import NIOHTTP1

/// The page at `/{app}/play.html?id={id}`: plays by WHEP where the stream and the browser can, else by the browser's own HLS.
///
/// Its parameters are those of Ant Media's page: `id`, `token`, `playOrder` (`webrtc,hls`), `autoplay`, `mute`. It loads
/// nothing from anywhere else.
enum PlayerPage {
    static let response = MediaResponse(
        status: .ok,
        headers: [
            "content-type": "text/html; charset=utf-8",
            "cache-control": "max-age=60",
            "content-security-policy":
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src *; media-src * blob:",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        ],
        body: [ByteBuffer(string: html)]
    )

    private static let html = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Millrace</title>
        <style>
          html, body { margin: 0; height: 100%; background: #101114; color: #e8e8ea; font: 15px/1.4 system-ui, sans-serif; }
          body { display: grid; grid-template-rows: 1fr auto; }
          video { width: 100%; height: 100%; min-height: 0; object-fit: contain; background: #000; }
          footer { display: flex; gap: 1.5em; align-items: center; padding: .6em 1em; }
          #state { flex: 1; }
          .bad { color: #ff9d8a; }
          button { font: inherit; color: inherit; background: #2a2c33; border: 0; border-radius: 6px; padding: .35em .9em; }
        </style>
        </head>
        <body>
        <video id="video" playsinline controls></video>
        <footer><span id="state" role="status">Connecting…</span><span id="how"></span>
        <button id="sound" hidden>Sound on</button></footer>
        <script>
        "use strict";
        const given = new URLSearchParams(location.search);
        const app = location.pathname.split("/")[1];
        const id = given.get("id") ?? "";
        const name = encodeURIComponent(id);
        const token = given.get("token");
        const order = (given.get("playOrder") ?? "webrtc,hls").split(",").filter((way) => way in ways());
        const barrenAt = new Map();
        const retryMilliseconds = { first: 1000, max: 15000 };
        const [video, state, how, sound] = ["video", "state", "how", "sound"].map((name) => document.getElementById(name));

        function address(path) {
          return path + (token ? "?token=" + encodeURIComponent(token) : "");
        }
        function say(text, isBad) {
          state.textContent = text;
          state.className = isBad ? "bad" : "";
        }
        function ways() {
          return { webrtc: playWebRTC, hls: playHLS };
        }
        function label(way) {
          return way === "webrtc" ? "WebRTC" : "HLS";
        }
        // Where WebRTC's packets do not pass, HLS alone is tried for a minute: its first seconds may fail too.
        function isWorthTrying(way) {
          return way !== "webrtc" || !order.includes("hls") || !(Date.now() - barrenAt.get(way) < 60000);
        }

        // Each way resolves once pictures come, to an object with a promise of the end; it throws when it cannot play.
        async function playWebRTC() {
          const peer = new RTCPeerConnection();
          let session;
          try {
            const media = new MediaStream();
            const [picture] = ["video", "audio"].map((kind) => peer.addTransceiver(kind, { direction: "recvonly" }));
            peer.ontrack = ({ track }) => media.addTrack(track);
            const offer = await peer.createOffer();
            const reply = await fetch(address(`/${app}/whep/${name}`), {
              method: "POST", headers: { "Content-Type": "application/sdp" }, body: offer.sdp,
            });
            const body = await reply.text();
            if (!reply.ok) throw new Error(reason(body));
            session = new URL(reply.headers.get("Location"), reply.url).href;
            // Candidates are gathered from here on, with the servers of the answer (RFC 9725 section 4.6).
            peer.setConfiguration({ iceServers: iceServers(reply.headers.get("Link") ?? "") });
            await peer.setLocalDescription(offer);
            await peer.setRemoteDescription({ type: "answer", sdp: body });
            video.srcObject = media;
            await playing(8000, picture.currentDirection === "recvonly");
          } catch (error) {
            peer.close();
            throw error;
          }
          addEventListener("pagehide", () => fetch(session, { method: "DELETE", keepalive: true }), { once: true });
          return {
            ended: new Promise((end) => {
              peer.onconnectionstatechange = () => {
                if (!["failed", "closed", "disconnected"].includes(peer.connectionState)) return;
                peer.close();
                end();
              };
            }),
          };
        }
        async function playHLS() {
          if (!video.canPlayType("application/vnd.apple.mpegurl")) throw new Error("this browser has no HLS of its own");
          const url = address(`/${app}/streams/${name}_adaptive.m3u8`);
          const reply = await fetch(url);
          if (!reply.ok) throw new Error(reason(await reply.text()));
          video.srcObject = null;
          video.src = url;
          await playing(15000);
          return { ended: new Promise((end) => { video.onended = video.onerror = end; }) };
        }
        // Of `<uri>; rel="ice-server"; username="…"; credential="…"; credential-type="password"`, one behind the other.
        function iceServers(links) {
          const word = String.raw`"((?:[^"\\]|\\.)*)"`;
          const link = new RegExp(String.raw`<([^>]*)>((?:\s*;\s*[\w-]+=${word})*)`, "g");
          return Array.from(links.matchAll(link), ([, urls, rest]) => {
            const words = Array.from(rest.matchAll(new RegExp(String.raw`([\w-]+)=${word}`, "g")),
              ([, name, value]) => [name, value.replace(/\\(.)/g, "$1")]);
            const { rel, username, credential } = Object.fromEntries(words);
            return rel === "ice-server" && { urls, username, credential };
          }).filter(Boolean);
        }
        function reason(body) {
          try {
            const problem = JSON.parse(body);
            return problem.detail ?? problem.title;
          } catch { return body.slice(0, 300); }
        }
        async function playing(milliseconds, hasPicture = false) {
          const begun = new Promise((done, fail) => {
            // Sound alone plays as well.
            let plays = false;
            const look = () => { if (plays && (!hasPicture || video.videoWidth > 0)) done(); };
            video.onplaying = () => { plays = true; look(); };
            video.onresize = look;
            video.onerror = () => fail(new Error("this browser cannot play it"));
            setTimeout(() => fail(Object.assign(new Error("no picture came"), { isBarren: true })), milliseconds);
          });
          video.muted = given.get("mute") === "true";
          if (given.get("autoplay") !== "false") {
            // Browsers play by themselves only without sound, unless the user has touched the page. Until the first frame
            // comes, if ever, play() says nothing.
            video.play().catch(() => { video.muted = true; video.play().catch(() => {}); });
          }
          await begun;
          sound.hidden = !video.muted;
        }
        sound.onclick = () => { video.muted = false; sound.hidden = true; };

        async function run() {
          if (!id) return say("Say which stream: play.html?id=…", true);
          document.title = id + " · Millrace";
          for (let wait = retryMilliseconds.first; ; wait = Math.min(wait * 2, retryMilliseconds.max)) {
            let troubles = [];
            for (const way of order.filter(isWorthTrying)) {
              try {
                const { ended } = await ways()[way]();
                say("Live");
                how.textContent = label(way);
                wait = retryMilliseconds.first;
                await ended;
                troubles = ["the stream stopped"];
                break;
              } catch (error) {
                if (error.isBarren) barrenAt.set(way, Date.now());
                troubles.push(`${label(way)}: ${error.message}`);
              }
            }
            how.textContent = "";
            say(troubles.join("; ") || "none of the ways in playOrder is known: webrtc and hls are", true);
            await new Promise((done) => setTimeout(done, wait));
          }
        }
        run();
        </script>
        </body>
        </html>
        """#
}
