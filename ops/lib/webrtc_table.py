"""Makes the table of ops/bench-webrtc: medians of the rounds."""

import json
import sys

from fanout_table import machine, median, pick, show, text

COLUMNS = [
    ("CPU s/Gbit", "server.cpuSecondsPerGigabit", 3),
    ("packets/CPU s", "server.packetsPerCPUSecond", 0),
    ("KiB/viewer", "server.residentKiBPerViewer", 0),
    ("first frame ms", "firstFrame.p50", 0),
    ("publish→socket p50 ms", "arrivalDelay.p50", 1),
    ("p99 ms", "arrivalDelay.p99", 1),
    ("publish→play p50 ms", "videoDelay.p50", 1),
    ("p99 ms", "videoDelay.p99", 1),
    ("jitter ms", "jitter.p50", 1),
    ("lost packets", "lostPackets", 0),
]


def show_hops(rows):
    """What each hop adds to the delay, round by round, as the machine is not the same in all of them."""
    delays = {}
    for row in rows:
        delays[row["hops"], row["round"]] = row["report"]["videoDelay"]
    rounds = sorted({row["round"] for row in rows})
    lines = []
    for hops in sorted({row["hops"] for row in rows}):
        cells = [str(hops)]
        for name in ("p50", "p99"):
            cells.append(text(median([delays[hops, number][name] for number in rounds]), 1))
            added = [delays[hops, number][name] - delays[hops - 1, number][name] for number in rounds] if hops else []
            cells.append(text(median(added), 1) if added else "")
        lines.append(cells)
    print(machine())
    show(["hops", "publish→play p50 ms", "added by the hop", "p99 ms", "added by the hop"], lines)


def main(path):
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    if "hops" in rows[0]:
        return show_hops(rows)
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
