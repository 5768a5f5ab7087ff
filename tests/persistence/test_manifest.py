from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import gbimb
from gbimb.model.archive import FORMAT_VERSION, MANIFEST
from tests.persistence.archives import (
    contents,
    entry,
    members_of,
    refuse,
    with_manifest,
    with_members,
    with_state,
    zipped,
)
from tests.persistence.models import assert_same, model, saved, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_the_manifest_says_who_wrote_what() -> None:
    data = saved("lightgbm")
    manifest, members = members_of(data)
    assert manifest["class"] == "ImbalancedLGBMClassifier"
    assert manifest["gbimb_version"] == gbimb.__version__
    assert manifest["engines"].keys() == {"lightgbm"}
    assert manifest["format_version"] == FORMAT_VERSION
    assert {name: len(text) for name, text in members.items()} == {
        name: listed["size"] for name, listed in manifest["members"].items()
    }


def test_a_newer_format_is_named(tmp_path: Path) -> None:
    data = saved("lightgbm")
    newer = {"format_version": FORMAT_VERSION + 1, "gbimb_version": "9.0"}
    for sign in (True, False):
        changed = with_manifest(data, lambda m: m.update(newer), sign=sign)
        refuse(
            changed,
            tmp_path / "x",
            f"version {FORMAT_VERSION + 1}, written by gbimb '9.0'; .* Install a newer gbimb",
        )


@pytest.mark.parametrize("version", [0, -1, 1.5, "1", True, None, [1]], ids=repr)
def test_format_version_is_a_whole_number(version: object, tmp_path: Path) -> None:
    data = saved("lightgbm")
    changed = with_manifest(data, lambda m: m.update(format_version=version), sign=True)
    refuse(changed, tmp_path / "x", "format_version must be a whole number >= 1")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update({"class": "ImbalancedXGBClassifier"}), "manifest was altered"),
        (lambda m: m.pop("sha256"), "manifest was altered"),
        (lambda m: m["members"]["state.json"].update(size=1), "manifest was altered"),
    ],
)
def test_an_altered_manifest_is_refused(
    change: Callable[[dict[str, Any]], Any], reason: str, tmp_path: Path
) -> None:
    data = saved("lightgbm")
    refuse(with_manifest(data, change, sign=False), tmp_path / "x", reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update({"class": "ImbalancedXGBClassifier"}), "the state another"),
        (lambda m: m.update(members=[]), "must hold the members that its manifest lists"),
        (lambda m: m.pop("members"), "must hold the members that its manifest lists"),
        (lambda m: m["members"].update({"../x": {"sha256": "", "size": 0}}), "'../x'. missing"),
        (lambda m: m["members"].update({"state.json": 3}), "must give sha256 and size"),
        (lambda m: m["members"]["state.json"].update(size=1), "the manifest says 1"),
        (lambda m: m["members"]["state.json"].update(size="1"), "the manifest says '1'"),
        (lambda m: m["members"]["state.json"].update(sha256=None), "'state.json' was altered"),
    ],
)
def test_a_wrong_manifest_is_refused(
    change: Callable[[dict[str, Any]], Any], reason: str, tmp_path: Path
) -> None:
    data = saved("lightgbm")
    refuse(with_manifest(data, change, sign=True), tmp_path / "x", reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "must be valid JSON"),
        (b"\xff\xfe", "invalid UTF-8"),
        (b"[" * 100_000, "nests too deep"),
        (b'{"a":' * 100_000, "nests too deep"),
        (b'{"format": 1, "format": 2}', "a name twice"),
        (b'{"a": NaN}', "bare word NaN"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "must be valid JSON"),
        (b"", "must be valid JSON"),
    ],
    ids=["cut", "utf-8", "list", "object", "twice", "nan", "digits", "empty"],
)
@pytest.mark.parametrize("name", [MANIFEST, "state.json"])
def test_json_is_read_strictly(name: str, text: bytes, reason: str, tmp_path: Path) -> None:
    data = saved("lightgbm")
    if name == MANIFEST:
        changed = zipped([(entry(MANIFEST), text), *contents(data)[1:]])
    else:
        changed = with_members(data, {name: text})
    refuse(changed, tmp_path / "x", reason)


@pytest.mark.parametrize("depth", [200, 900, 100_000])
def test_deep_nesting_is_refused(depth: int, tmp_path: Path) -> None:
    data = saved("lightgbm")
    for value in ("[" * depth + "]" * depth, '{"type":"tuple","items":[' * depth + "]}" * depth):
        text = members_of(data)[1]["state.json"].decode()
        state = text.replace('"gamma": 2.0', f'"gamma": {value}', 1)
        assert state != text
        refuse(
            with_members(data, {"state.json": state.encode()}),
            tmp_path / "x",
            "nests too deep|gamma must be",
        )


def test_a_parameter_that_a_file_lacks_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(with_state(saved("lightgbm"), lambda s: s["params"].pop("n_jobs")))
    loaded = gbimb.load(path)
    assert loaded.n_jobs is None
    assert_same(model("lightgbm"), loaded, table(20))


def test_the_state_is_text_that_a_person_can_read() -> None:
    state = json.loads(members_of(saved("lightgbm"))[1]["state.json"])
    assert state["class"] == "ImbalancedLGBMClassifier"
    assert state["params"]["loss"] == "focal"
    assert state["fitted"]["threshold_"] == model("lightgbm").threshold_
    columns = dict(state["fitted"]["_encoder"]["items"])["columns"]
    assert columns[2] == ["word", {"type": "tuple", "items": ["x", "y", "z"]}]
