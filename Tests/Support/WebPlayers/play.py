"""Chromium with a web player on a stream that has a clock in its pictures, and what came of it.

    play.py URL --player hls.js|video.js|native [--scripts FOLDER] [--plain] [--levels] [--seconds N] [--warm-up N]

--plain takes low latency off hls.js; --levels makes it change to the lowest and back to the highest rendition on its way.
The pictures' uppermost 16 of 360 lines are 16 bits, the lowest on the left: hundredths of a second since CLOCK_START.
Prints one JSON object. Delays are of pictures shown after the warm-up, from their making to their showing, and pauses those
that end after it: how a player begins is its own matter.
"""
import argparse
import json
import pathlib
import sys
import urllib.parse

from playwright.sync_api import sync_playwright

# Milliseconds since 1970; the publisher subtracts the same.
CLOCK_START = 1_700_000_000_000

SCRIPT = r"""
async (wish) => {
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
  const video = document.querySelector("video");
  const result = { errors: [], mended: [], heights: [], delays: [], frames: 0, longestPause: 0 };
  let begun;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 16];
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  const clock = () => {
    drawing.drawImage(video, 0, 0, video.videoWidth, video.videoHeight * 16 / 360, 0, 0, 640, 16);
    const { data } = drawing.getImageData(0, 8, 640, 1);
    let hundredths = 0;
    for (let bit = 0; bit < 16; bit += 1) if (data[(bit * 40 + 20) * 4] > 127) hundredths += 2 ** bit;
    return hundredths;
  };
  let before;
  const shown = (now) => {
    result.frames += 1;
    result.firstFrame ??= (now - begun) / 1000;
    const isWarm = (now - begun) / 1000 > wish.warm_up;
    if (before && isWarm) result.longestPause = Math.max(result.longestPause, (now - before) / 1000);
    before = now;
    if (result.heights.at(-1) !== video.videoHeight) result.heights.push(video.videoHeight);
    // Reading pixels back costs more than showing them: some a second are enough.
    if (isWarm && result.frames % 10 === 0) {
      const due = (Date.now() - wish.clock_start) / 10 - clock();
      result.delays.push((((due % 65536) + 65536) % 65536) / 100);
    }
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
  video.onerror = () => result.errors.push("media: " + video.error.message);
  const players = {
    "hls.js": async () => {
      const { Hls } = await import("/scripts/hls.js");
      // What it begins too late it makes good, as its manual advises for low latency.
      const hls = new Hls({ lowLatencyMode: !wish.plain, maxLiveSyncPlaybackRate: wish.plain ? 1 : 1.5 });
      hls.on("hlsError", (_, { details, fatal, reason, response }) => {
        // It finds the place to begin at by a seek over what it calls a hole.
        if (!fatal && !result.frames) return;
        const list = fatal ? result.errors : result.mended;
        list.push([details, reason ?? "", response?.code ?? ""].join(" ").trim());
      });
      begun = performance.now();
      hls.loadSource(wish.url);
      hls.attachMedia(video);
      return hls;
    },
    "video.js": async () => {
      await new Promise((done, fail) => {
        const script = document.createElement("script");
        Object.assign(script, { src: "/scripts/video.js", onload: done, onerror: fail });
        document.head.append(script);
      });
      const player = videojs(video, { html5: { vhs: { overrideNative: true } }, muted: true, autoplay: true });
      player.on("error", () => result.errors.push("video.js: " + player.error().message));
      begun = performance.now();
      const isDASH = new URL(wish.url).pathname.endsWith(".mpd");
      player.src({ src: wish.url, type: isDASH ? "application/dash+xml" : "application/x-mpegURL" });
    },
    native: async () => {
      begun = performance.now();
      video.src = wish.url;
    },
  };
  try {
    const player = await players[wish.player]();
    video.play().catch((error) => result.errors.push(String(error)));
    if (wish.levels) {
      await pause(wish.seconds / 3);
      // As its own rules do: what it loads from here on, what it has stays.
      player.loadLevel = 0;
      await pause(wish.seconds / 3);
      player.loadLevel = player.levels.length - 1;
      await pause(wish.seconds / 3);
    } else {
      await pause(wish.seconds);
    }
    if (before) result.longestPause = Math.max(result.longestPause, (performance.now() - before) / 1000);
    result.soundBytes = video.webkitAudioDecodedByteCount;
  } catch (error) { result.errors.push(String(error)); }
  return result;
}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--player", required=True)
    parser.add_argument("--scripts", type=pathlib.Path)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--levels", action="store_true")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--warm-up", type=float, default=4)
    given = parser.parse_args()
    address = urllib.parse.urlsplit(given.url)
    origin = f"{address.scheme}://{address.netloc}"
    wish = {name: value for name, value in vars(given).items() if name != "scripts"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[
            "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required",
            "--disable-features=LocalNetworkAccessChecks",
        ])
        page = browser.new_page()
        # A page of the worker's own origin, which no worker has to serve.
        page.route(origin + "/test", lambda route: route.fulfill(
            body="<body><video muted playsinline>", content_type="text/html"))
        page.route(origin + "/scripts/*", lambda route: route.fulfill(
            path=given.scripts / pathlib.Path(urllib.parse.urlsplit(route.request.url).path).name,
            content_type="text/javascript"))
        page.goto(origin + "/test")
        result = page.evaluate(SCRIPT, wish | {"clock_start": CLOCK_START})
        browser.close()
    delays = sorted(result.pop("delays"))
    if delays:
        result["medianDelay"], result["longestDelay"] = delays[len(delays) // 2], delays[-1]
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
