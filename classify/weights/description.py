"""What a file of weights says about itself, as JSON; read without PyTorch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from classify.labels import check_label_set
from classify.networks.profile import Profile
from classify.weights.migration import current_name
from ground.errors import InputError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a classifier comes from."""

    data: str = ""
    """What it was trained on, and from which weights it started."""
    licence: str = ""
    starter: bool = False
    """Trained on too little to be trusted: whoever shows its labels also shows ``note``."""
    note: str = ""
    """One sentence for whoever reads its labels."""


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """All that a checkpoint says about its weights."""

    model: str
    """Name in ``classify.networks.registry.MODELS``."""
    labels: tuple[str, ...]
    """Action names in the order of the network's outputs."""
    profile: Profile
    origin: Origin = Origin()
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    """Measured figures by name, such as ``macro_f1``."""
    temperature: float = 1.0
    """The logits are divided by it before they become probabilities (see ``classify.evaluate.calibration``)."""
    unsure_below: float = 0.0
    """Confidence under which a label is better not shown; 0: all are."""

    def __post_init__(self) -> None:
        if not 0 <= self.unsure_below <= 1:
            raise InputError(f"the confidence to be unsure below is 0 to 1, not {self.unsure_below}")
        if not 0 < self.temperature < float("inf"):
            raise InputError(f"a temperature is a positive number, not {self.temperature}")
        check_label_set(self.labels)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CheckpointInfo:
        """The inverse of ``to_json``. Raises InputError when something is missing or impossible."""
        try:
            value = json.loads(text)
            scores = {str(k): float(v) for k, v in value["scores"].items()}
            labels = tuple(str(label) for label in value["labels"])
            profile, origin = Profile.from_json(value["profile"]), Origin(**value["origin"])
            sureness = (
                float(value.get("temperature", 1.0)),
                float(value.get("unsure_below", 0.0)),
            )  # newer than the rest
            return cls(current_name(str(value["model"])), labels, profile, origin, scores, *sureness)
        except InputError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"its description is damaged ({type(error).__name__}: {error})") from error
