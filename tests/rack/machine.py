"""The mains of one machine: a process that boots it, boots it again when it asks, and ends when it is off."""

from __future__ import annotations

import json
import os
import subprocess
import traceback
from pathlib import Path

from rack import cgroup, cpuinfo, disks, kernel, network
from rack.errors import RackError
from rack.spec import Node, Spec

REBOOT = 133
ROOT = "/run/machine"
# The clock and the modules are the host's.
WITHHELD = ("sys_time", "sys_module")
WITHHELD_SETPRIV = ",".join(f"-{name}" for name in WITHHELD)


def role(node: str) -> str:
    return f"machine:{node}"


def node_dir(rack_dir: Path, node: str) -> Path:
    return rack_dir / "nodes" / node


def layer(directory: Path) -> Path:
    """Where the machine's own files are: everything that differs from its image, or (as a copy) everything."""
    copied = directory / "root"
    return copied if copied.exists() else directory / "upper"


def mount_root(directory: Path) -> None:
    """Mount the machine's file system at ROOT; in a mount namespace of our own, with /run ours too."""
    own = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    image = None if (directory / "root").exists() else os.open(directory / "image", os.O_PATH | os.O_DIRECTORY)
    # nspawn keeps locks and mount points in /run and /tmp: with these it leaves none on the host.
    kernel.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    for name in ("own", "image", "machine"):
        os.mkdir(f"/run/{name}")
    kernel.mount(f"/proc/self/fd/{own}", "/run/own", None, kernel.MS_BIND | kernel.MS_REC)
    if image is None:
        kernel.mount("/run/own/root", ROOT, None, kernel.MS_BIND | kernel.MS_REC)
        return
    kernel.mount(f"/proc/self/fd/{image}", "/run/image", None, kernel.MS_BIND)
    kernel.mount("overlay", ROOT, "overlay", 0, "lowerdir=/run/image,upperdir=/run/own/upper,workdir=/run/own/work")


def control_group(rack_dir: Path, node: str) -> Path:
    return cgroup.root(rack_dir) / f"{cgroup.prefix(rack_dir)}{node}"


def nspawn_command(node: Node, devices: list[tuple[str, str]], with_cpuinfo: bool) -> list[str]:
    command = [
        *("systemd-nspawn", "--quiet", "--boot", "--settings=no", "--register=no", "--keep-unit"),
        *(f"--directory={ROOT}", f"--machine={node.name}", "--network-namespace-path=/proc/self/ns/net"),
        *("--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=read-only"),
        # corosync locks its memory and asks for real-time scheduling; Ceph and LVM administer devices.
        *("--capability=all", "--rlimit=RLIMIT_MEMLOCK=infinity", "--rlimit=RLIMIT_NOFILE=1048576"),
        # The host does not lose power in a test, so no fsync has anything to protect.
        "--suppress-sync=yes",
        f"--drop-capability={','.join(f'CAP_{name.upper()}' for name in WITHHELD)}",
        "--bind=/dev/fuse",
    ]
    command += [f"--bind={device}:{name}" for device, name in devices]
    if with_cpuinfo:
        # What goes into /proc is mounted from inside, so it has to be brought inside first.
        command += ["--bind-ro=/run/cpuinfo:/run/host/cpuinfo", "--bind-ro=/run/host/cpuinfo:/proc/cpuinfo"]
    return command


def _boot(rack_dir: Path, spec: Spec, node: Node) -> None:
    """In a forked child: build the surroundings in namespaces of our own and become nspawn. Never returns."""
    directory = node_dir(rack_dir, node.name)
    devices = disks.attach(directory, node)
    group = control_group(rack_dir, node.name)
    cgroup.remove(group)

    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    if cgroup.mounted() != Path("/sys/fs/cgroup"):
        kernel.mount("none", "/sys/fs/cgroup", "cgroup2")
    group = Path("/sys/fs/cgroup") / group.name
    group.mkdir()
    (group / "cgroup.procs").write_text("0")

    network.plug(rack_dir, spec, node)
    mount_root(directory)
    disks.name(Path(ROOT), node)
    if node.cpu_flags:
        Path("/run/cpuinfo").write_text(cpuinfo.edit(Path("/proc/cpuinfo").read_text(), node.cpu_flags))
    kernel.mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777")
    os.chdir("/")
    environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    os.execvpe("systemd-nspawn", nspawn_command(node, devices, bool(node.cpu_flags)), environment)


def run(rack_dir: Path, spec: Spec, node: Node) -> int:
    """One boot to its end; nspawn's exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            _boot(rack_dir, spec, node)
        except (OSError, RackError, subprocess.CalledProcessError):
            traceback.print_exc()
        finally:
            os._exit(70)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(arguments: list[str]) -> int:
    rack_dir, name = Path(arguments[0]), arguments[1]
    while True:
        # Read at every boot: a rack that grew has a new spec.
        spec = Spec.from_dict(json.loads((rack_dir / "spec.json").read_text()))
        code = run(rack_dir, spec, spec.node(name))
        print(f"-- {name} ended with code {code}", flush=True)
        if code != REBOOT:
            return 0 if code == 0 else 1
