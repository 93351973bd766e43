"""The corpus of inventories: every bad one is refused before any connection, with all that is wrong; the good ones pass.

All cases are judged in this process, a part of them also through ansible-playbook and the whole of site.yml. There, ssh is
a script that notes its call and fails, so that a connection would be seen.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from validate_in_process import judge

from inventories import corpus

ROOT = Path(__file__).parents[2]
CASES = {case.name: case for case in corpus.cases()}
SAMPLE = [
    case
    for number, case in enumerate(CASES.values())
    if case.errors and (number % 3 == 0 or case.variables or case.arguments)
]
# Of the issue that asked for the corpus
LEAST = 60


@dataclass(frozen=True)
class Run:
    """One end of ansible-playbook."""

    code: int
    output: str
    connected: bool

    def warned(self, sentence: str) -> bool:
        """Ansible breaks the lines of warnings as it likes."""
        return "".join(f"[WARNING]: {sentence}".split()) in "".join(self.output.split())


Play = Callable[..., Run]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Runs site.yml, or another playbook, on an inventory."""

    def run(inventory: Path, *arguments: str, playbook: str = "site.yml", **environment: str) -> Run:
        directory = tmp_path_factory.mktemp("run")
        calls, ssh = directory / "calls", directory / "ssh"
        ssh.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nexit 255\n')
        ssh.chmod(0o755)
        process = subprocess.run(
            ["ansible-playbook", "-i", str(inventory), f"playbooks/{playbook}", *arguments],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_SSH_EXECUTABLE": str(ssh), "ANSIBLE_NOCOLOR": "1", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(process.returncode, process.stdout + process.stderr, calls.exists())

    return run


def _line(case: corpus.Case) -> list[str]:
    return [*(["-e", json.dumps(case.variables)] if case.variables else []), *case.arguments]


def test_the_corpus_is_broad():
    assert len(CASES) >= LEAST
    assert len(CASES) == len(corpus.cases()), "a name is there twice"
    assert all(case.errors or case.warnings for case in CASES.values())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_everything_that_is_wrong_is_told_and_nothing_else(case: corpus.Case, tmp_path: Path):
    verdict = judge(case.write(tmp_path), case.variables, case.arguments)
    assert verdict.errors == case.errors
    assert verdict.warnings == case.warnings


def test_nothing_is_wrong_with_what_the_cases_change():
    verdict = judge(corpus.HERE / "base.yml")
    assert (verdict.errors, verdict.warnings) == ([], [])


@pytest.fixture(scope="module")
def sample(play: Play, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    def one(case: corpus.Case) -> Run:
        return play(case.write(tmp_path_factory.mktemp("inventory")), *_line(case))

    with ThreadPoolExecutor(2) as pool:
        return dict(zip([case.name for case in SAMPLE], pool.map(one, SAMPLE), strict=True))


@pytest.mark.parametrize("case", SAMPLE, ids=[case.name for case in SAMPLE])
def test_a_bad_inventory_stops_the_whole_run_before_any_connection(case: corpus.Case, sample: dict[str, Run]):
    run = sample[case.name]
    assert run.code != 0
    assert not run.connected
    assert "Traceback" not in run.output
    for sentence in case.errors:
        assert f"{sentence}\n" in run.output
    for sentence in case.warnings:
        assert run.warned(sentence)


@pytest.mark.parametrize("name", corpus.GOOD)
def test_a_good_inventory_passes(name: str, play: Play):
    run = play(corpus.HERE / "good" / name, *corpus.GOOD[name], playbook="validate.yml")
    assert run.code == 0, run.output
    assert "ERROR" not in run.output
    assert "WARNING" not in run.output
    assert not run.connected


def test_a_good_inventory_goes_on_to_connect(play: Play):
    assert play(corpus.HERE / "good" / "single.yml").connected, "the script in the place of ssh does not notice"


# ---- the worked examples


def test_the_worked_example(play: Play):
    run = play(ROOT / "inventories" / "three_node", playbook="validate.yml")
    assert (run.code, "ERROR" in run.output, "WARNING" in run.output) == (0, False, False), run.output


def test_the_inventory_of_the_rack(play: Play, tmp_path: Path):
    from rack import inventory, spec

    demo = spec.load_spec(ROOT / "tests" / "rack" / "specs" / "demo.yml")
    hosts = tmp_path / "hosts.yml"
    hosts.write_text(yaml.safe_dump(_static(inventory.build(tmp_path, demo, "http://192.0.2.1:1", "0" * 64))))
    (tmp_path / "group_vars").symlink_to(ROOT / "inventories" / "rack" / "group_vars")
    run = play(hosts, playbook="validate.yml")
    assert (run.code, "ERROR" in run.output) == (0, False), run.output
    judged = {"backup", "ceph", "ha", "pbs", "pve"}
    assert judged == set(yaml.safe_load(hosts.read_text())["all"]["children"]), "without it there is less to judge"


def _static(dynamic: dict) -> dict:
    hosts = dynamic["_meta"]["hostvars"]
    groups = {
        name: {"hosts": {host: hosts[host] for host in dynamic[name]["hosts"]}} for name in dynamic["all"]["children"]
    }
    return {"all": {"vars": dynamic["all"]["vars"], "children": groups}}


# ---- whatever the command line says

BROKEN = CASES["an address outside its network"]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return BROKEN.write(tmp_path)


@pytest.mark.parametrize(
    "arguments, environment",
    [
        (["--limit", "pve1"], {}),
        (["--limit", "pve3:pve1"], {}),
        (["--tags", "storage"], {}),
        (["--check", "--diff"], {}),
        (["--become"], {}),
        ([], {"ANSIBLE_STRATEGY": "free"}),
        ([], {"ANSIBLE_GATHERING": "implicit"}),
    ],
    ids=lambda value: " ".join(value) or "-",
)
def test_nothing_on_the_command_line_blinds_it(arguments: Sequence[str], environment: dict, broken: Path, play: Play):
    run = play(broken, *arguments, **environment)
    assert run.code != 0
    assert not run.connected
    # once, not for each host
    assert [run.output.count(f"{sentence}\n") for sentence in BROKEN.errors] == [1] * len(BROKEN.errors)


def test_what_the_inventory_says_of_connections_does_not_matter(broken: Path, play: Play):
    inventory = yaml.safe_load(broken.read_text())
    group = inventory["all"]["children"]["pve"]["vars"]
    group.update(ansible_connection="none_such", ansible_become=True, ansible_python_interpreter="/none/such")
    broken.write_text(yaml.safe_dump(inventory, sort_keys=False))
    run = play(broken)
    assert f"{BROKEN.errors[0]}\n" in run.output
    assert not run.connected


def test_it_can_be_left_out(broken: Path, play: Play):
    run = play(broken, "--skip-tags", "validate")
    assert BROKEN.errors[0] not in run.output
    assert run.connected


def test_an_empty_limit_is_an_error_of_ansible_itself(broken: Path, play: Play):
    run = play(broken, "--limit", "pve9")
    assert (run.code != 0, run.connected) == (True, False)


def test_the_result_is_data(broken: Path, play: Play):
    run = play(broken, "-v", playbook="validate.yml", ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    text = run.output[run.output.index("=> {") + 3 :]
    result, _end = json.JSONDecoder().raw_decode(text)
    assert result["errors"] == BROKEN.errors
    assert result["findings"][0] == {
        "host": "pve2",
        "variable": "pve_cluster_links[0].address",
        "expected": "an address in management (192.0.2.0/24), cluster (198.51.100.0/24), storage (203.0.113.0/24)",
        "found": "'198.51.10.12'",
        "advice": "",
        "warning": False,
    }


# ---- secrets

SECRETS = ("hunter22", "s3cr3t-word", "s3cr3t-keyring", "correct-horse-battery", "staple-and-glue")


@pytest.mark.parametrize("case", [case for case in CASES.values() if "secret" in case.name], ids=lambda case: case.name)
def test_no_secret_is_shown(case: corpus.Case, tmp_path: Path, play: Play):
    run = play(case.write(tmp_path), "-vvv", playbook="validate.yml")
    assert run.code != 0
    assert not any(secret in run.output for secret in SECRETS)


def test_no_vaulted_secret_is_shown(tmp_path: Path, play: Play):
    name = "vaulted/hosts.yml"
    faults = {
        "pve_cluster_name": "{{ pve_cluster_root_password }}",
        "pve_host_domain": "{{ [vault_nas_password] | first }}_",
    }
    run = play(
        corpus.HERE / "good" / name, *corpus.GOOD[name], "-vvv", "-e", json.dumps(faults), playbook="validate.yml"
    )
    assert run.code != 0
    assert "pve_cluster_name: expected at most 15" in run.output
    assert not any(secret in run.output for secret in SECRETS)
