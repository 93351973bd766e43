"""ACME: accounts in priv/acme, plugins in priv/acme/plugins.cfg, and orders (PVE/API2/ACME*.pm, PVE/ACME.pm).

No authority is ever asked: a CA of the node's own, outside /etc/pve, plays every directory, answers at once, and makes
real certificates for 90 days. It cannot validate domains below `.invalid`. A directory whose path has `/eab` in it wants
an external account.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import paths, pvefiles
from .errors import Failure
from .section import OPTIONAL, REQUIRED, SectionConfig, Sections
from .text import digest

DIRECTORIES = {
    "Let's Encrypt V2": "https://acme-v02.api.letsencrypt.org/directory",
    "Let's Encrypt V2 Staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
DEFAULT = next(iter(DIRECTORIES.values()))
APIS = {
    "acmedns": "acmedns",
    "cf": "Cloudflare Managed DNS",
    "hetzner": "hetzner",
    "nsupdate": "nsupdate",
    "ovh": "OVH",
}
PLUGINS = "priv/acme/plugins.cfg"
# Proxmox's own are RSA with 4096 bits, which take seconds each
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_CA = "/var/lib/pve-standin/acme"
_DAYS = 90
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]+")
_COMMON = ("nodes", "disable")
_TYPES = {
    "dns": {"api": REQUIRED, **dict.fromkeys(("data", "validation-delay", *_COMMON), OPTIONAL)},
    "standalone": dict.fromkeys(_COMMON, OPTIONAL),
}
_PROPERTIES: dict[str, dict[str, Any]] = {
    "api": {"type": "string"},
    "data": {"type": "string", "optional": 1},
    "validation-delay": {"type": "integer", "optional": 1, "minimum": 0, "maximum": 172800},
    "nodes": {"type": "string", "optional": 1},
    "disable": {"type": "boolean", "optional": 1},
}


# -- plugins


def _decode(_kind: str, key: str, value: Any) -> Any:
    if key != "data":
        return value
    text = re.sub(r"[^A-Za-z0-9+/]", "", str(value).translate(str.maketrans("-_", "+/")))
    return base64.b64decode(text + "=" * (-len(text) % 4)).decode(errors="replace")


def _encode(_kind: str, key: str, value: Any) -> Any:
    return base64.urlsafe_b64encode(str(value).encode()).decode().rstrip("=") if key == "data" else value


TABLE = SectionConfig(_TYPES, _PROPERTIES, decode=_decode, encode=_encode)


def read_plugins() -> Sections:
    """With `standalone`, which is there without a line in the file."""
    raw = pvefiles.read(PLUGINS)
    sections = TABLE.parse(raw, PLUGINS)
    sections.digest = digest(raw)
    if sections.ids.get("standalone", {}).get("type") != "standalone":
        sections.ids["standalone"] = {"type": "standalone"}
    return sections


def write_plugins(sections: Sections) -> None:
    pvefiles.write_private(PLUGINS, TABLE.write(sections))


# -- accounts


def accounts() -> list[str]:
    directory = paths.pve("priv/acme")
    found = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    return [name for name in found if _NAME.fullmatch(name)]


def account(name: str) -> dict[str, Any]:
    return json.loads(pvefiles.read(f"priv/acme/{name}"))


def exists(name: str) -> bool:
    return paths.pve(f"priv/acme/{name}").is_file()


def meta(directory: str) -> dict[str, Any]:
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(directory))
    wants = {"externalAccountRequired": True} if "/eab" in directory else {}
    return {
        "termsOfService": f"{origin}/terms/v1",
        "website": origin,
        "caaIdentities": [urlsplit(directory).hostname],
        **wants,
    }


def register_work(
    name: str, directory: str, contact: list[str], tos: str | None, kid: str | None, hmac: str | None
) -> None:
    with pvefiles.lock(f"acme-{name}"):
        if exists(name):
            raise Failure(f"ACME account config file '{name}' already exists.")
        print("Generating ACME account key..")
        key = _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
        print("Registering ACME account..")
        known = meta(directory)
        problem = None
        if tos is None:
            problem = "must agree to terms of service"
        elif known.get("externalAccountRequired") and not (kid and hmac):
            problem = "External Account Binding is required"
        if problem:
            where = f"{directory.removesuffix('/directory')}/new-acct"
            raise Failure(f"Registration failed: Error: POST to {where}\n{json.dumps({'detail': problem})}")
        location = f"{directory.removesuffix('/directory')}/acct/{secrets.randbelow(10**8)}"
        _save(name, {"contact": contact, "createdAt": _now(), "status": "valid"}, directory, location, tos, key)
        print(f"Registration successful, account URL: '{location}'")


def _save(name: str, values: dict[str, Any], directory: str, location: str, tos: str | None, key: str) -> None:
    content = {
        "account": values,
        "debug": False,
        "directoryUrl": directory,
        "key": key,
        "location": location,
        "tos": tos,
    }
    pvefiles.write_private(f"priv/acme/{name}", json.dumps(content, sort_keys=True))


def update_work(name: str, contact: list[str]) -> None:
    """Without contacts only what the authority knows is fetched again."""
    with pvefiles.lock(f"acme-{name}"):
        known = account(name)
        values = {**known["account"], **({"contact": contact} if contact else {})}
        _save(name, values, known["directoryUrl"], known["location"], known["tos"], known["key"])


def deactivate_work(name: str) -> None:
    with pvefiles.lock(f"acme-{name}"):
        known = account(name)
        values = {**known["account"], "status": "deactivated"}
        _save(name, values, known["directoryUrl"], known["location"], known["tos"], known["key"])
        source = paths.pve(f"priv/acme/{name}")
        slots = (source.with_name(f"_deactivated_{name}_{number}") for number in range(101))
        target = next(slot for slot in slots if not slot.exists())
        print(f"Renaming account file from '/etc/pve/priv/acme/{name}' to '/etc/pve/priv/acme/{target.name}'")
        source.rename(target)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- orders


def order(name: str, domains: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """(certificate chain, key), with the log of a real order. What it says it sleeps, it does not."""
    if not exists(name):
        raise Failure(f"ACME account config file '{name}' does not exist.")
    print("Loading ACME account details")
    base = account(name)["directoryUrl"].removesuffix("/directory")
    plugins = read_plugins().ids
    print("Placing ACME order")
    number = secrets.randbelow(10**10)
    print(f"Order URL: {base}/order/{number}")
    for domain, entry in domains.items():
        _validate(f"{base}/authz/{number}/{domain}", domain, entry, plugins)
    print("\nAll domains validated!\n\nCreating CSR\nChecking order status\nOrder is ready, finalizing order\nvalid!")
    print("\nDownloading certificate", flush=True)
    return _issue(list(domains))


def _validate(url: str, domain: str, entry: dict[str, Any], plugins: dict[str, dict[str, Any]]) -> None:
    print(f"\nGetting authorization details from '{url}'\nThe validation for {domain} is pending!")
    plugin = entry["plugin"]
    if plugin not in plugins:
        raise Failure(f"plugin '{plugin}' for domain '{domain}' not found!")
    record = f"_acme-challenge.{entry.get('alias') or domain}"
    by_name = plugins[plugin]["type"] == "dns"
    print(f"Add TXT record: {record}" if by_name else "Setting up webserver")
    print("Triggering validation\nSleeping for 5 seconds")
    failed = domain.endswith(".invalid")
    if not failed:
        print(f"Status is 'valid', domain '{domain}' OK!")
    print(f"Remove TXT record: {record}" if by_name else "Stopping webserver")
    if failed:
        raise Failure(f"validating challenge '{url}' failed - status: invalid")


def _issue(domains: list[str]) -> tuple[str, str]:
    authority = paths.at(_CA)
    authority.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (authority / "ca.pem").exists():
        _make_authority(authority)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        names = ",".join(f"DNS:{domain}" for domain in domains)
        (place / "extensions").write_text(f"basicConstraints=CA:FALSE\nsubjectAltName={names}\n")
        request = ["req", "-new", "-batch", *_KEY, "-keyout", "key", "-out", "request"]
        _openssl(*request, "-subj", f"/CN={domains[0]}", where=place)
        _openssl(
            *("x509", "-req", "-in", "request", "-out", "certificate", "-days", str(_DAYS), "-extfile", "extensions"),
            *("-CA", str(authority / "ca.pem"), "-CAkey", str(authority / "ca.key")),
            *("-set_serial", f"0x{secrets.token_hex(8)}"),
            where=place,
        )
        chain = (place / "certificate").read_text() + (authority / "ca.pem").read_text()
        return chain, (place / "key").read_text()


def _make_authority(place: Path) -> None:
    draft = Path(tempfile.mkdtemp(dir=place))
    command = ["req", "-x509", "-batch", *_KEY, "-keyout", "ca.key", "-out", "ca.pem"]
    _openssl(*command, "-days", "3650", "-subj", "/O=Rack/CN=ACME of the stand-in", where=draft)
    for name in ("ca.key", "ca.pem"):
        (draft / name).rename(place / name)
    shutil.rmtree(draft)


def _openssl(*arguments: str, where: Path | None = None) -> str:
    command = ["openssl", *arguments]
    done = subprocess.run(command, cwd=where, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
