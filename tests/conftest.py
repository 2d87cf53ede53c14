"""Real things in temporary folders, and one rule: in CI nothing but a GPU may be missing."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.helpers import CHAT, TOY, Command, write_chats

settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=30,
    phases=[Phase.explicit, Phase.generate],
)


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


@pytest.fixture
def twin(tmp_path: Path) -> Command:
    """The command on a home where no vault is yet."""
    return Command.in_folder(tmp_path)


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fresh vault and its recovery page, to be copied."""
    twin = Command.in_folder(tmp_path_factory.mktemp("fresh"))
    twin.ok("init")
    return twin.cwd


@pytest.fixture
def vault(twin: Command, new_folder: Path) -> Command:
    """The command on a fresh vault."""
    shutil.copytree(new_folder, twin.cwd, dirs_exist_ok=True)
    return twin


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    """A small chat of two people."""
    path = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    path.write_text(CHAT)
    return path


@pytest.fixture
def many_chats(tmp_path: Path) -> Callable[[], Path]:
    """A folder of chats with three people, enough rows to train a toy on."""
    return lambda: write_chats(tmp_path)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A recipe that trains in a moment."""
    path = tmp_path / "toy.toml"
    path.write_text(TOY)
    return path
