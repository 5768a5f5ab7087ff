from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

import gbimb
from gbimb.exceptions import InvalidDataError, InvalidParameterError, InvalidTypeError
from tests.persistence.models import assert_same, model, table


def fail(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


class Stop(BaseException):
    """What a signal may raise anywhere."""


def stop(*_: object, **__: object) -> NoReturn:
    raise Stop


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace", "gbimb.model.disk._write"])
def test_a_full_disk_harms_nothing(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.gbimb"
    path.write_bytes(b"old")
    monkeypatch.setattr(step, fail)
    with pytest.raises(
        InvalidDataError, match=r"no space left on device.*as before.*space and permission"
    ):
        model("lightgbm").save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gbimb"
    path.write_bytes(b"old")
    monkeypatch.setattr("os.fsync", stop)
    with pytest.raises(Stop):
        model("lightgbm").save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_does_not_read_back_does_not_get_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.gbimb"
    path.write_bytes(b"old")
    monkeypatch.setattr("gbimb.model.disk._write", lambda new, data: new.write_bytes(data[:-9]))
    with pytest.raises(InvalidDataError, match=r"could not be loaded: .* truncated"):
        model("lightgbm").save(path)
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_write_that_is_cut_short(tmp_path: Path) -> None:
    source, path = tmp_path / "source.gbimb", tmp_path / "model.gbimb"
    model("lightgbm").save(source)
    path.write_bytes(b"old")
    code = (
        "import resource, sys, gbimb\n"
        "clf = gbimb.load(sys.argv[1])\n"
        "for limit in (0, 1, 100, 2000):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, -1))\n"
        "    try:\n        clf.save(sys.argv[2])\n"
        "    except gbimb.GbimbError as error:\n        print(error, file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, source, path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr.count("The model cannot be written") == 4, result.stderr
    assert path.read_bytes() == b"old"
    assert set(tmp_path.iterdir()) == {source, path}


def test_the_old_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "model.gbimb"
    path.write_bytes(b"old")
    path.chmod(0o600)
    model("xgboost").save(str(path))
    assert_same(model("xgboost"), gbimb.load(str(path)), table(20))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = tmp_path / "model.gbimb"
    path.symlink_to(tmp_path / "real" / "model.gbimb")
    model("lightgbm").save(path)
    assert path.is_symlink()
    assert_same(model("lightgbm"), gbimb.load(path), table(20))


def test_the_longest_name_that_the_disk_takes(tmp_path: Path) -> None:
    path = tmp_path / ("m" * 255)
    model("lightgbm").save(path)
    assert_same(model("lightgbm"), gbimb.load(path), table(20))
    with pytest.raises(InvalidDataError, match="name too long"):
        model("lightgbm").save(tmp_path / ("m" * 256))


@pytest.mark.parametrize("path", [3, None, b"model.gbimb", ["model.gbimb"]], ids=repr)
def test_a_path_is_a_string_or_path_like(path: Any) -> None:
    for call in (gbimb.load, model("lightgbm").save):
        with pytest.raises(InvalidTypeError, match="path must be a string or path-like, got"):
            call(path)


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800"])
def test_a_path_names_a_file(path: str) -> None:
    for call in (gbimb.load, model("lightgbm").save):
        with pytest.raises(InvalidParameterError, match="path must name a file"):
            call(path)


def test_a_folder_or_what_is_not_there_is_no_file(tmp_path: Path) -> None:
    for call in (gbimb.load, model("lightgbm").save):
        with pytest.raises(InvalidParameterError, match="folder"):
            call(tmp_path)
    with pytest.raises(InvalidParameterError, match="does not exist"):
        gbimb.load(tmp_path / "none.gbimb")
    with pytest.raises(InvalidParameterError, match=r"Create .*none' first"):
        model("lightgbm").save(tmp_path / "none" / "model.gbimb")
    (tmp_path / "file").touch()
    with pytest.raises(InvalidDataError, match="not a directory"):
        gbimb.load(tmp_path / "file" / "model.gbimb")


def test_a_pipe_or_a_device_is_no_file(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "socket", Path(os.devnull)):
            with pytest.raises(InvalidParameterError, match="no regular file"):
                gbimb.load(path)
            with pytest.raises(InvalidParameterError, match="must name a regular file"):
                model("lightgbm").save(path)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gbimb"
    model("lightgbm").save(path)

    def deny(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", deny)
    with pytest.raises(InvalidDataError, match="cannot be read: permission denied"):
        gbimb.load(path)
    with pytest.raises(InvalidDataError, match=r"cannot be written to .*: permission denied"):
        model("lightgbm").save(path)
