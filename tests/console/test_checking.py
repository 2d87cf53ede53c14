"""What the doctor finds without a vault being opened."""

import shutil

import pytest

from console.use.checking import doctor
from trainer import seed


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    shutil.copytree(seed.FOLDER, tmp_path / "seed")
    monkeypatch.setattr(seed, "FOLDER", tmp_path / "seed")
    return tmp_path / "seed"


def found(home):
    return next(check for check in doctor(home).checks if check.name == "seed")


def test_the_doctor_says_how_a_damaged_seed_is_got_back(elsewhere, tmp_path):
    assert found(tmp_path).ok
    (elsewhere / "model.safetensors").write_bytes(b"")
    assert not found(tmp_path).ok
    assert "pip install --force-reinstall" in found(tmp_path).finding
    (elsewhere / "model.safetensors").unlink()
    assert not found(tmp_path).ok
