"""`python -m eggroll_edge`: the command line."""

from eggroll_edge.cli.app import main

main()
