"""What a batch costs: processor time and wall time per item, memory per worker, at several numbers of workers.

usage: scale.py --jobs 1 2 [--audio-s SECONDS] -- align --manifest pairs.jsonl
       (the command's own --out-dir, --force, --quiet and --jobs are added)
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOOK_S = 0.1  # between two looks at the memory


def main() -> None:
    """Run the batch once for each number of workers, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--audio-s", type=float, default=0.0, help="of all items together: gives the hours per hour")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    command = [part for part in chosen.command if part != "--"]
    print("| workers | items | wall s | CPU s | CPU s per item | items per CPU s | peak MB of a worker | of all |")
    print("|---|---|---|---|---|---|---|---|")
    for jobs in chosen.jobs:
        row = measured(command, jobs)
        each = row["cpu_s"] / row["items"]
        print(
            f"| {jobs} | {row['items']} | {row['wall_s']:.1f} | {row['cpu_s']:.1f} | {each:.2f} | {1 / each:.2f} "
            f"| {row['worker_mb']:.0f} | {row['total_mb']:.0f} |",
            flush=True,
        )
        if chosen.audio_s:
            print(f"  {row['cpu_s'] / chosen.audio_s * 3600:.0f} CPU s for an hour of sound", file=sys.stderr)


def measured(command: list[str], jobs: int) -> dict[str, float]:
    """One batch in a folder of its own."""
    folder = tempfile.mkdtemp(prefix="scale-")
    line = [sys.executable, "-m", "perfsynth", *command, "--out-dir", folder, "--json", "--jobs", str(jobs)]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    peaks: dict[int, int] = {}
    with (Path(folder) / "stderr").open("w+") as words:
        child = subprocess.Popen(line, stderr=words)
        total = 0
        while child.poll() is None:
            now = {pid: memory_kb(pid) for pid in family(child.pid)}
            peaks |= {pid: max(peaks.get(pid, 0), kb) for pid, kb in now.items()}
            total = max(total, sum(now.values()))
            time.sleep(LOOK_S)
        words.seek(0)
        said = words.read().splitlines()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(folder)
    if child.returncode:
        raise SystemExit("\n".join(said[-5:]))
    batch = json.loads(next(text for text in reversed(said) if '"batch"' in text))["batch"]
    workers = [kb for pid, kb in peaks.items() if pid != child.pid] if jobs > 1 else [peaks[child.pid]]
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "items": batch["done"], "wall_s": time.perf_counter() - started, "cpu_s": cpu_s,
        "worker_mb": max(workers) / 1024, "total_mb": total / 1024,
    }  # fmt: skip


def family(pid: int) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *map(int, children)]


def memory_kb(pid: int) -> int:
    """Resident memory."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


if __name__ == "__main__":
    main()
