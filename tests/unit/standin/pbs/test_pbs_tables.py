"""The collection's tables against the stand-in: every state of every table, and that nothing is written twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pbsstandin import dispatch

fake_api = pytest.importorskip("ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api")
from ansible_collections.baremetal.proxmox.plugins.module_utils import _pbs_jobs, _pbs_settings  # noqa: E402
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import BACKUP_CONNECTION_SPEC  # noqa: E402
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule  # noqa: E402
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError  # noqa: E402
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER  # noqa: E402
from ansible_collections.baremetal.proxmox.plugins.module_utils._session import _with_digest  # noqa: E402

Item = dict[str, Any]
FIRST = {"id": "first", "store": "store1"}
PIN = ":".join(["AB"] * 32)
CASES: dict[str, tuple[Any, Item, Item]] = {
    "prune": (
        _pbs_jobs.PRUNE_JOB,
        {**FIRST, "schedule": "daily", "keep_daily": 7, "keep_weekly": 4, "keep_monthly": 3},
        {"ns": "site/rack", "max_depth": 0, "disable": True, "comment": "nightly", "keep_last": 2},
    ),
    "verify": (
        _pbs_jobs.VERIFY_JOB,
        FIRST,
        {"schedule": "sun 03:00", "ignore_verified": False, "outdated_after": 30, "verify_threads": 8, "ns": "site"},
    ),
    "sync": (
        _pbs_jobs.SYNC_JOB,
        {**FIRST, "remote": "away", "remote_store": "far1"},
        {
            "schedule": "hourly",
            "group_filter": ["type:vm", "exclude:group:vm/100"],
            "rate_in": "10MB",
            "resync_corrupt": True,
            "remove_vanished": True,
            "owner": "backup@pbs",
            "transfer_last": 3,
        },
    ),
    "push": (
        _pbs_jobs.SYNC_JOB,
        {**FIRST, "remote": "away", "remote_store": "far1", "sync_direction": "push"},
        {"worker_threads": 4},
    ),
    "remote": (
        _pbs_settings.REMOTE,
        {"name": "first", "host": "pbs2.example.org", "auth_id": "sync@pbs!pull", "password": "canary"},
        {"port": 8008, "fingerprint": PIN, "comment": "the other site"},
    ),
    "traffic": (
        _pbs_settings.TRAFFIC_CONTROL,
        {"name": "first", "network": ["10.0.0.0/8", "fd00::/8"], "rate_in": "10 MB"},
        {"timeframe": ["mon..fri 8:00-18:00"], "burst_in": "1GiB", "users": ["backup@pbs"]},
    ),
    "s3": (
        _pbs_settings.S3_ENDPOINT,
        {"id": "first", "endpoint": "s3.example.org", "access_key": "AKIA", "secret_key": "canary"},
        {"region": "eu-1", "path_style": True, "port": 9000, "provider_quirks": ["skip-if-none-match-header"]},
    ),
    "user": (
        _pbs_settings.USER,
        {"userid": "first@pbs", "password": "canary-password"},
        {"comment": "for the cluster", "enable": False, "expire": 2000000000, "email": "ops@example.org"},
    ),
}


class Transport:
    """The stand-in without HTTP. `writes` are the calls that changed something."""

    def __init__(self, pbs: Any) -> None:
        self.pbs = pbs
        self.writes: list[tuple[str, str]] = []

    def send(self, method: str, path: str, params: Mapping[str, Any], timeout: float) -> Any:
        given = {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}
        answer = dispatch.answer(method, path, lambda: "root@pam", lambda: (given, False))[0]
        if method != "GET":
            self.writes.append((method, path))
        if answer.status >= 400:
            raise ApiError(answer.status, method, path, answer.message)
        return _with_digest(answer.data, answer.attributes.get("digest"))

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def run(pbs: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    pbs.datastore()
    transport = Transport(pbs)

    def run(table: Any, state: str, config: list[Item] | None = None, check: bool = False) -> Item:
        def start(_connect: Any) -> None:
            def connect(_module: Any) -> Any:
                return fake_api.FakeClient(transport, product=BACKUP_SERVER)

            ResourceModule(table, connect, connection=BACKUP_CONNECTION_SPEC).run()

        transport.writes.clear()
        arguments = {"config": config, "state": state, "_ansible_check_mode": check}
        result = fake_api.run_module(monkeypatch, start, arguments, transport=transport)
        assert not result["failed"], result
        return {**result, "writes": list(transport.writes)}

    return run


@pytest.mark.parametrize("name", CASES)
def test_a_table_in_every_state(run: Any, name: str) -> None:
    table, base, more = CASES[name]
    key = table.key.option
    planned = run(table, "merged", [base], check=True)
    assert planned["changed"] and not planned["writes"]
    made = run(table, "merged", [base])
    assert [method for method, _path in made["writes"]] == ["POST"]
    assert (planned["after"], planned["diff"]) == (made["after"], made["diff"])
    assert not run(table, "merged", [base])["changed"]

    changed = run(table, "merged", [{key: base[key], **more}])
    assert [method for method, _path in changed["writes"]] == ["PUT"]
    assert not changed["warnings"]
    again = run(table, "merged", [{**base, **more}])
    assert not again["changed"] and not again["writes"]

    gathered = run(table, "gathered")["gathered"]
    secrets = {one.option for one in table.fields if one.secret}
    assert not any(secrets & set(item) for item in gathered)
    assert "canary" not in str(gathered) + str(made) + str(changed)
    back = run(table, "overridden", gathered)
    assert not back["changed"] and not back["writes"]

    assert run(table, "replaced", [base])["changed"]
    (left,) = [item for item in run(table, "gathered")["gathered"] if item[key] == base[key]]
    wanted = {one: value for one, value in base.items() if one not in secrets}
    assert {one: value for one, value in left.items() if one in wanted} == _canonical(table, wanted)
    assert not {one for one, value in left.items() if value not in (False, 0)} - set(wanted) - _defaults(table, left)
    assert not run(table, "replaced", [base])["changed"]

    assert run(table, "deleted", [{key: base[key]}], check=True)["changed"]
    assert [method for method, _path in run(table, "deleted", [{key: base[key]}])["writes"]] == ["DELETE"]
    assert not run(table, "deleted", [{key: base[key]}])["changed"]


def _canonical(table: Any, item: Item) -> Item:
    return {
        one: table.key.read(value) if one == table.key.option else _field(table, one).read(value)
        for one, value in item.items()
    }


def _field(table: Any, option: str) -> Any:
    return next(one for one in table.fields if one.option == option)


def _defaults(table: Any, item: Item) -> set[str]:
    return {one.option for one in table.fields if one.default is not None and item.get(one.option) == one.default}


@pytest.mark.parametrize("name", CASES)
def test_overridden_with_nothing(run: Any, name: str) -> None:
    """root@pam stays, everything else goes."""
    table, base, _more = CASES[name]
    run(table, "merged", [base])
    assert run(table, "overridden", [])["changed"]
    left = [item[table.key.option] for item in run(table, "gathered")["gathered"]]
    assert left == (["root@pam"] if name == "user" else [])


def test_fifty_items_are_one_call(run: Any) -> None:
    items = [{"id": f"job{number}", "store": "store1", "schedule": "daily", "keep_last": 3} for number in range(50)]
    made = run(_pbs_jobs.PRUNE_JOB, "merged", items)
    assert len(made["writes"]) == 50
    changed = run(_pbs_jobs.PRUNE_JOB, "merged", [{**item, "keep_last": 4} for item in items])
    assert len(changed["writes"]) == 50
    assert not run(_pbs_jobs.PRUNE_JOB, "overridden", [{**item, "keep_last": 4} for item in items])["changed"]


def test_somebody_else_writes_meanwhile(run: Any, pbs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest is that of the whole file: a change of another item means to read again, and no more."""
    table, base, _more = CASES["prune"]
    run(table, "merged", [base])
    real = Transport.send

    def send(self: Any, method: str, path: str, params: Any, timeout: float) -> Any:
        if method == "PUT" and len(self.writes) == 0:
            pbs.call("POST", "/config/prune", id="other", store="store1", schedule="daily", keep_last="1")
        return real(self, method, path, params, timeout)

    monkeypatch.setattr(Transport, "send", send)
    changed = run(table, "merged", [{"id": "first", "keep_daily": 14}])
    assert changed["writes"] == [("PUT", "/config/prune/first"), ("PUT", "/config/prune/first")]
    assert pbs.call("GET", "/config/prune/first")["keep-daily"] == 14
