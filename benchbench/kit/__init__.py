"""What authors of plugins build from. Public, and light to import: torch only inside functions."""
