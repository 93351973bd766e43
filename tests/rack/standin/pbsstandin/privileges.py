"""Privileges and roles (pbs-api-types, acl.rs). Roles are fixed: nobody can make one."""

from __future__ import annotations

PRIVILEGES = (
    "Sys.Audit",
    "Sys.Modify",
    "Sys.PowerManagement",
    "Datastore.Audit",
    "Datastore.Allocate",
    "Datastore.Modify",
    "Datastore.Read",
    "Datastore.Verify",
    "Datastore.Backup",
    "Datastore.Prune",
    "Permissions.Modify",
    "Remote.Audit",
    "Remote.Modify",
    "Remote.Read",
    "Sys.Console",
    "Tape.Audit",
    "Tape.Modify",
    "Tape.Write",
    "Tape.Read",
    "Realm.Allocate",
    "Remote.DatastoreBackup",
    "Remote.DatastoreModify",
    "Remote.DatastorePrune",
)
NO_ACCESS = "NoAccess"
_DATASTORE = ("Audit", "Modify", "Read", "Verify", "Backup", "Prune")

ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "Admin": ("Administrator", frozenset(PRIVILEGES)),
    "Audit": ("Auditor", frozenset(("Sys.Audit", "Datastore.Audit"))),
    NO_ACCESS: ("Disable Access", frozenset()),
    "DatastoreAdmin": ("Datastore Administrator", frozenset(f"Datastore.{name}" for name in _DATASTORE)),
    "DatastoreReader": (
        "Datastore Reader (inspect datastore content and do restores)",
        frozenset(("Datastore.Audit", "Datastore.Verify", "Datastore.Read")),
    ),
    "DatastoreBackup": ("Datastore Backup (backup and restore owned backups)", frozenset(("Datastore.Backup",))),
    "DatastorePowerUser": (
        "Datastore PowerUser (backup, restore and prune owned backup)",
        frozenset(("Datastore.Prune", "Datastore.Backup")),
    ),
    "DatastoreAudit": ("Datastore Auditor", frozenset(("Datastore.Audit",))),
    "RemoteAudit": ("Remote Auditor", frozenset(("Remote.Audit",))),
    "RemoteAdmin": ("Remote Administrator", frozenset(("Remote.Audit", "Remote.Modify", "Remote.Read"))),
    "RemoteSyncOperator": ("Synchronization Operator", frozenset(("Remote.Audit", "Remote.Read"))),
    "RemoteSyncPushOperator": (
        "Synchronization Operator (push direction)",
        frozenset(("Remote.Audit", "Remote.DatastoreBackup")),
    ),
    "RemoteDatastorePowerUser": (
        "Remote Datastore Prune",
        frozenset(("Remote.Audit", "Remote.DatastoreBackup", "Remote.DatastorePrune")),
    ),
    "RemoteDatastoreAdmin": (
        "Remote Datastore Admin",
        frozenset(("Remote.Audit", "Remote.DatastoreBackup", "Remote.DatastoreModify", "Remote.DatastorePrune")),
    ),
    "TapeAudit": ("Tape Auditor", frozenset(("Tape.Audit",))),
    "TapeAdmin": ("Tape Administrator", frozenset(("Tape.Audit", "Tape.Modify", "Tape.Read", "Tape.Write"))),
    "TapeOperator": ("Tape Operator", frozenset(("Tape.Audit", "Tape.Read", "Tape.Write"))),
    "TapeReader": ("Tape Reader", frozenset(("Tape.Audit", "Tape.Read"))),
}
"""Role → its description and privileges."""


def in_order(names: frozenset[str]) -> list[str]:
    """As PBS lists them: by their bits."""
    return [name for name in PRIVILEGES if name in names]
