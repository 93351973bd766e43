"""Whether this host's KVM boots what a rack boots. A /dev/kvm that is there proves nothing: some hosts emulate a part."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from rack import state

PROBE_SECONDS = 15


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def probe(kernel: Path) -> bool:
    """Boot the kernel without a disk: where KVM works it panics for want of one within seconds, and QEMU ends."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    command = [
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc", "-m", "512M"),
        *("-accel", "kvm", "-cpu", "host", "-no-reboot", "-serial", "stdio"),
        *("-kernel", str(kernel), "-append", "console=ttyS0 panic=-1"),
    ]
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return b"Kernel panic" in result.stdout


def decide(cache: Path, kernel: Path) -> bool:
    """The answer of RACK_ACCEL (kvm or tcg), or of a probe once per boot of the host."""
    wanted = os.environ.get("RACK_ACCEL")
    if wanted:
        return wanted == "kvm"
    with state.locked("accelerator", cache):
        note = cache / "accelerator.json"
        known = note.read_text().split() if note.exists() else []
        if known[:1] != [_boot_id()]:
            known = [_boot_id(), "kvm" if probe(kernel) else "tcg"]
            state.write_atomically(note, " ".join(known) + "\n")
    return known[1] == "kvm"


def kvm_works(node_dir: Path) -> bool:
    """What was decided when the machine was made."""
    return (node_dir / "accelerator").read_text().strip() == "kvm"
