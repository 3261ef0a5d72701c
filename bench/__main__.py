"""`make bench`: measure, print ratios against peers of the same run, and how the cost grows.

`python -m bench [NAME...]` runs some of them. Figures of a shared machine: read the ratios.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path


def main() -> int:
    """Run the benchmarks named, or all."""
    folder = Path(__file__).parent
    names = sorted(
        item.name for item in pkgutil.iter_modules([str(folder)]) if item.name.startswith("bench_")
    )
    wanted = sys.argv[1:] or [name.removeprefix("bench_") for name in names]
    for name in wanted:
        if f"bench_{name}" not in names:
            known = ", ".join(item.removeprefix("bench_") for item in names)
            print(f"no benchmark is called {name}; there are: {known}")
            return 2
        print(f"== {name}")
        importlib.import_module(f"bench.bench_{name}").main()
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
