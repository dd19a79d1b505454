"""Pack a corpus of sound and a run for a machine without network: python tools/pack_sound.py CORPUS OUT [--run RUN].

The parts are tar files below 64 MiB; unpack all of them into one folder. Exciters are made again there.
"""

from __future__ import annotations

import argparse
import tarfile
from pathlib import Path

MOST_BYTES = 60 * 2**20
RUN_FILES = ("latest.pt", "log.jsonl")


def files_of(corpus: Path, run: Path | None) -> list[tuple[Path, str]]:
    """What is packed, and its name in the parts."""
    found = [(path, f"corpus/{path.relative_to(corpus)}") for path in sorted(corpus.glob("*.jsonl"))]
    for folder in ("performances", "audio"):
        found += [(path, f"corpus/{folder}/{path.name}") for path in sorted((corpus / folder).iterdir())]
    if run is not None:
        found += [(run / name, f"run/{name}") for name in RUN_FILES if (run / name).is_file()]
    return found


def parts_of(files: list[tuple[Path, str]]) -> list[list[tuple[Path, str]]]:
    """The files in order, cut so that no part is too large; a file that is too large itself stands alone."""
    parts: list[list[tuple[Path, str]]] = [[]]
    size = 0
    for path, name in files:
        more = path.stat().st_size + 1024
        if parts[-1] and size + more > MOST_BYTES:
            parts.append([])
            size = 0
        parts[-1].append((path, name))
        size += more
    return parts


def main() -> None:
    """Write the parts and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--run", type=Path, help="a run to go on with")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(parts_of(files_of(chosen.corpus, chosen.run))):
        target = chosen.out / f"sound-{number:02d}.tar"
        with tarfile.open(target, "w") as archive:
            for path, name in part:
                archive.add(path, name)
        print(f"{target}: {len(part)} files, {target.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
