"""Peer: EGGROLL from the published equations (arXiv 2511.16652), jitted by JAX on the processor.

    python -m tools.peers.jax_eggroll --generations 20            float32 membranes
    python -m tools.peers.jax_eggroll --lif int16                 int16 membranes, as in our core
    python -m tools.peers.jax_eggroll --generations 400 --stop-at 90 --pairs 1024 --batch 256

The weights of a member are W + sigma A B^T / sqrt(r). The currents W x are computed once for all
members, and B^T x once for each pair. Both come from one matrix product in bfloat16 (x and the
signs B are exact in it, sums are float32). A member adds (B^T x) A to the shared currents. Each of
two JAX devices, one thread each, has half of the mini-batch. On a device, members run one after the
other, so that the membranes of a member stay in the first-level cache.

These were measured and rejected here: vmap over all members at once (membranes or spike counts go
to memory, 1.5 times slower), float32 products, Gaussian A and B (drawing them takes as long as the
membranes), threefry by the word, and perturbed readouts in one batched product.

Units are those of our `batch` estimator (weights of an int8, sigma, threshold and learning rate),
so the peer has the same settings. Dense mini-batches are made before the time is measured.
"""

from __future__ import annotations

import argparse
import math
import os
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as Shard

from tools.peers.peer import (
    IMAX,
    LIMIT,
    Spikes,
    add_data_options,
    add_es_options,
    finish,
    initial_weights,
    load,
    run_generations,
    spikes_of,
)

THREADS = 2
# XLA reads its flags when the first array is made. Its newer fusion emitters do not vectorise the
# loop over members, which makes it 25 times slower.
os.environ["XLA_FLAGS"] = (
    f"--xla_force_host_platform_device_count={THREADS} --xla_cpu_multi_thread_eigen=false "
    "--xla_cpu_prefer_vector_width=512 --xla_cpu_use_fusion_emitters=false "
    + os.environ.get("XLA_FLAGS", "")
)


