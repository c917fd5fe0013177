"""`python -m decision_flow`: the core's commands, without the web."""

from decision_flow.cli import main

main()
