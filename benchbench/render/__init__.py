"""From a table model to text."""
