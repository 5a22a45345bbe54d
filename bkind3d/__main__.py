"""``python -m bkind3d``."""

from bkind3d.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
