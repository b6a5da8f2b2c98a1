"""Makes the table of ops/bench-fanout: medians of the rounds, and the ratio to nginx-rtmp with as many players."""

import json
import os
import statistics
import sys


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown processor")
    kernel = os.uname().release
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{os.cpu_count()} × {model}, Linux {kernel}, load at the end {load}"


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def pick(report, path):
    for key in path.split("."):
        report = (report or {}).get(key)
    return report


def faults(row):
    report = row["report"]
    if row["kind"] == "ingest":
        return bool(report["failures"])
    delivered = report.get("deliveredRatio")
    return (
        report["playing"] < report["viewers"]
        or report["stalls"] > 0
        or report["backwardsTimestamps"] > 0
        or (delivered is not None and delivered < 0.95)
    )


def text(value, digits):
    return "–" if value is None else f"{value:.{digits}f}"


def show(head, rows):
    widths = [max(len(row[column]) for row in [head] + rows) for column in range(len(head))]
    for index, row in enumerate([head] + rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def grouped(rows, kind):
    groups = {}
    for row in rows:
        if row["kind"] == kind:
            groups.setdefault((row["viewers"], row["subject"]), []).append(row)
    return groups


def cost(group):
    return median(pick(row["report"], "server.cpuSecondsPerGigabit") for row in group if not faults(row))


def play_table(rows):
    groups = grouped(rows, "play")
    lines = []
    for (viewers, subject), group in sorted(groups.items(), key=lambda item: item[0][0]):
        good = [row["report"] for row in group if not faults(row)]
        base = groups.get((viewers, "nginx"))
        paired = [
            pick(row["report"], "server.cpuSecondsPerGigabit") / pick(other["report"], "server.cpuSecondsPerGigabit")
            for row in group
            for other in base or []
            if row["round"] == other["round"] and not faults(row) and not faults(other)
        ]

        def at(path):
            return median(pick(report, path) for report in good)

        lines.append([
            str(viewers),
            subject,
            text(cost(group), 4),
            text(median(paired), 2),
            text(at("server.residentKiBPerViewer"), 1),
            f"{text(at('firstFrame.p50'), 1)} / {text(at('firstFrame.p99'), 1)}",
            f"{text(at('videoDelay.p50'), 1)} / {text(at('videoDelay.p99'), 1)}",
            f"{text(at('audioDelay.p50'), 1)} / {text(at('audioDelay.p99'), 1)}",
            text(median(100 * (pick(report, "deliveredRatio") or 0) for report in good), 1),
            f"{len(good)} of {len(group)}",
        ])
    if lines:
        show(
            ["players", "subject", "CPU s/Gbit", "ratio", "KiB/viewer", "first frame ms p50 / p99",
             "video delay ms p50 / p99", "audio delay ms p50 / p99", "delivered %", "rounds without fault"],
            lines,
        )


def cold_line(rows):
    first = median(pick(row["report"], "firstFrame.p50") for row in rows if row["kind"] == "cold")
    if first is not None:
        print(f"\nFirst frame from a cold edge: {first:.1f} ms (median)")


def ingest_table(rows):
    lines = [
        [
            str(streams),
            subject,
            text(cost(group), 4),
            text(median(pick(row["report"], "server.residentKiBPerViewer") for row in group), 0),
        ]
        for (streams, subject), group in grouped(rows, "ingest").items()
    ]
    if lines:
        print()
        show(["publishers", "subject", "CPU s/Gbit in", "KiB/stream"], lines)


def main():
    with open(sys.argv[1]) as file:
        rows = [json.loads(line) for line in file]
    print(f"\n{machine()}")
    loads = [row["load"] for row in rows]
    print(f"load average when a run began: {min(loads):.2f} to {max(loads):.2f}\n")
    play_table(rows)
    cold_line(rows)
    ingest_table(rows)


if __name__ == "__main__":
    main()
