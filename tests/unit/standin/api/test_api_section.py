"""Section configs: what is read, refused and written."""

from __future__ import annotations

import pytest
from pvestandin.errors import Failure
from pvestandin.section import FIXED, FIXED_OPTIONAL, OPTIONAL, REQUIRED, SectionConfig, Sections

TABLE = SectionConfig(
    {
        "disk": {
            "path": FIXED,
            "owner": REQUIRED,
            "size": OPTIONAL,
            "comment": OPTIONAL,
            "disable": OPTIONAL,
            "tag": OPTIONAL,
            "kind": FIXED_OPTIONAL,
            "on": OPTIONAL,
        }
    },
    {
        "path": {"type": "string", "format": "pve-storage-path"},
        "owner": {"type": "string"},
        "size": {"type": "integer", "minimum": 1},
        "comment": {"type": "string"},
        "disable": {"type": "boolean"},
        "tag": {"type": "array", "items": {"type": "string"}},
        "kind": {"type": "string"},
        "on": {"type": "boolean"},
    },
)
TEXT = (
    "disk: one\n\tcomment first\n\tdisable\n\towner me\n\tpath /a\n\ton 0\n\tsize 4\n\ttag x\n\ttag y\n\n"
    "disk: two\n\towner you\n\tpath /b\n\n"
)


def test_what_is_written_is_what_was_read() -> None:
    assert TABLE.write(TABLE.parse(TEXT)) == TEXT


def test_values_have_their_types() -> None:
    one = TABLE.parse(TEXT).ids["one"]
    assert one == {
        "type": "disk",
        "comment": "first",
        "disable": 1,
        "owner": "me",
        "path": "/a",
        "on": 0,
        "size": 4,
        "tag": ["x", "y"],
    }


def test_comment_and_disable_come_first_then_required_then_optional_options() -> None:
    sections = Sections({"x": {"type": "disk", "size": 1, "path": "/p", "owner": "o", "disable": 1, "comment": "c"}})
    assert TABLE.write(sections) == "disk: x\n\tcomment c\n\tdisable\n\towner o\n\tpath /p\n\tsize 1\n\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("disk: one\n\tpath relative\n", "value does not look like a valid absolute path"),
        ("disk: one\n\tcolour red\n", "unexpected property 'colour'"),
        ("disk: one\n\tsize 0\n", "value must have a minimum value of 1"),
        ("disk: one\n\towner a\n\towner b\n", "duplicate attribute"),
        ("cloud: one\n\towner a\n", "unsupported type 'cloud'"),
    ],
)
def test_wrong_lines_are_left_out_with_a_word(text: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    TABLE.parse(text, "some.cfg")
    assert complaint in capsys.readouterr().err


def test_comments_in_the_file_do_not_end_a_section() -> None:
    assert TABLE.parse("disk: one\n# note\n\towner me\n").ids["one"]["owner"] == "me"


@pytest.mark.parametrize(
    ("values", "create", "sentence"),
    [
        ({"owner": "me"}, True, "missing value for required option 'path'"),
        ({"path": "/b"}, False, "can't change value of fixed parameter 'path'"),
        ({"kind": "b"}, False, "can't change value of fixed parameter 'kind'"),
        ({"colour": "red"}, False, "unexpected property 'colour'"),
        ({"owner": "a\nb"}, False, "property contains a line feed"),
    ],
)
def test_refused_configurations(values: dict[str, str], create: bool, sentence: str) -> None:
    with pytest.raises(Failure) as caught:
        TABLE.check_config("disk", values, create=create)
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (["colour"], "no such option 'colour'"),
        (["owner"], "unable to delete required option 'owner'"),
        (["kind"], "unable to delete fixed option 'kind'"),
        (["size"], "cannot set and delete property 'size' at the same time!"),
    ],
)
def test_refused_deletions(keys: list[str], sentence: str) -> None:
    with pytest.raises(Failure) as caught:
        TABLE.check_delete("disk", keys, {"type": "disk", "size": 1})
    assert caught.value.message == sentence


def test_a_stale_digest_is_refused() -> None:
    sections = TABLE.parse(TEXT)
    sections.assert_unmodified(sections.digest)
    with pytest.raises(Failure, match="detected modified configuration"):
        sections.assert_unmodified("0" * 40)
