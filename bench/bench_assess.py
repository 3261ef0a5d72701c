"""`seawall assess` end to end against checkov and kube-score, over folders of growing size."""

from __future__ import annotations

import gc
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.estates import write_clusters, write_manifests
from bench.timing import SEAWALL, call, peer, process

SIZES = (100, 1000, 10_000)


def main() -> None:
    """Print the figures of the main job."""
    gc.set_threshold(500_000, 20, 100)  # as the command line sets it
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        one = folder / "one"
        write_manifests(one, 1)
        start = process([SEAWALL, "assess", str(one), "-o", "json"], runs=5)
        print(f"one small file:     seawall {start:.2f} s", end="")
        checkov = peer("checkov")
        if checkov:
            theirs = process([checkov, "-d", str(one), "--framework", "kubernetes", "-o", "json"])
            print(f", checkov {theirs:.2f} s: {theirs / start:.0f} times faster", end="")
        print()
        for size in SIZES:
            manifests(folder / f"manifests-{size}", size)
        for size in SIZES:
            clusters(folder / f"clusters-{size}.json", size)


def manifests(folder: Path, size: int) -> None:
    """Time one folder of manifests as whole processes."""
    write_manifests(folder, size)
    ours = process([SEAWALL, "assess", str(folder), "-o", "json"])
    print(f"{size:>6} manifests:   seawall {ours:.2f} s", end="")
    kube_score = peer("kube-score")
    if kube_score:
        files = [str(path) for path in sorted(folder.rglob("*.yaml"))]
        theirs = process([kube_score, "score", *files, "-o", "json"], runs=1 if size > 1000 else 3)
        print(f", kube-score {theirs:.2f} s ({theirs / ours:.1f} times)", end="")
    checkov = peer("checkov")
    if checkov and size <= 1000:
        theirs = process([checkov, "-d", str(folder), "--framework", "kubernetes", "-o", "json"], runs=1)
        print(f", checkov {theirs:.2f} s ({theirs / ours:.0f} times)", end="")
    print()


def clusters(file: Path, size: int) -> None:
    """Time all controls over clusters, after they are loaded."""
    from seawall.controls import Catalogue, Options
    from seawall.controls.assess import open_database, select
    from seawall.controls.judge import Judge
    from seawall.snapshot.tables import Estate
    from seawall.sources import read_paths

    write_clusters(file, size)
    catalogue = Catalogue()
    options = Options(now=datetime(2026, 11, 21, tzinfo=UTC), locate=False)
    controls = [item for item in select(catalogue, options) if item.header.subject in {"cluster", "pool"}]
    estate = Estate(read_paths([str(file)]))
    load = call(lambda: open_database(estate, [item.query for item in controls], options.now), runs=1)
    judge = Judge(estate, options)
    judge.database = open_database(estate, [item.query for item in controls], options.now)
    prepared = call(lambda: judge.database.prepare([item.query for item in controls]), runs=1)
    engine = call(lambda: judge.database.judge_all([item.query for item in controls]))
    whole = call(lambda: [judge.control(*pair) for pair in judge.ask(controls)], runs=1)
    process_time = process([SEAWALL, "assess", str(file), "-o", "json"], runs=1)
    print(
        f"{size:>6} clusters x {len(controls)} controls: load {load + prepared:.2f} s, engine {engine:.3f} s,"
        f" findings {whole:.2f} s, whole process {process_time:.2f} s"
    )


if __name__ == "__main__":
    main()
