"""Places where cells run. `local` is this machine; others come as plugins."""
