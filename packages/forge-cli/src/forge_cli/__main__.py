"""``python -m forge_cli``: the same as ``forge``."""

from forge_cli.app import main

if __name__ == "__main__":
    main()
