"""`python -m sekisho.entrypoints.cli`: the command without its script."""

from sekisho.entrypoints.cli.main import main

main()
