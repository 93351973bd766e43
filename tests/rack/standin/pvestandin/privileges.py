"""Privileges and the built-in roles that Proxmox derives from them (PVE/AccessControl.pm), for each release."""

from __future__ import annotations

from functools import lru_cache

from . import paths

# category: (only Administrator, and the Admin role, and the User role, and PVEAuditor)
_GROUPS: dict[str, tuple[str, str, str, str]] = {
    "VM": (
        "",
        "Config.Disk Config.CPU Config.Memory Config.Network Config.HWType Config.Options Allocate Clone Migrate"
        " Snapshot Snapshot.Rollback",
        "Config.CDROM Config.Cloudinit Console Backup PowerMgmt",
        "Audit",
    ),
    "Sys": ("PowerMgmt Modify Incoming AccessNetwork", "Console Syslog", "", "Audit"),
    "Datastore": ("", "Allocate AllocateTemplate", "AllocateSpace", "Audit"),
    "SDN": ("", "Allocate Audit", "Use", "Audit"),
    "Pool": ("", "Allocate", "Audit", "Audit"),
    "Mapping": ("", "Modify", "Use", "Audit"),
}
_USER = ({"Realm.Allocate"}, {"User.Modify", "Group.Allocate", "Realm.AllocateUser"})
_VM_8 = {"VM.Monitor"}
_VM_9 = (
    {"VM.GuestAgent.Unrestricted", "VM.Replicate"},
    {"VM.GuestAgent.FileRead", "VM.GuestAgent.FileSystemMgmt", "VM.GuestAgent.FileWrite"},
    {"VM.GuestAgent.Audit"},
)


def valid() -> frozenset[str]:
    """Every privilege of the release."""
    return special_roles()["Administrator"]


def special_roles() -> dict[str, frozenset[str]]:
    """The roles that cannot be changed: name → privileges."""
    return _special_roles(paths.release()[0])


@lru_cache(maxsize=2)
def _special_roles(major: int) -> dict[str, frozenset[str]]:
    roles: dict[str, set[str]] = {
        "NoAccess": set(),
        "Administrator": {"Permissions.Modify"},
        "PVEAdmin": set(),
        "PVEAuditor": set(),
        "PVETemplateUser": {"VM.Clone", "VM.Audit"},
    }
    for category, (root, admin, user, audit) in _levels(major).items():
        roles["Administrator"] |= root | admin | user | audit
        roles[f"PVE{category}Admin"] = admin | user | audit
        roles["PVEAdmin"] |= admin | user | audit
        if user:
            roles[f"PVE{category}User"] = user | audit
        roles["PVEAuditor"] |= audit
    roles["PVEAdmin"].discard("Mapping.Modify")
    return {name: frozenset(privileges) for name, privileges in roles.items()}


def _levels(major: int) -> dict[str, list[set[str]]]:
    levels = {
        category: [{f"{category}.{name}" for name in names.split()} for names in groups]
        for category, groups in _GROUPS.items()
    }
    levels["User"] = [*_USER, set(), set()]
    if major < 9:
        levels["VM"][1] |= _VM_8
    else:
        for level, extra in zip(levels["VM"][1:], _VM_9, strict=True):
            level |= extra
    return levels
