"""Real things in temporary folders, and one rule: in CI nothing but a GPU may be missing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSPHRASE = "correct horse battery staple"


def shared_data() -> Path | None:
    """The folder of sample exports and ground truth beside the checkout, where there is one."""
    named = os.environ.get("TWINVAULT_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skip into a failure in CI: there everything a test needs was installed."""
    outcome = yield
    report = outcome.get_result()
    excused = "gpu" in item.keywords or ("slow" in item.keywords and not _long())
    if os.environ.get("CI") == "true" and report.skipped and not excused:
        if hasattr(report, "wasxfail"):
            return
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be missing: {report.longrepr}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the long runs unless they were asked for."""
    if not _long():
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="a long run: make long"))


def _long() -> bool:
    return os.environ.get("TWINVAULT_LONG") == "1"


@pytest.fixture
def shared() -> Path:
    """The shared data folder, or a skip that says why."""
    folder = shared_data()
    if folder is None:
        pytest.skip("the shared sample exports are not beside this checkout")
    return folder
