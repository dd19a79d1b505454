"""The table of dynamic time warping: cells per CPU second, extra memory and path cost, with the peers beside it.

``python benchmarks/dtw.py`` runs every system in a process of its own, on one thread, and prints a Markdown table. A
peer that lives in another environment is named with its interpreter: ``--python linmdtw=/path/to/python``.
Speeds are n m / time, whether a system computes every cell or not, and the best of the repeats, for each system alike.
Memory is the peak of the process during the call less what it held before, so the sequences do not count. With
``--noise`` the sequences have nothing in common: then no path is better than others, and no tile can be left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
Align = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (n, d), (m, d) float32 -> path (n_cells, 2)


def sequences(n: int, depth: int, noise: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two performances of one piece: chords of 10 to 60 frames, each performance with its own tempo and noise."""
    rng = np.random.default_rng(0)
    if noise:
        return rng.random((n, depth), dtype=np.float32), rng.random((n, depth), dtype=np.float32)
    chords = rng.gamma(0.3, size=(n // 15 + 1, depth))
    piece = np.repeat(chords, rng.integers(10, 61, len(chords)), axis=0)
    times = (np.sort(rng.integers(0, len(piece), n)) for _ in range(2))
    x, y = ((piece[time] + 0.1 * rng.random((n, depth))).astype(np.float32) for time in times)
    return x, y


def perfsynth(**options: Any) -> Align:
    """This project."""
    from perfsynth.align.dtw import warp

    return lambda x, y: warp(x, y, **options).path


def perfsynth_every_cell() -> Align:
    """This project, with no tile left out."""
    from perfsynth.align import dtw

    dtw.BOUNDED_FRAMES = sys.maxsize
    return perfsynth()


def librosa() -> Align:
    """librosa.sequence.dtw."""
    from librosa.sequence import dtw

    return lambda x, y: dtw(x.T, y.T, metric="sqeuclidean")[1]


def synctoolbox() -> Align:
    """The whole matrix by synctoolbox."""
    from scipy.spatial.distance import cdist
    from synctoolbox.dtw.core import compute_warping_path  # type: ignore[import-not-found]

    steps, weights = np.array([[1, 1], [0, 1], [1, 0]]), np.ones(3)
    return lambda x, y: compute_warping_path(cdist(x, y, "sqeuclidean"), steps, weights)[2].T


def synctoolbox_mrmsdtw() -> Align:
    """Coarse to fine by synctoolbox, which compares unit vectors."""
    from synctoolbox.dtw.mrmsdtw import sync_via_mrmsdtw  # type: ignore[import-not-found]

    # Rounded, because it interpolates where a finer level would be finer than the features.
    return lambda x, y: np.round(sync_via_mrmsdtw(x.T, y.T, input_feature_rate=50)).T.astype(int)


def linmdtw() -> Align:
    """Tralie and Dempsey 2020, exact."""
    from linmdtw import linmdtw as align  # type: ignore[import-not-found]

    return lambda x, y: align(x, y, do_gpu=False)[1]


def linmdtw_mrmsdtw() -> Align:
    """Coarse to fine by linmdtw, with 100,000 cells as in its paper."""
    from linmdtw import mrmsdtw

    return lambda x, y: mrmsdtw(x, y, 10**5)[1]


def tslearn() -> Align:
    """tslearn.metrics.dtw_path."""
    from tslearn.metrics import dtw_path  # type: ignore[import-not-found]

    return lambda x, y: np.asarray(dtw_path(x, y)[0])


# Name -> what makes it, the distance it adds up, and the longest sequences that its memory allows.
SYSTEMS: dict[str, tuple[Callable[[], Align], str, int]] = {
    "librosa": (librosa, "sqeuclidean", 10_000),
    "perfsynth": (perfsynth, "sqeuclidean", 200_000),
    "perfsynth every cell": (perfsynth_every_cell, "sqeuclidean", 200_000),
    "perfsynth weights 2 1 1": (lambda: perfsynth(step_weights=(2, 1, 1)), "sqeuclidean", 20_000),
    "perfsynth cosine": (lambda: perfsynth(metric="cosine"), "cosine", 20_000),
    "perfsynth band 1000": (lambda: perfsynth(band=1000), "sqeuclidean", 100_000),
    "perfsynth torch cuda": (lambda: perfsynth(device="cuda"), "sqeuclidean", 100_000),
    "synctoolbox": (synctoolbox, "sqeuclidean", 10_000),
    "synctoolbox mrmsdtw": (synctoolbox_mrmsdtw, "cosine", 20_000),
    "linmdtw": (linmdtw, "euclidean", 20_000),
    "linmdtw mrmsdtw": (linmdtw_mrmsdtw, "euclidean", 20_000),
    "tslearn": (tslearn, "sqeuclidean", 10_000),
}


def memory_mb(field: str) -> float:
    """A field of /proc/self/status in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def measure(name: str, n: int, depth: int, noise: bool, repeats: int, out: Path) -> None:
    """Run one system in this process: print seconds and memory as JSON, leave the path in `out`."""
    align = SYSTEMS[name][0]()
    x, y = sequences(n, depth, noise)
    align(x[:600], y[:600])  # compiles
    cpu, wall, memory = [], [], []
    for _ in range(repeats):
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again
        before, cpu_start, wall_start = memory_mb("VmRSS"), time.process_time(), time.perf_counter()
        path = align(x, y)
        wall.append(time.perf_counter() - wall_start)
        cpu.append(time.process_time() - cpu_start)
        memory.append(memory_mb("VmHWM") - before)
    path = np.asarray(path, np.int64)
    np.save(out, path if path[0, 0] <= path[-1, 0] else path[::-1])
    print(json.dumps({"cpu_s": min(cpu), "wall_s": min(wall), "memory_mb": max(memory)}))


def excess(path: np.ndarray, n: int, depth: int, noise: bool, metric: Any, weights: tuple[float, float, float]) -> str:
    """How much dearer a path is than the cheapest one, by the distance its system adds up."""
    from perfsynth.align._dtw_cells import path_cost
    from perfsynth.align.dtw import METRICS, warp

    x, y = sequences(n, depth, noise)
    if path[0].any() or (path[-1] != n - 1).any() or not np.isin(np.diff(path, axis=0), (0, 1)).all():
        return "no path"
    best = warp(x, y, metric=metric, step_weights=weights).cost
    more = path_cost(x, y, METRICS[metric], weights, path) / best - 1
    return "exact" if more < 1e-5 else f"+{100 * more:.1f} %"


def row(
    name: str, n: int, depth: int, options: argparse.Namespace, interpreter: str, librosa_s: dict[int, float]
) -> str:
    """A line of the table; `librosa_s` keeps the CPU seconds a cell of librosa, by depth."""
    metric, largest = SYSTEMS[name][1:]
    label = f"| {name} | {n:,} | {depth} |"
    if n > largest:
        return f"{label} - | - | - | - | - |"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "path.npy"
        arguments = [name, n, depth, int(options.noise), options.repeats, out]
        command = [interpreter, __file__, "--measure", *map(str, arguments)]
        ended = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False)
        if ended.returncode:
            return f"{label} {(ended.stderr.strip().splitlines() or ['killed'])[-1][:80]} | | | | |"
        found = json.loads(ended.stdout.splitlines()[-1])
        weights = (2.0, 1.0, 1.0) if "weights" in name else (1.0, 1.0, 1.0)
        path = np.load(out)
        quality = "in its band" if "band" in name else excess(path, n, depth, options.noise, metric, weights)
    cells = n * n / 1e6
    if name == "librosa":
        librosa_s[depth] = found["cpu_s"] / cells
    ratio = f"{librosa_s[depth] * cells / found['cpu_s']:.1f}" if depth in librosa_s else "-"
    speeds = f"{cells / found['cpu_s']:.0f} | {ratio} | {cells / found['wall_s']:.0f}"
    return f"{label} {speeds} | {found['memory_mb']:.0f} | {quality} |"


def roofline(depth: int) -> float:
    """Mcells per CPU second of nothing but the products of 256 x 256 tiles, by numpy's BLAS on one thread."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(256, depth + 2)).astype(np.float32) for _ in range(2))
    out, started, count = np.empty((256, 256), np.float32), time.process_time(), 0
    while time.process_time() - started < 1:
        for _ in range(100):
            np.dot(a, b.T, out=out)
        count += 100
    return count * out.size / (time.process_time() - started) / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs=2, type=int, action="append", metavar=("N", "D"), help="n = m and features")
    parser.add_argument("--systems", nargs="*", default=list(SYSTEMS), help="a part of the table")
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="a peer's interpreter")
    parser.add_argument("--noise", action="store_true", help="sequences without anything in common")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", nargs=6, help=argparse.SUPPRESS)
    parser.add_argument("--roofline", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, n, depth, noise, repeats, out = options.measure
        measure(name, int(n), int(depth), noise == "1", int(repeats), Path(out))
        return
    if options.roofline:
        print(roofline(options.roofline))
        return
    interpreters = dict(each.split("=", 1) for each in options.python)
    librosa_s: dict[int, float] = {}
    print(
        "| system | n = m | d | Mcells / CPU s | x librosa | Mcells / s | extra MB | path |", "|---" * 8 + "|", sep="\n"
    )
    for n, depth in options.size or [(10_000, 12), (20_000, 12), (10_000, 84)]:
        for name in options.systems:
            interpreter = interpreters.get(name.split()[0], sys.executable)
            print(row(name, n, depth, options, interpreter, librosa_s), flush=True)
        command = [sys.executable, __file__, "--roofline", str(depth)]
        alone = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=True)
        print(f"| roofline: tile products alone (BLAS) | | {depth} | {float(alone.stdout):.0f} | | | | |", flush=True)


if __name__ == "__main__":
    main()
