# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate of a node against the stand-in's API of both releases, which really installs and really orders."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.proxmox.plugins.module_utils import _certificate, _node_certificate, _pem
from ansible_collections.baremetal.proxmox.plugins.module_utils._acme import ACCOUNT
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ConnectionLost
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_certificate import Place
from ansible_collections.baremetal.proxmox.plugins.modules import certificate
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
CUSTOM = "/nodes/pve1/certificates/custom"
ORDER = "/nodes/pve1/certificates/acme/certificate"
OWN = "nodes/pve1/pveproxy-ssl"
TERMS = "https://acme-v02.api.letsencrypt.org/terms/v1"


def openssl(*words: str, where: Path) -> None:
    subprocess.run(["openssl", *words], cwd=where, check=True, capture_output=True)


@dataclass(frozen=True)
class Files:
    """A small authority and what it has signed; `pem(name)` and `key(name)` are texts."""

    place: Path

    def pem(self, name: str) -> str:
        return (self.place / f"{name}.pem").read_text()

    def key(self, name: str) -> str:
        return (self.place / f"{name}.key").read_text()

    def sign(self, name: str, *options: str, names: str = "") -> None:
        request = [
            "req",
            "-new",
            "-batch",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-out",
            "request",
        ]
        openssl(*request, "-subj", f"/O=Rack/CN={name}.example.org", where=self.place)
        alternatives = names or f"DNS:{name}.example.org,IP:192.0.2.11,IP:2001:db8::1"
        (self.place / "extensions").write_text(f"subjectAltName={alternatives}\n")
        words = ["x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-out", f"{name}.pem"]
        openssl(*words, "-set_serial", str(time.time_ns()), "-extfile", "extensions", *options, where=self.place)


@pytest.fixture(scope="module")
def files(tmp_path_factory: Any) -> Files:
    made = Files(tmp_path_factory.mktemp("pem"))
    command = ["req", "-x509", "-batch", *KEY, "-days", "100", "-subj", "/CN=Our CA"]
    openssl(*command, "-keyout", "ca.key", "-out", "ca.pem", where=made.place)
    made.sign("pve1", "-days", "90")
    made.sign("other", "-days", "10")
    openssl("pkcs8", "-topk8", "-in", "pve1.key", "-passout", "pass:x", "-out", "locked.key", where=made.place)
    openssl("ec", "-in", "pve1.key", "-out", "old.key", where=made.place)
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", "curve.key", where=made.place)
    return made