def random_signs(key: Any, rows: int, columns: int) -> Any:
    """[rows, columns] of +1 and -1, each from one random bit."""
    words = jax.random.bits(key, (rows, -(-columns // 32)), jnp.uint32)
    bits = (words[:, :, None] >> jnp.arange(32, dtype=jnp.uint32)) & 1
    return (1 - 2 * bits.astype(jnp.int8)).reshape(rows, -1)[:, :columns]


def product(x: Any, y: Any) -> Any:
    """x @ y in bfloat16, with float32 sums.

    XLA has this product only for row-major operands. The barriers keep it from merging
    transpositions into the product.
    """
    x, y = jax.lax.optimization_barrier((x, y))
    return jax.lax.optimization_barrier(jnp.dot(x, y, preferred_element_type=jnp.float32))


def lif(base: Any, s: Any, a: Any, threshold: Any) -> Any:
    """Spike counts [hidden, batch] of one member. The loop over ticks is unrolled into one kernel.

    base: [ticks, hidden, batch]; s: [rank, ticks, batch]; a: [rank, hidden].
    """
    v = jnp.zeros(base.shape[1:], base.dtype)
    count = jnp.zeros_like(v)
    for t in range(base.shape[0]):
        leak = v >> 1 if v.dtype == jnp.int16 else v * v.dtype.type(0.5)
        current = base[t]
        for r in range(len(s)):
            current = current + s[r, t] * a[r][:, None]
        v = v - leak + current
        spike = (v >= threshold).astype(v.dtype)
        count = count + spike
        v = v - spike * threshold
    return count


def loss(options: argparse.Namespace, count: Any, w2: Any, ticks: int, hot: Any) -> Any:
    """Cross-entropy and penalty on spikes, [batch], in nats; hot: [outputs, batch]."""
    logits = w2[:-1].T @ count.astype(jnp.float32) + ticks * w2[-1][:, None]
    logits = logits * (2.0**options.gain / 4096 * math.log(2))
    top = logits.max(0)
    entropy = jnp.log(jnp.exp(logits - top).sum(0)) + top - (logits * hot).sum(0)
    return entropy + options.penalty_bits * math.log(2) * count.sum(0, dtype=count.dtype)


def generation(
    options: argparse.Namespace, w1: Any, w2: Any, x: Any, labels: Any, key: Any, share: Any
) -> tuple[Any, Any]:
    """The weights after one generation. x is bfloat16 [ticks, batch, inputs + 1].

    share: of the learning rates, which fall during training.
    """
    pairs, rank, hidden = options.pairs, options.rank, w1.shape[1]
    ticks, outputs = x.shape[0], w2.shape[1]
    dtype = jnp.int16 if options.lif == "int16" else jnp.float32
    b1, a1, b2, a2 = (
        random_signs(k, rows, pairs * rank)
        for k, rows in zip(
            jax.random.split(key, 4), (len(w1), hidden, hidden + 1, outputs), strict=True
        )
    )

    def differences(x: Any, labels: Any) -> Any:
        """F(+) - F(-) of all pairs, [pairs], on some of the recordings."""

        def rounded(q: Any) -> Any:
            return jnp.rint(q).astype(dtype) if dtype == jnp.int16 else q

        both = jnp.concatenate([w1.astype(jnp.bfloat16), b1.astype(jnp.bfloat16)], 1)
        out = product(x.reshape(-1, len(w1)), both).T.reshape(-1, ticks, x.shape[1])
        base = rounded(jnp.clip(out[:hidden], -IMAX, IMAX).transpose(1, 0, 2))
        s = rounded(out[hidden:] * (options.sigma / math.sqrt(rank)))
        s = s.reshape(pairs, rank, ticks, -1)
        hot = jax.nn.one_hot(labels, outputs).T
        factors = [q.T.reshape(pairs, rank, -1) for q in (a1, b2, a2)]

        def fitness(sign: int, s: Any, a1: Any, b2: Any, a2: Any) -> Any:
            count = lif(base, s * dtype(sign), a1.astype(dtype), dtype(options.threshold))
            scale = sign * options.sigma_readout / math.sqrt(rank)
            w = w2 + scale * (b2.astype(jnp.float32).T @ a2.astype(jnp.float32))
            return -loss(options, count, w, ticks, hot).sum()

        diff = jax.lax.map(lambda one: fitness(1, *one) - fitness(-1, *one), (s, *factors))
        return jax.lax.psum(diff, "samples")

    diff = jax.shard_map(
        differences,
        in_specs=(Shard(None, "samples"), Shard("samples")),
        out_specs=Shard(),
        check_vma=False,
    )(x, labels)
    f = jnp.repeat(diff / jnp.abs(diff).mean(), rank)
    norm = math.sqrt(pairs * rank)

    def moved(w: Any, b: Any, a: Any, lr: float) -> Any:
        g = product(b.astype(jnp.bfloat16), (a.astype(jnp.float32) * f).T.astype(jnp.bfloat16))
        return jnp.clip(w + jnp.clip(g * (share * lr / norm), -LIMIT, LIMIT), -127, 127)

    return moved(w1, b1, a1, options.lr), moved(w2, b2, a2, options.lr_readout)


def accuracy(test: Spikes, w1: Any, w2: Any, threshold: float) -> float:
    """Test accuracy of the unperturbed net, in percent."""

    @jax.jit
    def predict(x: Any, w1: Any, w2: Any) -> Any:
        base = jnp.einsum("bti,ih->thb", x, w1[:-1]) + w1[-1][None, :, None]
        zero = jnp.zeros((1, x.shape[1], x.shape[0])), jnp.zeros((1, w1.shape[1]))
        count = lif(jnp.clip(base, -IMAX, IMAX), *zero, jnp.float32(threshold))
        return (count.T @ w2[:-1] + x.shape[1] * w2[-1]).argmax(1)

    right = 0
    for first in range(0, len(test), 500):
        which = np.arange(first, min(first + 500, len(test)))
        right += int((np.asarray(predict(test.dense(which), w1, w2)) == test.labels[which]).sum())
    return 100 * right / len(test)


def dense_batch(data: Spikes, which: npt.NDArray[np.int64]) -> tuple[Any, Any]:
    """Recordings as bfloat16 [ticks, batch, inputs + 1], whose last column is 1; and labels."""
    x = np.pad(data.dense(which, np.int8), ((0, 0), (0, 0), (0, 1)), constant_values=1)
    return jnp.asarray(x.transpose(1, 0, 2), jnp.bfloat16), jnp.asarray(data.labels[which])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_options(parser)
    add_es_options(parser)
    parser.add_argument("--lif", choices=("float32", "int16"), default="float32")
    options = parser.parse_args()
    train = spikes_of(load(options, "train"))
    test = spikes_of(load(options, "test")) if options.stop_at else None
    state = [jnp.asarray(w) for w in initial_weights(options, train.inputs)]
    jax.set_mesh(jax.make_mesh((THREADS,), ("samples",), axis_types=(AxisType.Auto,)))
    jitted, key = jax.jit(partial(generation, options)), jax.random.key(options.seed)

    def step(batch: Any, g: int, share: float) -> None:
        new = jitted(*state, *batch, jax.random.fold_in(key, g + 1), jnp.float32(share))
        jax.block_until_ready(new)
        if g >= 0:
            state[:] = new

    found = run_generations(
        options,
        len(train),
        lambda which: dense_batch(train, which),
        step,
        (lambda: accuracy(test, state[0], state[1], options.threshold)) if test else None,
    )
    finish(f"JAX EGGROLL, {options.lif}", ("jax", "jaxlib", "numpy"), options, **found)


if __name__ == "__main__":
    main()
