"""Write requirements/*.txt from requirements/*.in: exact versions with hashes for every platform, no index address.

Versions already locked are kept; ``python tools/lock.py --upgrade`` takes the newest allowed ones. Called by ``make lock``.
"""

from __future__ import annotations

import os
import sys

from setup import BOOT, ROOT, Failed, bootstrap_uv, index_environment, run, say

OPTIONS = ("--quiet", "--universal", "--python-version", "3.11", "--generate-hashes")
CLEAN = ("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate")
# A local mirror may hold some files of a release only; a lock made from it would lack the hashes of the others.
PARTIAL = ("UV_INDEX", "UV_INDEX_STRATEGY", "UV_FIND_LINKS")


def main(extra: list[str]) -> int:
    try:
        bootstrap_uv()
        env = {k: v for k, v in index_environment().items() if k not in PARTIAL or k in os.environ}
        for name in ("uv", "runtime", "dev"):
            command = [BOOT / "bin/uv", "pip", "compile", f"{name}.in", "-o", f"{name}.txt", *OPTIONS, *CLEAN, *extra]
            run(command, env=env, cwd=ROOT / "requirements")
            say(f"locked requirements/{name}.txt")
    except Failed as e:
        say(f"stopped: {e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
