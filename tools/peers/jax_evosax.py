"""Peer: Open_ES and CR-FM-NES of evosax on the same net, jitted by JAX on the processor.

    python -m tools.peers.jax_evosax --algorithm Open_ES --pairs 32 --generations 3
    python -m tools.peers.jax_evosax --algorithm CR_FM_NES --pairs 32 --generations 100000 \\
        --seconds 600 --stop-at 90

These algorithms are full-rank: each member has different weights, so its currents take a separate
product (bfloat16). Members run one after the other on two devices of JAX, one thread each. The
memory is that of the algorithm, which holds the population. Units and fitness are those of
jax_eggroll.py.
"""

from __future__ import annotations

import argparse
from typing import Any

# The flags of XLA are set here, before evosax makes the first array.
from tools.peers import jax_eggroll as eggroll

# isort: split
import evosax.algorithms
import jax
import jax.numpy as jnp
import optax
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as Shard

from tools.peers.peer import (
    IMAX,
    add_data_options,
    add_es_options,
    finish,
    initial_weights,
    load,
    run_generations,
    spikes_of,
)

OUTPUTS = 10


def evaluate(options: argparse.Namespace, population: Any, x: Any, labels: Any) -> Any:
    """Loss of each member, [members]; population: [members, parameters]."""
    ticks, batch, rows = x.shape
    hidden, cut = options.hidden, rows * options.hidden
    hot = jax.nn.one_hot(labels, OUTPUTS).T

    def loss(flat: Any) -> Any:
        w1 = flat[:cut].reshape(rows, hidden).astype(jnp.bfloat16)
        w2 = flat[cut:].reshape(hidden + 1, OUTPUTS)
        out = eggroll.product(x.reshape(-1, rows), w1).T.reshape(hidden, ticks, batch)
        base = jnp.clip(out, -IMAX, IMAX).transpose(1, 0, 2)
        none = jnp.zeros((0, ticks, batch)), jnp.zeros((0, hidden))
        count = eggroll.lif(base, *none, jnp.float32(options.threshold))
        return eggroll.loss(options, count, w2, ticks, hot).mean()

    return jax.shard_map(
        lambda part: jax.lax.map(loss, part),
        in_specs=Shard("samples"),
        out_specs=Shard("samples"),
        check_vma=False,
    )(population)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_options(parser)
    add_es_options(parser)
    parser.add_argument("--algorithm", choices=("Open_ES", "CR_FM_NES"), default="CR_FM_NES")
    parser.add_argument("--adam", type=float, default=0.5, help="Open_ES: Adam's learning rate")
    parser.set_defaults(sigma=2.0)
    options = parser.parse_args()
    train = spikes_of(load(options, "train"))
    test = spikes_of(load(options, "test")) if options.stop_at else None
    w1, w2 = (jnp.asarray(w) for w in initial_weights(options, train.inputs))
    mean = jnp.concatenate([w1.ravel(), w2.ravel()])
    jax.set_mesh(jax.make_mesh((eggroll.THREADS,), ("samples",), axis_types=(AxisType.Auto,)))
    members = 2 * options.pairs
    if options.algorithm == "Open_ES":
        es = evosax.algorithms.Open_ES(
            members, mean, optimizer=optax.adam(options.adam),
            std_schedule=optax.constant_schedule(options.sigma),
        )  # fmt: skip
        params = es.default_params
    else:
        es = evosax.algorithms.CR_FM_NES(members, mean)
        params = es.default_params.replace(std_init=options.sigma)
    key = jax.random.key(options.seed)
    state = [es.init(key, mean, params)]

    @jax.jit
    def generation(state: Any, key: Any, x: Any, labels: Any) -> Any:
        ask, tell = jax.random.split(key)
        population, state = es.ask(ask, state, params)
        return es.tell(tell, population, evaluate(options, population, x, labels), state, params)[0]

    def step(batch: Any, g: int, share: float) -> None:
        new = generation(state[0], jax.random.fold_in(key, g + 1), *batch)
        jax.block_until_ready(new)
        if g >= 0:
            state[0] = new

    def accuracy() -> float:
        assert test is not None
        found, cut = es.get_mean(state[0]), w1.size
        weights = found[:cut].reshape(w1.shape), found[cut:].reshape(w2.shape)
        return eggroll.accuracy(test, *weights, options.threshold)

    found = run_generations(
        options,
        len(train),
        lambda which: eggroll.dense_batch(train, which),
        step,
        accuracy if test else None,
    )
    finish(f"evosax {options.algorithm}", ("evosax", "jax", "jaxlib", "numpy"), options, **found)


if __name__ == "__main__":
    main()
