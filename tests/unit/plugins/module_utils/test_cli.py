# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, NotInstalled, Timeout

PYTHON = _cli.Command((sys.executable, "-c"), ("script",), rest="words")
FAILING = _cli.Command((sys.executable, "-c"), ("script",), ok=(0, 3))


@pytest.mark.parametrize(
    ("command", "given", "argv"),
    [
        (
            _cli.PVECM_CREATE,
            {"name": "prod", "links": {1: "10.0.1.1", 0: "10.0.0.1"}, "nodeid": 3, "votes": 2},
            "pvecm create prod --link0 10.0.0.1 --link1 10.0.1.1 --nodeid 3 --votes 2",
        ),
        (_cli.PVECM_CREATE, {"name": "prod", "links": None, "votes": None}, "pvecm create prod"),
        (
            _cli.PVECM_ADD,
            {"peer": "10.0.0.1", "fingerprint": "AA:BB", "links": {0: "10.0.0.2"}, "force": True, "use_ssh": False},
            "pvecm add 10.0.0.1 --fingerprint AA:BB --link0 10.0.0.2 --force 1",
        ),
        (_cli.PVECM_ADD, {"peer": "10.0.0.1", "use_ssh": True}, "pvecm add 10.0.0.1 --use_ssh 1"),
        (_cli.PVECM_UPDATECERTS, {"force": True}, "pvecm updatecerts --force 1"),
        (
            _cli.SYSTEMCTL,
            {"verb": "start", "units": ["corosync", "pve-cluster"]},
            "systemctl start corosync pve-cluster",
        ),
    ],
)
def test_argv(command: _cli.Command, given: dict, argv: str) -> None:
    assert " ".join(command.argv(given)) == argv


@pytest.mark.parametrize("given", [{}, {"name": "prod", "colour": "red"}])
def test_argv_refuses_what_is_not_in_the_table(given: dict) -> None:
    with pytest.raises(TypeError, match="pvecm create takes"):
        _cli.PVECM_CREATE.argv(given)


def test_a_contradictory_table_fails_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="name"):
        _cli.Command(("x",), ("name",), {"name": _cli.value("--name")})


def test_no_table_takes_a_secret() -> None:
    tables = [table for table in vars(_cli).values() if isinstance(table, _cli.Command)]
    names = {name for table in tables for name in (*table.positional, *table.options)}
    assert len(tables) > 5
    assert not names & {"password", "ticket", "secret", "authkey"}


def test_run_is_in_the_c_locale_outside_of_etc_pve_and_without_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    script = "import os, sys; print(os.environ['LC_ALL'], os.getcwd(), repr(sys.stdin.read()))"
    assert _cli.Cli().run(PYTHON, script=script).stdout == "C / ''\n"


def test_arguments_reach_the_command_as_they_are() -> None:
    script = "import sys; print(sys.argv[1:])"
    assert _cli.Cli().run(PYTHON, script=script, words=["a b", "$(id)"]).stdout == "['a b', '$(id)']\n"


def test_an_exit_code_that_the_table_does_not_name_is_an_error() -> None:
    with pytest.raises(CliError) as caught:
        _cli.Cli().run(FAILING, script="import sys; print('it broke', file=sys.stderr); sys.exit(4)")
    assert caught.value.rc == 4
    assert "it broke" in str(caught.value)


def test_an_exit_code_that_the_table_names_is_an_answer() -> None:
    assert _cli.Cli().run(FAILING, script="import sys; sys.exit(3)").rc == 3


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(NotInstalled, match="no-such-command is not installed"):
        _cli.Cli().run(_cli.Command(("no-such-command",)))
    with pytest.raises(NotInstalled, match="no-such-command is not installed"):
        _cli.Cli().start(_cli.Command(("no-such-command",)))


def test_a_command_that_takes_too_long() -> None:
    with pytest.raises(Timeout, match="to end"):
        _cli.Cli().run(PYTHON, script="import time; time.sleep(30)", timeout=0.2)


def test_a_started_command_gets_its_secret_on_stdin_and_a_session_of_its_own() -> None:
    script = "import os, sys; print(sys.stdin.readline(), os.getsid(0) == os.getpid(), sys.argv)"
    output = _cli.Cli().start(PYTHON, script=script, secret="geheim").wait(20)
    assert output is not None
    assert output.stdout == "geheim\n True ['-c']\n"


def test_a_started_command_may_end_before_it_reads_its_secret() -> None:
    job = _cli.Cli().start(PYTHON, script="import sys; sys.exit(5)", secret="x" * 1_000_000)
    output = job.wait(20)
    assert output is not None
    assert output.rc == 5


def test_output_of_a_command_that_still_runs() -> None:
    script = "import sys, time; print('half', flush=True); sys.stdin.read(); time.sleep(30)"
    job = _cli.Cli().start(PYTHON, script=script)
    assert job.wait(1) is None
    assert job.output() == "half\n"
    os.kill(job.pid, 9)
    assert job.wait(20) is not None


def test_a_kept_descriptor_is_inherited() -> None:
    reading, writing = os.pipe()
    try:
        job = _cli.Cli().start(PYTHON, script=f"import os; os.write({writing}, b'held')", keep=[writing])
        assert job.wait(20) is not None
        assert os.read(reading, 10) == b"held"
    finally:
        os.close(reading)
        os.close(writing)
