"""The directories of local worlds, and the logs that outlive them."""

from pathlib import Path

import pytest

from local.world import workspace
from local.world.workspace import logs_kept_on_failure


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(workspace, "FAILED", tmp_path / "failed")
    path = tmp_path / "home"
    path.mkdir()
    (path / "aws.log").write_text("what went wrong")
    return path


def test_a_failure_keeps_its_logs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), logs_kept_on_failure(home):
        raise SystemExit("sam deploy failed")

    assert (workspace.FAILED / "aws.log").read_text() == "what went wrong"
    assert str(workspace.FAILED) in capsys.readouterr().err


def test_what_somebody_stopped_keeps_none(home: Path) -> None:
    with pytest.raises(KeyboardInterrupt), logs_kept_on_failure(home):
        raise KeyboardInterrupt

    assert not workspace.FAILED.exists()


def test_a_run_that_ends_well_leaves_none_of_an_earlier_one(home: Path) -> None:
    with pytest.raises(SystemExit), logs_kept_on_failure(home):
        raise SystemExit(1)

    with logs_kept_on_failure(home):
        pass

    assert not workspace.FAILED.exists()
