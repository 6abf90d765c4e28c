"""Our runtime, measured like the peers: the same batches, the same tests, the same JSON line.

    python -m tools.peers.ours --estimator batch --generations 20
    python -m tools.peers.ours --estimator sample --generations 4000 --stop-at 90 --eval-every 100
    python -m tools.peers.ours --estimator sweep --online --generations 4000 --stop-at 90

Settings are the defaults of the estimator unless they are given. Threads run as they do in
`eggroll-edge train`.

With --online a generation is one recording, as in `eggroll-edge train`. What is timed at once is a
chunk of ONLINE_CHUNK generations, and --eval-every counts generations in whole chunks. --hidden 0
is the linear readout of the inputs.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from eggroll_edge.core.net import Net
from eggroll_edge.core.workers import WorkerPool
from eggroll_edge.data.dataset import recordings_for
from eggroll_edge.training.batches import MiniBatch
from eggroll_edge.training.config import ONLINE_CHUNK, TrainConfig
from eggroll_edge.training.derivation import derive
from eggroll_edge.training.estimators import host_estimator
from eggroll_edge.training.evaluation import Evaluator
from eggroll_edge.training.settings import settings_of
from tools.peers.peer import add_data_options, finish, load, run_generations

TUNED = (
    "pairs", "batch", "segments", "threshold", "sigma", "gain", "init_std", "readout_std",
    "penalty_bits", "learn_above", "lr", "lr_readout", "lr_final",
)  # fmt: skip
"""Settings of TrainConfig that are options here, too."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_options(parser)
    parser.add_argument(
        "--estimator", choices=("sample", "batch", "full", "sweep", "eprop"), default="batch"
    )
    parser.add_argument("--online", action="store_true", help="update after each recording")
    for name in TUNED:
        parser.add_argument(f"--{name.replace('_', '-')}", type=settings_of(TrainConfig)[name].type)
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--stop-at", type=float, help="train to this test accuracy, percent")
    parser.add_argument("--seconds", type=float, help="end training after this many seconds")
    parser.add_argument("--eval-every", type=int, help="generations between tests; by default 20")
    options = parser.parse_args()
    data = load(options, "train")
    config = TrainConfig(
        ticks=data.ticks, pool=options.pool, seed=options.seed,
        hidden=(options.hidden,) if options.hidden else (),
        online=options.online, estimator=options.estimator, generations=options.generations,
        **{name: value for name in TUNED if (value := getattr(options, name)) is not None},
    )  # fmt: skip
    chunk = ONLINE_CHUNK if config.online else 1
    options.pairs, options.lr_final = config.pairs, config.lr_final
    options.batch = config.batch * chunk
    options.generations = config.generations // chunk
    options.eval_every = max(1, (options.eval_every or 20) // chunk)
    config = derive(config, data)
    net = Net(config.net_config(data.n_in, data.n_classes, data.shape))
    net.randomize(config.seed, config.init_std, config.readout_std)
    pool = WorkerPool(net.config, config.es_config(), options.threads)
    estimator, samples = (
        host_estimator(config, net, config.batch, pool),
        recordings_for(data, net.config),
    )
    test = None
    if options.stop_at:
        test = Evaluator(net, load(options, "test"), WorkerPool(net.config, None, options.threads))

    def step(batch: MiniBatch, g: int, share: float) -> None:
        saved = net.weights.copy()
        first = max(0, g) * chunk
        estimator.step(first, config.hyperparameters_at(first), batch, lambda: None)
        if g < 0:
            net.weights[:] = saved

    def prepare(which: Any) -> MiniBatch:
        return MiniBatch(samples, which.astype(np.uint32), 0, 0)

    found = run_generations(
        options, len(data), prepare, step, (lambda: test().accuracy) if test else None
    )
    if config.chooses_recordings:  # such an estimator has no population
        del found["member_evals_per_s"]
    finish(f"EGGROLL-Edge {config.kind}", ("numpy",), options, **found)


if __name__ == "__main__":
    main()
