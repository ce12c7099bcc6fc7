"""Published Kinetics-400 weights: 400 labels, torchvision's logits, and no download unless asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from classify.networks.registry import MODELS, architecture
from classify.run.classifier import ActionClassifier
from classify.weights.checkpoint import kinetics_weights
from classify.weights.kinetics import kinetics_model, read_kinetics
from ground.errors import InputError
from tests.classify.small import has_seen

PUBLISHED = [name for name in MODELS if architecture(name).kinetics_url]


def _file(folder: Path, name: str) -> Path:
    return folder / str(architecture(name).kinetics_url).rsplit("/", 1)[-1]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_file_tells_the_network(tmp_path: Path, name: str) -> None:
    assert kinetics_model(_file(tmp_path, name)) == name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mc3_18", "s3d"])
def test_the_same_logits_as_torchvision(tmp_path: Path, name: str) -> None:
    from torchvision.models import get_model, get_model_weights  # takes seconds to load

    torch.manual_seed(0)
    theirs, size = get_model(name), 64 if name == "s3d" else 32
    x = torch.randn(2, 3, 16, size, size)
    if name == "s3d":
        theirs.avgpool = torch.nn.AvgPool3d(2, stride=1)  # its own window is all that is left of 224x224
    torch.save(has_seen(theirs, x).state_dict(), _file(tmp_path, name))
    ours, info = read_kinetics(_file(tmp_path, name), name)
    assert len(info.labels) == 400 and "dribbling basketball" in info.labels
    assert info.profile.height == info.profile.width == get_model_weights(name).DEFAULT.transforms().crop_size[0]
    with torch.inference_mode():
        said = theirs(x)
        torch.testing.assert_close(ours(x), said)
    assert (said[0] - said[1]).abs().max() > 1e-2, "different clips, different answers"


@pytest.mark.slow
def test_a_published_file_is_a_classifier(tmp_path: Path) -> None:
    from torchvision.models import get_model

    torch.manual_seed(0)
    torch.save(get_model("mc3_18").state_dict(), _file(tmp_path, "mc3_18"))
    classifier = ActionClassifier(_file(tmp_path, "mc3_18"), "cpu")
    assert classifier.probabilities(np.zeros((1, 16, 60, 80, 3), np.uint8)).shape == (1, 400)


def test_a_file_of_another_network_does_not_fit(tmp_path: Path) -> None:
    torch.save({"fc.bias": torch.zeros(400)}, _file(tmp_path, "mc3_18"))
    with pytest.raises(InputError, match="not those of its network"):
        read_kinetics(_file(tmp_path, "mc3_18"), "mc3_18")


def test_nothing_is_downloaded_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("downloaded")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("ground.disk.download.urlopen", forbidden)
    with pytest.raises(InputError, match=r"r2plus1d_18-91a641e6\.pth: no such file; it can be downloaded") as caught:
        kinetics_weights("r2plus1d_18", download=False)
    assert caught.value.setting == "download"