class Machine:
    """The node that the module runs on. `proxy` is what pveproxy has loaded; it loads again when systemctl says so."""

    def __init__(self, root: Path, monkeypatch: Any, release: str) -> None:
        self.api = StandIn(root, monkeypatch, release)
        self.proxy: str | None = None
        self.asked = 0
        self._monkeypatch = monkeypatch
        self._restarts = root / "restarts"
        programs = root / "bin"
        programs.mkdir()
        (programs / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {self._restarts}\n')
        (programs / "systemctl").chmod(0o755)
        path = subprocess.os.environ["PATH"]
        monkeypatch.setenv("PATH", f"{programs}:{path}")
        openssl("req", "-x509", "-batch", *KEY, "-days", "300", "-subj", "/CN=pve1",
                "-keyout", "pve-ssl.key", "-out", "pve-ssl.pem", where=self.api.pve / "nodes/pve1")  # fmt: skip
        self.restart()

    def file(self) -> Path:
        own, ours = self.api.pve / f"{OWN}.pem", self.api.pve / "nodes/pve1/pve-ssl.pem"
        return own if own.exists() else ours

    def restart(self) -> None:
        self.proxy = _certificate.fingerprint(self.file().read_text())

    def served(self) -> str | None:
        """The first two looks after a restart find nobody there."""
        if self._restarts.exists():
            self.asked += 1
            if self.asked < 3:
                return None
            self._restarts.unlink()
            self.asked = 0
            self.restart()
        return self.proxy

    def on_disk(self, _node: str) -> list[str]:
        places = [self.api.pve / f"{OWN}.{end}" for end in ("pem", "key")]
        if not all(place.exists() for place in places):
            return []
        return [str(_certificate.fingerprint(one)) for one in _pem.blocks(places[0].read_text(), "CERTIFICATE")]

    def run(self, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        self.api.writes = []
        arguments |= {"_ansible_check_mode": True} if check else {}
        place = Place(self.served, self.on_disk, local="api_host" not in arguments)
        result = run_module(
            self._monkeypatch,
            lambda connect: certificate.run(connect, place),
            arguments,
            transport=self.api,
            timeout=20,
        )
        assert not (check and self.api.writes)
        if arguments.get("key"):
            assert arguments["key"].split("\n")[1] not in json.dumps(result)
        return result

    def good(self, **arguments: Any) -> dict[str, Any]:
        """In check mode, in earnest, and again, when nothing is left to do."""
        predicted = self.run(check=True, **arguments)
        done = self.run(**arguments)
        assert not done["failed"], done["msg"]
        assert done["changed"]
        for part in ("changed", "action", "reason", "before"):
            assert predicted[part] == done[part], part
        assert predicted["after"].items() <= done["after"].items()
        writes = self.api.writes
        again = self.run(**{**arguments, "force": False})
        assert (again["changed"], again["action"], self.api.writes) == (False, "none", [])
        assert again["before"] == done["after"] == again["after"]
        self.api.writes = writes
        return done


@pytest.fixture(params=["8.4", "9.2"])
def machine(request: Any, tmp_path: Path, monkeypatch: Any) -> Machine:
    monkeypatch.setattr(_node_certificate, "RESTART_SECONDS", 5.0)
    return Machine(tmp_path / "node", monkeypatch, request.param)


def own(files: Files, name: str = "pve1") -> dict[str, str]:
    return {"certificate": files.pem(name) + files.pem("ca"), "key": files.key(name)}


# -- a certificate of one's own


def test_uploaded_and_awaited(machine: Machine, files: Files) -> None:
    done = machine.good(**own(files))
    pem, key = files.pem("pve1") + files.pem("ca"), files.key("pve1")
    assert machine.api.writes == [("POST", CUSTOM, {"certificates": pem, "key": key, "force": "1", "restart": "1"})]
    assert (machine.api.read(f"{OWN}.pem"), machine.api.read(f"{OWN}.key")) == (pem, key)
    assert (done["action"], done["reason"], done["before"]) == ("upload", "the node has none of its own", {})
    assert done["after"]["subject"] == "/O=Rack/CN=pve1.example.org"
    assert done["after"]["issuer"] == "/CN=Our CA"
    assert done["after"]["san"] == ["pve1.example.org", "192.0.2.11", "2001:db8::1"]
    assert done["diff"] == {"before": done["before"], "after": done["after"]}
    assert machine.proxy == done["after"]["fingerprint"] == _certificate.fingerprint(pem)
    assert done["warnings"] == []


def test_another_one_takes_its_place(machine: Machine, files: Files) -> None:
    machine.run(**own(files))
    done = machine.good(**own(files, "other"))
    assert done["reason"] == "the node has another certificate"
    assert done["before"]["subject"] == "/O=Rack/CN=pve1.example.org"
    assert done["warnings"] == [f"certificate: expected it to be good for 30 days, found {days}" for days in (9,)]


def test_what_is_around_the_blocks_is_left_out(machine: Machine, files: Files) -> None:
    text = f"subject=x\n{files.pem('pve1')}\nissuer\r\n"
    machine.run(certificate=text.replace("\n", "\r\n"), key=f"comment\n{files.key('old')}")
    assert machine.api.read(f"{OWN}.pem") == files.pem("pve1")
    assert not machine.run(certificate=files.pem("pve1"), key=files.key("pve1"))["changed"]


def test_a_longer_chain_is_seen(machine: Machine, files: Files) -> None:
    machine.run(certificate=files.pem("pve1"), key=files.key("pve1"))
    assert machine.good(**own(files))["reason"] == "the chain or the key beside it is another one"
    (machine.api.pve / f"{OWN}.key").unlink()
    assert machine.good(**own(files))["action"] == "upload"


def test_a_restart_that_was_cut_off_is_made_up_for(machine: Machine, files: Files) -> None:
    machine.run(**own(files))
    machine.proxy = "AA"
    assert machine.good(**own(files))["reason"] == "pveproxy still shows another certificate"


def test_an_answer_that_the_restart_swallowed(machine: Machine, files: Files, monkeypatch: Any) -> None:
    real = machine.api.send

    def send(method: str, path: str, params: Any, timeout: float) -> Any:
        answer = real(method, path, params, timeout)
        if method == "POST":
            raise ConnectionLost(method, path, "closed", maybe_done=True)
        return answer

    monkeypatch.setattr(machine.api, "send", send)
    done = machine.run(**own(files))
    assert (done["failed"], done["changed"], len(machine.api.writes)) == (False, True, 1)
    assert done["after"]["subject"] == "/O=Rack/CN=pve1.example.org"


def test_a_proxy_that_does_not_come_back_is_an_error(machine: Machine, files: Files, monkeypatch: Any) -> None:
    monkeypatch.setattr(_node_certificate, "RESTART_SECONDS", 0.2)
    monkeypatch.setattr(machine, "served", lambda: None)
    result = machine.run(**own(files))
    assert result["failed"]
    assert "waited 0.2 s for pveproxy to show its new certificate" in result["msg"]


REFUSED = {
    "no certificate": (lambda f: ("nothing", f.key("pve1")), "certificate: expected certificates in PEM form"),
    "a key among them": (
        lambda f: (f.pem("pve1") + f.key("pve1"), f.key("pve1")),
        "certificate: expected certificates only, found a private key among them",
    ),
    "broken": (
        lambda f: ("-----BEGIN CERTIFICATE-----\nTm90aGluZw==\n-----END CERTIFICATE-----", f.key("pve1")),
        "found one (number 1) that openssl cannot read",
    ),
    "no key": (lambda f: (f.pem("pve1"), "secret-text"), "key: expected one private key in PEM form"),
    "two keys": (lambda f: (f.pem("pve1"), f.key("pve1") + f.key("other")), "found 2 of them"),
    "encrypted": (lambda f: (f.pem("pve1"), f.key("locked")), "key: expected one without a passphrase"),
    "no real key": (
        lambda f: (f.pem("pve1"), "-----BEGIN PRIVATE KEY-----\nTm90aGluZw==\n-----END PRIVATE KEY-----"),
        "key: expected a private key, found a text that openssl cannot read as one",
    ),
    "another's key": (
        lambda f: (f.pem("pve1"), f.key("other")),
        "key: expected that of the certificate of /O=Rack/CN=pve1.example.org, found another one",
    ),
    "a key of another kind": (lambda f: (f.pem("pve1"), f.key("curve")), "found another one"),
    "the wrong order": (
        lambda f: (f.pem("ca") + f.pem("pve1"), f.key("pve1")),
        "expected the server's own certificate first",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_the_api_is_asked(name: str, files: Files, monkeypatch: Any) -> None:
    make, sentence = REFUSED[name]
    text, key = make(files)
    result = run_module(monkeypatch, certificate.run, {"certificate": text, "key": key})
    assert result["failed"]
    assert sentence in result["msg"]
    assert "Nothing was changed." in result["msg"]
    assert "secret-text" not in json.dumps(result)
    assert not [line for line in key.splitlines() if len(line) > 40 and line in result["msg"]]


@pytest.mark.parametrize(
    ("shift", "sentence"),
    [(91 * 86400, "has expired"), (-86400, "is not valid yet. Nothing was changed. See the clock")],
)
def test_only_what_is_valid_now(shift: float, sentence: str, files: Files) -> None:
    with pytest.raises(_node_certificate.InputError) as caught:
        _pem.read_pair(files.pem("pve1"), files.key("pve1"), time.time() + shift)
    assert sentence in str(caught.value)


def test_a_chain_with_a_gap_is_warned_of(machine: Machine, files: Files) -> None:
    result = machine.run(certificate=files.pem("pve1") + files.pem("other"), key=files.key("pve1"))
    assert result["warnings"] == [
        "certificate: expected number 2 to be that of /CN=Our CA, found that of /O=Rack/CN=other.example.org"
    ]


# -- and none


def test_removed(machine: Machine, files: Files) -> None:
    machine.run(**own(files))
    done = machine.good(state="absent")
    assert (done["action"], done["after"]) == ("remove", {})
    assert machine.api.writes == [("DELETE", CUSTOM, {"restart": "1"})]
    assert not (machine.api.pve / f"{OWN}.key").exists()
    assert machine.proxy == _certificate.fingerprint(machine.api.read("nodes/pve1/pve-ssl.pem"))


# -- ACME


@pytest.fixture
def ready(machine: Machine) -> Machine:
    account = {"name": "default", "contact": ["a@example.org"], "tos_url": TERMS}
    assert not machine.api.module(ACCOUNT, config=[account])["failed"]
    machine.api.call("PUT", "/nodes/pve1/config", acmedomain0="PVE1.example.org", acmedomain1="rack.example.org")
    return machine


def test_ordered_for_the_names_in_the_options(ready: Machine) -> None:
    done = ready.good(state="acme", domains=["pve1.example.org", "Rack.example.org"])
    assert (done["action"], done["reason"]) == ("order", "the node has no certificate of its own")
    assert ready.api.writes == [("POST", ORDER, {"force": "1"})]
    assert done["after"]["san"] == ["pve1.example.org", "rack.example.org"]
    assert done["after"]["issuer"] == "/O=Rack/CN=ACME of the stand-in"
    assert ready.proxy == done["after"]["fingerprint"]

    ready.api.call("PUT", "/nodes/pve1/config", delete="acmedomain1")
    done = ready.good(state="acme")
    assert (done["action"], done["reason"]) == ("order", "the certificate is for pve1.example.org, rack.example.org")

    done = ready.good(state="acme", force=True)
    assert (done["action"], done["reason"]) == ("renew", "it was asked for")
    assert ready.api.writes == [("PUT", ORDER, {"force": "1"})]


def test_renewed_in_time(ready: Machine) -> None:
    ready.run(state="acme")
    assert not ready.run(state="acme", min_days=80)["changed"]
    result = ready.run(state="acme", min_days=91, check=True)
    assert (result["action"], result["reason"]) == ("renew", "it ends in 89 days")
    assert ready.run(state="acme", min_days=91)["changed"]
    assert ready.api.writes == [("PUT", ORDER, {"force": "1"})]


def test_in_place_of_ones_own_and_revoked(ready: Machine, files: Files) -> None:
    ready.run(**own(files))
    assert ready.good(state="acme")["before"]["issuer"] == "/CN=Our CA"
    done = ready.good(state="absent", revoke=True)
    assert (done["action"], ready.api.writes) == ("revoke", [("DELETE", ORDER, {})])


def test_what_is_missing_for_an_order(machine: Machine) -> None:
    result = machine.run(state="acme")
    assert "expected ACME domains in the node's options, found none" in result["msg"]
    machine.api.call("PUT", "/nodes/pve1/config", acmedomain0="pve1.example.org")
    result = machine.run(state="acme")
    assert "expected an account of the cluster, found 'default'; there are none" in result["msg"]
    result = machine.run(state="acme", domains=["rack.example.org"])
    assert "domains: expected rack.example.org in the node's options, found pve1.example.org" in result["msg"]
    assert machine.api.writes == []
    # in check mode what comes before it has not been written
    result = machine.run(state="acme", domains=["rack.example.org"], check=True)
    assert (result["changed"], result["after"]) == (True, {"san": ["rack.example.org"]})
    assert [text.split(":")[0] for text in result["warnings"]] == ["domains"]
    assert machine.run(state="acme", check=True)["warnings"][0].startswith("acme: expected an account")


def test_an_order_that_fails_says_why(ready: Machine) -> None:
    ready.api.call("PUT", "/nodes/pve1/config", acmedomain1="rack.invalid")
    result = ready.run(state="acme")
    assert result["failed"]
    assert "validating challenge" in result["msg"]
    assert "Triggering validation" in result["msg"]
    assert not (ready.api.pve / f"{OWN}.pem").exists()


def test_an_order_whose_answer_was_lost_is_awaited(ready: Machine, monkeypatch: Any) -> None:
    real = ready.api.send

    def send(method: str, path: str, params: Any, timeout: float) -> Any:
        answer = real(method, path, params, timeout)
        if method == "POST":
            raise ConnectionLost(method, path, "closed", maybe_done=True)
        return answer

    monkeypatch.setattr(ready.api, "send", send)
    done = ready.run(state="acme")
    assert (done["failed"], done["changed"], len(ready.api.writes)) == (False, True, 1)
    assert done["after"]["san"] == ["pve1.example.org", "rack.example.org"]


# -- elsewhere


def test_through_another_machine(machine: Machine, files: Files, monkeypatch: Any) -> None:
    """What is shown is waited for where it was shown before; the chain and the proxy cannot be looked at."""
    there = {"api_host": "pve1", "api_token_id": "root@pam!x", "api_token_secret": "unused"}
    done = machine.run(**own(files), **there)
    assert (done["changed"], done["warnings"]) == (True, [])
    assert machine.proxy == done["after"]["fingerprint"]
    machine.proxy = "AA"
    assert not machine.run(certificate=files.pem("pve1"), key=files.key("pve1"), **there)["changed"]
    # a proxy in between goes on with its own
    assert machine.run(**own(files, "other"), **there)["changed"]

    real = machine.api.send

    def send(method: str, path: str, params: Any, timeout: float) -> Any:
        if path == "/version":
            raise ConnectionLost(method, path, "not the fingerprint")
        return real(method, path, params, timeout)

    monkeypatch.setattr(machine.api, "send", send)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    (told,) = machine.run(state="absent", timeout=1, **there)["warnings"]
    assert told.startswith("The certificate is set, but this connection does not trust it")


def test_before_proxmox_is_there(monkeypatch: Any, files: Files) -> None:
    def run(**arguments: Any) -> dict[str, Any]:
        return run_module(monkeypatch, certificate.run, arguments, installed=False)

    predicted = run(**own(files), _ansible_check_mode=True)
    assert (predicted["action"], predicted["after"]["subject"]) == ("upload", "/O=Rack/CN=pve1.example.org")
    predicted = run(state="acme", domains=["a.example.org"], _ansible_check_mode=True)
    assert (predicted["action"], predicted["after"]) == ("order", {"san": ["a.example.org"]})
    assert not run(state="absent", _ansible_check_mode=True)["changed"]
    assert "is not installed" in run(**own(files))["msg"]


def test_documentation_and_arguments_agree(monkeypatch: Any) -> None:
    documented = yaml.safe_load(certificate.DOCUMENTATION)["options"]
    seen: dict[str, Any] = {}
    monkeypatch.setattr(certificate, "Module", lambda **given: seen.update(given))
    monkeypatch.setattr(certificate._errors, "run", lambda module, main: None)
    certificate.run()
    assert documented.keys() == {name for name in seen["argument_spec"] if not name.startswith(("api_", "validate_"))}
    assert seen["argument_spec"]["key"]["no_log"]
