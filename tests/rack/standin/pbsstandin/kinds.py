"""Every section config of PBS with its properties (pbs-config/src/*.rs, pbs-api-types)."""

from __future__ import annotations

from .sections import SectionFile

KEEP = " ".join(f"keep-{unit}:keep" for unit in ("last", "hourly", "daily", "weekly", "monthly", "yearly"))
LIMITS = "rate-in rate-out burst-in burst-out"
_DATASTORE = (
    f"path! comment:comment gc-schedule prune-schedule {KEEP} verify-new:boolean notify-user:userid notify "
    "notification-mode tuning maintenance-mode backing-device gc-on-unmount:boolean backend notification-thresholds "
    "counter-reset-schedule"
)
_SYNC = (
    f"store!:safe-id ns:namespace owner:authid remote:safe-id remote-store!:safe-id remote-ns:namespace "
    f"remove-vanished:boolean max-depth:depth comment:comment schedule group-filter:array {LIMITS} transfer-last:keep "
    "sync-direction encrypted-only:boolean verified-only:boolean resync-corrupt:boolean run-on-mount:boolean "
    "unmount-on-done:boolean worker-threads:integer active-encryption-key:safe-id associated-key:array"
)

DATASTORE = SectionFile("datastore.cfg", "datastore", {"datastore": _DATASTORE})
PRUNE = SectionFile(
    "prune.cfg",
    "prune",
    {"prune": f"store!:safe-id schedule! disable:boolean comment:comment ns:namespace max-depth:depth {KEEP}"},
)
VERIFY = SectionFile(
    "verification.cfg",
    "verification",
    {
        "verification": "store!:safe-id ns:namespace max-depth:depth ignore-verified:boolean outdated-after:natural "
        "comment:comment schedule read-threads:integer verify-threads:integer"
    },
)
SYNC = SectionFile("sync.cfg", "sync", {"sync": _SYNC})
REMOTE = SectionFile(
    "remote.cfg",
    "remote",
    {
        "remote": "host! port:integer auth-id!:authid fingerprint:fingerprint comment:comment use-node-proxy:boolean "
        "password!"
    },
)
TRAFFIC = SectionFile(
    "traffic-control.cfg",
    "traffic-control",
    {"rule": f"network!:array timeframe:array users:array comment:comment {LIMITS}"},
)
S3 = SectionFile(
    "s3.cfg",
    "s3",
    {
        "s3-endpoint": "endpoint! access-key! secret-key! region fingerprint:fingerprint port:integer path-style:boolean "
        f"put-rate-limit:integer {LIMITS} provider-quirks:array"
    },
)
