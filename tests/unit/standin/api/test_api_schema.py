"""The checks of parameters, with Proxmox's sentences."""

from __future__ import annotations

from typing import Any

import pytest
from pvestandin import schema
from pvestandin.errors import ApiError
from pvestandin.registry import Endpoint, _pattern


def endpoint(params: dict[str, Any]) -> Endpoint:
    return Endpoint("POST", "/never/served", lambda ctx, given: None, None, params, None, _pattern("/never/served"))


def errors(params: dict[str, Any], given: dict[str, Any]) -> dict[str, str]:
    try:
        schema.validate(endpoint(params), given)
    except ApiError as error:
        assert (error.status, error.message) == (400, "Parameter verification failed.")
        return error.errors or {}
    return {}


@pytest.mark.usefixtures("node")
class TestValues:
    @pytest.mark.parametrize(
        ("definition", "value", "sentence"),
        [
            ({"type": "boolean"}, "true", "type check ('boolean') failed - got 'true'"),
            ({"type": "integer"}, "1.5", "type check ('integer') failed - got '1.5'"),
            ({"type": "number"}, "x", "type check ('number') failed - got 'x'"),
            ({"type": "string", "maxLength": 3}, "long", "value may only be 3 characters long"),
            ({"type": "string", "minLength": 8}, "short", "value must be at least 8 characters long"),
            ({"type": "integer", "maximum": 3}, "4", "value must have a maximum value of 3"),
            ({"type": "integer", "minimum": 3}, "2", "value must have a minimum value of 3"),
            ({"type": "string", "enum": ["a", "b"]}, "c", "value 'c' does not have a value in the enumeration 'a, b'"),
            ({"type": "string", "pattern": "[a-z]+"}, "A", "value does not match the regex pattern"),
            (
                {"type": "string", "format": "pve-storage-id"},
                "1bad",
                "invalid format - storage ID '1bad' contains illegal characters\n",
            ),
            (
                {"type": "string", "format": "pve-storage-content-list"},
                "iso,bogus",
                "invalid format - invalid content type 'bogus'\n",
            ),
            (
                {"type": "string", "format": "pve-priv-list"},
                "VM.Bogus",
                "invalid format - invalid privilege 'VM.Bogus'\n",
            ),
            (
                {"type": "string", "format": "prune-backups"},
                "keep-last=x",
                "invalid format - format error\nvalue.keep-last: type check ('integer') failed - got 'x'\n",
            ),
            (
                {"type": "string", "format": "prune-backups"},
                "keep-all=1,keep-last=2",
                "invalid format - keep-all cannot be set together with other options.\n",
            ),
            (
                {"type": "string", "format": {"a": {"type": "string"}}},
                "b=1",
                "invalid format - invalid key in comma-separated list property: b\n",
            ),
            ({"type": "array", "items": {"type": "integer"}}, ["1", "x"], None),
        ],
    )
    def test_refused(self, definition: dict[str, Any], value: Any, sentence: str | None) -> None:
        found = errors({"value": definition}, {"value": value})
        expected = {"value": sentence} if sentence else {"value[1]": "type check ('integer') failed - got 'x'"}
        assert found == expected

    @pytest.mark.parametrize(
        ("definition", "value"),
        [
            ({"type": "boolean"}, True),
            ({"type": "boolean"}, "0"),
            ({"type": "integer"}, "-3"),
            ({"type": "string", "format": "pve-storage-portal-dns-list"}, "10.0.0.1 [::1]:3 host.example:6789"),
            ({"type": "string", "format": "email-opt"}, ""),
            ({"type": "string", "format": "CIDR"}, "fd00::/64"),
            ({"type": "string", "format": "prune-backups"}, "keep-last=3,keep-daily=2"),
            ({"type": "string", "format": "a-format-nobody-knows"}, "x"),
        ],
    )
    def test_taken(self, definition: dict[str, Any], value: Any) -> None:
        assert errors({"value": definition}, {"value": value}) == {}

    def test_all_errors_at_once(self) -> None:
        found = errors(
            {
                "needed": {"type": "string"},
                "a": {"type": "boolean", "optional": 1, "requires": "b"},
                "b": {"type": "string", "optional": 1},
            },
            {"a": "1", "other": "x"},
        )
        assert found == {"needed": schema.MISSING, "b": "missing property required by 'a'", "other": schema.UNKNOWN}

    def test_numbered_parameters(self) -> None:
        params = {"link[n]": {"type": "string", "format": "ipv4", "optional": 1}}
        assert errors(params, {"link0": "10.0.0.1", "link7": "10.0.0.2"}) == {}
        assert set(errors(params, {"link0": "x", "links": "y"})) == {"link0", "links"}

    def test_lists_in_legacy_form(self) -> None:
        params = {"ids": {"type": "string", "format": "pve-vmid-list"}, "tags": {"type": "array"}}
        assert schema.validate(endpoint(params), {"ids": ["100", "101"], "tags": "x"}) == {
            "ids": "100,101",
            "tags": ["x"],
        }


def test_property_strings_are_printed_with_the_default_key_first() -> None:
    form = {"type": {"type": "string", "default_key": 1}, "network": {"type": "string"}}
    values = schema.parse_property_string(form, "network=10.0.0.0/8,secure")
    assert schema.print_property_string(form, values) == "secure,network=10.0.0.0/8"
