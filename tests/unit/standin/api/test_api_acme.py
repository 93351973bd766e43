"""Certificates and ACME: refusals of the handlers, and the files that they leave."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pvestandin import acme, customcerts, registry
from pvestandin.api import node_certificates
from pvestandin.errors import ApiError, Failure
from pvestandin.registry import Context

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
OWN = "nodes/pve1/pveproxy-ssl"


@pytest.fixture
def call(node: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Handlers as they are; nothing restarts, and tasks are not run."""
    (node.pve / "nodes/pve1").mkdir(parents=True)
    monkeypatch.setattr(customcerts, "restart_proxy", lambda *text: print("restarted"))
    monkeypatch.setattr(node_certificates.tasks, "start", lambda ctx, kind, ident, work, **words: (kind, words))
    registry.load()

    def made(method: str, path: str, **params: Any) -> Any:
        endpoint, found = registry.find(method, path)
        return endpoint.handler(Context("root@pam", "pve1"), {**found, **params})

    return made


def pair(place: Path, name: str) -> tuple[str, str]:
    command = ["openssl", "req", "-x509", "-batch", *KEY, "-days", "40", "-subj", f"/CN={name}"]
    subprocess.run(
        [*command, "-keyout", f"{name}.key", "-out", f"{name}.pem"], cwd=place, check=True, capture_output=True
    )
    return (place / f"{name}.pem").read_text(), (place / f"{name}.key").read_text()


def test_a_custom_certificate(node: Any, call: Callable[..., Any], tmp_path: Path, capsys: Any) -> None:
    custom = "/nodes/pve1/certificates/custom"
    (first, key), (other, strange) = pair(tmp_path, "a"), pair(tmp_path, "b")
    with pytest.raises(ApiError) as caught:
        call("POST", custom, certificates=first)
    assert caught.value.errors == {"key": "Attempted to upload custom certificate without (existing) key."}
    found = call("POST", custom, certificates=f"text before\n{first}", key=key, restart=1)
    assert (found["filename"], found["subject"]) == ("pveproxy-ssl.pem", "/CN=a")
    assert capsys.readouterr().out == "restarted\n"
    assert ((node.pve / f"{OWN}.pem").read_text(), (node.pve / f"{OWN}.key").read_text()) == (first, key)
    with pytest.raises(Failure, match="Custom certificate file exists but force flag is not set"):
        call("POST", custom, certificates=other, key=strange)
    with pytest.raises(Failure, match="key does not match the certificate"):
        call("POST", custom, certificates=other, key=key, force=1)
    assert (node.pve / f"{OWN}.pem").read_text() == first
    call("DELETE", custom)
    assert not list((node.pve / "nodes/pve1").iterdir())


def test_what_an_order_needs(node: Any, call: Callable[..., Any], tmp_path: Path) -> None:
    order = "/nodes/pve1/certificates/acme/certificate"
    with pytest.raises(ApiError, match="ACME domain list in node configuration is missing"):
        call("POST", order)
    node.write("nodes/pve1/config", "acme: account=x1,domains=A.example\nacmedomain0: b.example,plugin=standalone\n")
    kind, words = call("POST", order)
    assert (kind, words["account"], words["force"]) == ("acmenewcert", "x1", False)
    assert words["domains"] == {"a.example": {"plugin": "standalone"}, "b.example": {"plugin": "standalone"}}
    with pytest.raises(Failure, match="No current \\(custom\\) certificate found"):
        call("PUT", order)
    customcerts.install("pve1", *pair(tmp_path, "a"), force=False)
    with pytest.raises(ApiError) as caught:
        call("POST", order)
    assert caught.value.errors == {"force": "Custom certificate exists but 'force' is not set."}
    with pytest.raises(ApiError) as caught:
        call("PUT", order)
    assert "does not expire within the next 30 days" in caught.value.errors["force"]
    assert call("PUT", order, force=1)[0] == "acmerenew"
    assert call("DELETE", order)[0] == "acmerevoke"


def test_an_order(node: Any, capsys: Any) -> None:
    acme.register_work("default", acme.DEFAULT, ["mailto:a@example.org"], "https://x/terms", None, None)
    file = node.pve / "priv/acme/default"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    known = json.loads(file.read_text())
    assert (known["account"]["contact"], known["directoryUrl"]) == (["mailto:a@example.org"], acme.DEFAULT)
    capsys.readouterr()
    chain, key = acme.order("default", {"a.example": {"plugin": "standalone"}, "b.example": {"plugin": "standalone"}})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Loading ACME account details", "Placing ACME order"]
    assert "Status is 'valid', domain 'b.example' OK!" in lines
    assert lines[-1] == "Downloading certificate"
    assert (chain.count("BEGIN CERTIFICATE"), key.count("PRIVATE KEY")) == (2, 2)
    with pytest.raises(Failure, match="plugin 'nosuch' for domain"):
        acme.order("default", {"c.example": {"plugin": "nosuch"}})
    with pytest.raises(Failure, match="ACME account config file 'other' does not exist"):
        acme.order("other", {"c.example": {"plugin": "standalone"}})


def test_plugins_and_their_file(node: Any, call: Callable[..., Any]) -> None:
    path = "/cluster/acme/plugins"
    assert [row["plugin"] for row in call("GET", path)] == ["standalone"]
    call("POST", path, id="cf", type="dns", api="cf", data="YT1iCg==", **{"validation-delay": 5})
    sections = (node.pve / acme.PLUGINS).read_text().rstrip("\n").split("\n\n")
    assert sorted(sections) == ["dns: cf\n\tapi cf\n\tdata YT1iCg\n\tvalidation-delay 5", "standalone: standalone"]
    assert call("GET", f"{path}/cf")["data"] == "a=b\n"
    with pytest.raises(Failure, match="ACME plugin ID 'cf' already exists"):
        call("POST", path, id="cf", type="dns", api="cf")
    with pytest.raises(Failure, match="missing value for required option 'api'"):
        call("POST", path, id="cg", type="dns")
    with pytest.raises(Failure, match="unable to delete required option 'api'"):
        call("PUT", f"{path}/cf", delete="api")
    call("DELETE", f"{path}/standalone")
    assert {row["plugin"] for row in call("GET", path)} == {"cf", "standalone"}


def test_accounts_that_are_not_there(call: Callable[..., Any]) -> None:
    for method in ("GET", "PUT", "DELETE"):
        with pytest.raises(ApiError) as caught:
            call(method, "/cluster/acme/account/nosuch")
        assert caught.value.errors == {"name": "ACME account config file 'nosuch' does not exist."}
