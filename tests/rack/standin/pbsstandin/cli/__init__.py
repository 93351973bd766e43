"""The commands and daemons."""
