"""Makes the table of ops/bench-webrtc: medians of the rounds."""

import json
import sys

from fanout_table import machine, median, pick, show, text

COLUMNS = [
    ("CPU s/Gbit", "server.cpuSecondsPerGigabit", 3),
    ("packets/CPU s", "server.packetsPerCPUSecond", 0),
    ("KiB/viewer", "server.residentKiBPerViewer", 0),
    ("first frame ms", "firstFrame.p50", 0),
    ("publish→play p50 ms", "videoDelay.p50", 1),
    ("p99 ms", "videoDelay.p99", 1),
    ("jitter ms", "jitter.p50", 1),
    ("lost packets", "lostPackets", 0),
]


def main(path):
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    groups = {}
    for row in rows:
        groups.setdefault((row["viewers"], row["suite"]), []).append(row["report"])
    lines = []
    for (viewers, suite), reports in sorted(groups.items()):
        payload = median([report["bodyBytes"] / max(report["packets"], 1) for report in reports])
        faulty = sum(report["playing"] < report["viewers"] or report["stalls"] > 0 for report in reports)
        cells = [text(median([pick(report, path) for report in reports]), digits) for _, path, digits in COLUMNS]
        lines.append([str(viewers), suite, text(payload, 0)] + cells + [str(faulty) if faulty else ""])
    print(machine())
    show(["viewers", "SRTP", "bytes/packet"] + [name for name, _, _ in COLUMNS] + ["faulty"], lines)


if __name__ == "__main__":
    main(sys.argv[1])
