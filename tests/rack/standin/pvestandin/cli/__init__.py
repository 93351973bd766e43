"""The commands, one module each with main() -> exit code."""
