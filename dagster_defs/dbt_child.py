"""The dbt command as the asset graph starts it: dbt, which stops when its parent is gone.

A run killed with `kill -9` cannot stop its children. Left alone, the orphan would go on holding the
warehouse's one write lock and make the next run wait for it.
"""

import os
import sys
import threading
import time
from importlib.metadata import version

POLL_SECONDS = 0.2


def main() -> None:
    if sys.argv[1:] == ["--version"]:
        # dagster-dbt asks before every command; loading dbt to answer would take two seconds each time.
        sys.stdout.write(f"Core:\n  - installed: {version('dbt-core')}\n")
        return
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    from dbt.cli.main import cli

    sys.exit(cli())


def _exit_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
