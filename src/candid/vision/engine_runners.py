"""A runner for each model, made when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from candid.vision.models import Card, Models
from candid.vision.runtime import Lanes, Provider, Runner, open_session

# Rows of a pass. More gain nothing on a CPU, and ONNX Runtime's arena keeps what the largest pass took: after a few
# images of 110 faces the process held 1.4 GB with 32 rows, and 0.5 GB with 8, at the same speed.
_MAX_BATCH = 8


class Runners(Mapping[str, Runner]):
    """Runners by the name of the model; the same name gives the same runner.

    A model that is not in the folder is not in the mapping. Its session is opened at the runner's first pass.
    """

    _made: dict[str, Runner]  # guarded by _lock

    def __init__(self, models: Models, *, provider: Provider, lanes: Lanes) -> None:
        """Runners of a folder's models on one provider."""
        self._models = models
        self._provider = provider
        self._lanes = lanes
        self._lock = threading.Lock()
        self._names = frozenset(models.names())
        self._made = {}

    def __getitem__(self, name: str) -> Runner:
        if name not in self._names:
            raise KeyError(name)
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def used(self) -> dict[str, Runner]:
        """The runners that were asked for."""
        with self._lock:
            return dict(self._made)

    def cards(self) -> list[Card]:
        """The cards of all models in the folder."""
        return [self._models.card(name) for name in self]

    def close(self) -> None:
        """Close every runner."""
        for runner in self.used().values():
            runner.close()

    def _make(self, name: str) -> Runner:
        fixed = self._models.card(name).input.batch
        return Runner(
            name,
            lambda: open_session(self._models.path(name), provider=self._provider),
            lanes=self._lanes,
            # On the CPU a pass keeps one core busy; elsewhere the device takes one pass at a time.
            slots=self._lanes.width if self._provider is Provider.CPU else 1,
            max_batch=fixed or _MAX_BATCH,
            fixed=fixed > 1,
        )
