"""/proc/cpuinfo as the machine shall show it."""

from __future__ import annotations


def edit(text: str, changes: list[str]) -> str:
    """Add the flags named, drop those named with a leading '-', on every processor's `flags` line."""
    wanted = [flag for flag in changes if not flag.startswith("-")]
    hidden = {flag[1:] for flag in changes if flag.startswith("-")}
    lines = []
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == "flags":
            flags = [flag for flag in value.split() if flag not in hidden]
            flags += [flag for flag in wanted if flag not in flags]
            line = f"{key}: {' '.join(flags)}"
        lines.append(line)
    return "\n".join(lines) + "\n"
