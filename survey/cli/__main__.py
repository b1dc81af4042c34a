"""`python -m survey.cli` is `daytwo`; the process runner starts its children this way."""

from survey.cli import main

main()
