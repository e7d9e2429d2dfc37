"""One file per output format; `--format` finds a new file here by its name."""
