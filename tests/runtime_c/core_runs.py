"""The stored vectors, and runs of the C core that are compared with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from eggroll_edge._core import ffi, lib

from eggroll_edge.core.config import EsConfig, Hyperparameters, LifConfig, NetConfig
from eggroll_edge.core.counts import RunCounts
from eggroll_edge.core.net import Net, active_bytes, padded
from eggroll_edge.core.population import Credit, Population, shape_fitness
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.core.workspace import Workspace, kernel_levels
from eggroll_edge.training.batches import RecordingOrder

TESTS = Path(__file__).resolve().parents[1]

LEVELS = [i for i in range(kernel_levels()) if lib.egg_kernel_level(i) != ffi.NULL]


def vectors(name: str, part: str) -> list[Any]:
    """A part of a file of the vectors."""
    found = json.loads((TESTS / "vectors" / f"{name}.json").read_text())[part]
    assert isinstance(found, list)
    assert found
    return found


def net_of(v: dict[str, Any]) -> NetConfig:
    """A net of the vectors."""
    layers = tuple(LifConfig(*layer) for layer in v["layers"])
    return NetConfig(
        v["n_in"], v["n_out"], v["ticks"], layers, v["readout"], v["gain"],
        v.get("input_segments", 1), tuple(v["input_shape"]) if "input_shape" in v else None,
        v.get("readout_pool", 1),
    )  # fmt: skip


def samples_of(recordings: Sequence[tuple[bytes, int]]) -> Recordings:
    """Streams with their labels, as the core reads them."""
    streams = [stream for stream, _ in recordings]
    return Recordings(
        np.frombuffer(b"".join(streams), np.uint8),
        np.concatenate(([0], np.cumsum([len(s) for s in streams]))),
        np.array([label for _, label in recordings], np.uint8),
    )


def check_fitness(v: dict[str, Any]) -> None:
    """Compare the fitness of a run that the vectors describe."""
    config = NetConfig(4, len(v["logits"]), 2, (LifConfig(3),))
    net, ws = Net(config), Workspace(config, None)
    for j, x in enumerate(v["logits"]):
        ws.native.logits[j] = x
    es = EsConfig("batch", 4, fitness=v["fitness"], penalty=v["penalty"])
    found = lib.egg_forward_fitness(net.native, es.native(), ws.native, v["spikes"], v["label"])
    assert found == v["F"], v


def check_run(
    net: Net, recording: bytes, label: int, level: int, expected: dict[str, Any]
) -> Workspace:
    """Run a net on a recording, and compare what the run gives. Returns the workspace."""
    ws, samples = Workspace(net.config, None), samples_of([(recording, label)])
    samples.check(net.config)
    assert ws.use_kernels(level)
    predicted = np.zeros(1, np.uint8)
    ws.run(net, samples, np.zeros(1, np.uint32), predicted)
    counts = ws.drain_counts()
    assert ws.unit_spikes.tolist() == [n for layer in expected["counts"] for n in layer]
    assert ws.logits == expected["logits"]
    assert (predicted[0], counts.loss) == (expected["argmax"], expected["loss"])
    assert counts.spikes == expected["spikes"]
    return ws


class Runner:
    """Runs generations recording by recording, so that the result of each is seen."""

    def __init__(
        self, net: Net, es: EsConfig, seed: int, recordings: Sequence[tuple[bytes, int]], level: int
    ) -> None:
        self.net, self.es, self.ws = net, es, Workspace(net.config, es)
        self.population = Population(net, es, seed)
        self.samples = samples_of(recordings)
        self.samples.check(net.config)
        assert self.ws.use_kernels(level)

    def generation(
        self, generation: int, steps: Hyperparameters, indices: list[int]
    ) -> dict[str, Any]:
        self.population.at(generation, steps)
        runs = {"sample": self._sample, "sweep": self._credited, "eprop": self._credited}
        found = runs.get(self.es.estimator, self._batched)(np.array(indices, np.uint32))
        return {**found, "digest": f"{self.net.digest:08x}"}

    def _sample(self, index: Any) -> dict[str, Any]:
        n, pairs = len(index), self.es.pairs
        f, e = np.zeros((n, pairs), np.int8), np.zeros(n, np.uint8)
        total = np.zeros(len(self.net.weights), np.int32)
        credit = Credit(self.net.config, self.es, 1)
        counts = []
        for i in range(n):
            if n == 1:  # in place, as on a device
                self.population.online(self.ws, self.samples, index, False, f[0], e)
            else:
                self.population.sample(
                    self.ws, self.samples, index[i : i + 1], i, False, f[i], e[i : i + 1], credit
                )
                for m, (rows, _) in enumerate(self.net.config.shapes):
                    self.population.learn(self.ws, [credit], m, 0, rows, total, i == n - 1)
            counts.append(self.ws.drain_counts())
        assert not total.any()
        return {"f": f.tolist(), "e": e.tolist(), **self._seen(counts)}

    def _credited(self, index: Any) -> dict[str, Any]:
        n = len(index)
        total = np.zeros(len(self.net.weights), np.int32)
        credit = Credit(self.net.config, self.es, 1)
        counts = []
        for i in range(n):
            if n == 1:
                self.population.credit_online(self.ws, self.samples, index)
            else:
                self.population.credit(self.ws, self.samples, index[i : i + 1], credit, i)
                for m, (rows, _) in enumerate(self.net.config.shapes):
                    self.population.learn(self.ws, [credit], m, 0, rows, total, i == n - 1)
            counts.append(self.ws.drain_counts())
        assert not total.any()
        return {"learned": [t.learned for t in counts], **self._seen(counts)}

    def _batched(self, index: Any) -> dict[str, Any]:
        config, full = self.net.config, self.es.estimator == "full"
        diff = np.zeros(self.es.pairs, np.int32)
        active = np.zeros(active_bytes(config), np.uint8)
        size = config.ticks * padded(config.layers[0].size) if full else 0
        base = np.zeros(len(index) * size, np.int16)
        counts = []
        for i in range(len(index)):
            one = self.ws, self.samples, index[i : i + 1]
            if full:
                self.population.share_full(*one, base[i * size : (i + 1) * size], active, i)
            else:
                self.population.eval_batch(*one, diff, active, i)
            counts.append(self.ws.drain_counts())
        if full:
            self.population.eval_full(self.ws, self.samples, index, base, 0, self.es.pairs, diff)
        f = np.zeros(self.es.pairs, np.int8)
        shape_fitness(diff, f)
        total = np.zeros(len(self.net.weights), np.int32)
        for m, (rows, _) in enumerate(config.shapes):
            if full:
                self.population.steps_full(self.ws, f, active, m, 0, rows, total)
            else:
                self.population.steps_batch(self.ws, f, active, m, 0, rows, total)
        for m, (rows, _) in enumerate(config.shapes):
            self.population.apply(self.ws, m, 0, rows, total)
        return {"D": diff.tolist(), "f": f.tolist(), **self._seen(counts)}

    @staticmethod
    def _seen(counts: list[RunCounts]) -> dict[str, Any]:
        return {name: [getattr(t, name) for t in counts] for name in ("loss", "correct", "spikes")}


def check_generations(case: dict[str, Any], level: int) -> None:
    """Compare each generation of a case of the vectors."""
    v = case["es"]
    es = EsConfig(
        v["estimator"], v["pairs"], v["rank"], v["segments"], v["fitness"], v["penalty"],
        v.get("learn_above", 0), v.get("shift", 0),
    )  # fmt: skip
    net = Net(net_of(case["net"]))
    net.randomize(case["seed"], case["std_hidden"], case["std_readout"])
    assert f"{net.digest:08x}" == case["initial_digest"]
    recordings = [(bytes.fromhex(s["stream"]), s["label"]) for s in case["samples"]]
    runner = Runner(net, es, case["seed"], recordings, level)
    order = RecordingOrder(case["seed"], len(recordings), case["batch"])
    for g, (expected, lr) in enumerate(zip(case["generations"], case["lr"], strict=True)):
        assert order.indices(g).tolist() == expected["indices"]
        rates = tuple(lr["h"]), tuple(lr["o"])
        steps = Hyperparameters((v["sigma_h"], v["sigma_o"]), rates)
        found = runner.generation(g, steps, expected["indices"])
        if es.estimator in ("sweep", "eprop"):
            expected["learned"] = [int(loss >= es.learn_above) for loss in expected["loss"]]
        assert found == {name: expected[name] for name in found}, (case["name"], g)
