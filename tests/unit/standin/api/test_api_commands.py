"""Commands: options, complaints, tables. Without the official schema, by what the handlers declare."""

from __future__ import annotations

import io
import json
import sys
from importlib import import_module
from typing import Any

import pytest
from pvestandin import tables
from pvestandin.commandline import UsageError, parse

KNOWN: dict[str, Any] = {
    "storage": {"type": "string"},
    "content": {"type": "string", "format": "pve-storage-content-list", "optional": 1},
    "comment": {"type": "string", "optional": 1},
    "disable": {"type": "boolean", "optional": 1},
    "map": {"type": "array", "optional": 1},
    "link[n]": {"type": "string", "optional": 1},
}


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (["one", "--content", "iso"], {"storage": "one", "content": "iso"}),
        (["--content=iso", "one"], {"storage": "one", "content": "iso"}),
        (["one", "-content", "iso"], {"storage": "one", "content": "iso"}),
        (["one", "--cont", "iso", "--content", "backup"], {"storage": "one", "content": "iso,backup"}),
        (["one", "--disable"], {"storage": "one", "disable": "1"}),
        (["one", "--disable", "no", "--comment", ""], {"storage": "one", "disable": "0", "comment": ""}),
        (["one", "--map", "a", "--map", "b"], {"storage": "one", "map": ["a", "b"]}),
        (["one", "--link0", "10.0.0.1", "--link7", "x"], {"storage": "one", "link0": "10.0.0.1", "link7": "x"}),
        (["--", "one"], {"storage": "one"}),
    ],
)
def test_options(args: list[str], found: dict[str, Any]) -> None:
    assert parse(dict(KNOWN), args, ("storage",)) == found


@pytest.mark.parametrize(
    ("args", "sentence", "complaint"),
    [
        (["one", "--colour", "red"], "unable to parse option", "Unknown option: colour\n"),
        (["one", "--co", "x"], "unable to parse option", "Option co is ambiguous (comment, content)\n"),
        (["one", "--comment"], "unable to parse option", "Option comment requires an argument\n"),
        ([], "not enough arguments", ""),
        (["one", "two"], "too many arguments", ""),
        (["one", "--disable", "perhaps"], "unable to parse boolean option", ""),
    ],
)
def test_wrong_options(args: list[str], sentence: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse(dict(KNOWN), args, ("storage",))
    assert capsys.readouterr().err == complaint


def test_fixed_parameters_are_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(dict(KNOWN), ["one"], ("storage",), {"disable": "0"}) == {"storage": "one", "disable": "0"}
    with pytest.raises(UsageError):
        parse(dict(KNOWN), ["one", "--disable", "1"], ("storage",), {"disable": "0"})


class TestCommands:
    def run(self, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
        monkeypatch.setattr(sys, "argv", list(words))
        return import_module(f"pvestandin.cli.{words[0]}").main()

    def test_from_nothing_to_a_user_with_rights(
        self, node: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for words in (
            ["group", "add", "ops"],
            ["user", "add", "ann@pve", "--groups", "ops"],
            ["role", "add", "Watch", "--privs", "Sys.Audit"],
            ["acl", "modify", "/nodes", "--groups", "ops", "--roles", "Watch"],
        ):
            assert self.run(monkeypatch, "pveum", *words) == 0
        assert capsys.readouterr() == ("", "")
        assert self.run(monkeypatch, "pveum", "acl", "list", "--output-format", "json") == 0
        assert json.loads(capsys.readouterr().out) == [
            {"path": "/nodes", "propagate": 1, "roleid": "Watch", "type": "group", "ugid": "ops"}
        ]

    @pytest.mark.parametrize(
        ("words", "code", "complaint"),
        [
            (["pveum", "user", "add", "x@pve", "--groups", "none"], 2, "create user failed: no such group 'none'\n"),
            (
                ["pveum", "user", "add", "x"],
                255,
                "400 Parameter verification failed.\nuserid: invalid format - user name 'x' is too short\n\n"
                "pveum user add <userid> [OPTIONS]\n",
            ),
            (["pvesm", "remove", "none"], 255, "delete storage failed: storage 'none' does not exist\n"),
            (["pvesm", "add", "dir", "d1"], 255, "missing value for required option 'path'\n"),
            (["pvesm", "add", "tape", "d1"], 255, None),
            (["pvesh", "get", "/nosuch"], 1, "No 'get' handler defined for '/nosuch'\n"),
            (
                ["pvesh", "set", "/storage/local", "--path", "/x"],
                255,
                "Unknown option: path\n400 unable to parse option\npvesh set <api_path> [OPTIONS] [FORMAT_OPTIONS]\n",
            ),
            (["pveversion", "--nonsense"], 255, "USAGE: pveversion [--verbose]\n"),
        ],
    )
    def test_complaints(
        self,
        node: Any,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        words: list[str],
        code: int,
        complaint: str | None,
    ) -> None:
        assert self.run(monkeypatch, *words) == code
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(complaint or "400 Parameter verification failed.\ntype: value 'tape' does not")

    def test_a_secret_comes_by_stdin(
        self, node: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("very-secret\n"))
        assert (
            self.run(
                monkeypatch,
                "pvesm",
                "add",
                "cifs",
                "smb",
                "--server",
                "127.0.0.1",
                "--share",
                "s",
                "--username",
                "u",
                "--disable",
                "1",
                "--password",
            )
            == 0
        )
        assert (node.pve / "priv/storage/smb.pw").read_text() == "password=very-secret\n"
        assert "very-secret" not in (node.root / "var/log/pve-standin/requests.jsonl").read_text()


def test_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tables, "_marks", lambda: {"bar": "|", "top": "+-++", "head": "+=++", "inner": "+-++", "bottom": "+-++"}
    )
    schema = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "size": {"type": "integer", "optional": 1, "renderer": "bytes"}},
        },
    }
    tables.show([{"name": "b", "size": 2048}, {"name": "a"}], schema, {})
    assert capsys.readouterr().out.splitlines() == [
        "+------+----------+",
        "| name |     size |",
        "+======+==========+",
        "| a    |          |",
        "+------+----------+",
        "| b    | 2.00 KiB |",
        "+------+----------+",
    ]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", '{"a":[1,{"b":null}]}\n'),
        ("yaml", "---\na:\n  - 1\n  -\n    b: null\n"),
        ("json-pretty", '{\n   "a" : [\n      1,\n      {\n         "b" : null\n      }\n   ]\n}\n'),
    ],
)
def test_formats(form: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    tables.show({"a": [1, {"b": None}]}, None, {"output-format": form})
    assert capsys.readouterr().out == text
