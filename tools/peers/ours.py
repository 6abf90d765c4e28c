"""Our runtime, measured like the peers: the same batches, the same tests, the same JSON line.

    python -m tools.peers.ours --estimator batch --generations 20
    python -m tools.peers.ours --estimator sample --generations 4000 --stop-at 90 --eval-every 100

Settings are the defaults of the estimator unless they are given. Threads run as they do in
`eggroll-edge train`.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from eggroll_edge.core.net import Net
from eggroll_edge.core.workers import WorkerPool
from eggroll_edge.data.dataset import recordings_for
from eggroll_edge.training.batches import MiniBatch
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.derivation import derive
from eggroll_edge.training.estimators import host_estimator
from eggroll_edge.training.evaluation import Evaluator
from tools.peers.peer import add_data_options, finish, load, run_generations


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_options(parser)
    parser.add_argument("--estimator", choices=("sample", "batch", "full"), default="batch")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--stop-at", type=float, help="train to this test accuracy, percent")
    parser.add_argument("--seconds", type=float, help="end training after this many seconds")
    parser.add_argument("--eval-every", type=int, default=20, help="generations between tests")
    options = parser.parse_args()
    given = {k: v for k in ("pairs", "batch") if (v := getattr(options, k)) is not None}
    config = TrainConfig(
        hidden=(options.hidden,), pool=options.pool, seed=options.seed,
        estimator=options.estimator, generations=options.generations, **given,
    )  # fmt: skip
    options.pairs, options.batch, options.lr_final = config.pairs, config.batch, config.lr_final
    data = load(options, "train")
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
        estimator.step(max(0, g), config.hyperparameters_at(max(0, g)), batch, lambda: None)
        if g < 0:
            net.weights[:] = saved

    def prepare(which: Any) -> MiniBatch:
        return MiniBatch(samples, which.astype(np.uint32), 0, 0)

    found = run_generations(
        options, len(data), prepare, step, (lambda: test().accuracy) if test else None
    )
    finish(f"EGGROLL-Edge {config.kind}", ("numpy",), options, **found)


if __name__ == "__main__":
    main()
