"""`python -m eggroll_edge`: the command line."""

from eggroll_edge.cli import main

main()
