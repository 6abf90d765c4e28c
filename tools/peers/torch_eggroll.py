"""Peer: EGGROLL in torch with spiking neurons, on the processor.

    python -m tools.peers.torch_eggroll --form compiled --generations 20
    python -m tools.peers.torch_eggroll --form snntorch --generations 3
    python -m tools.peers.torch_eggroll --form torcheggroll --pairs 16
    python -m tools.peers.torch_eggroll --form eggroll-trainer --pairs 16

The forms compiled and snntorch share work: the currents W x are computed once for all members and
B^T x once for each pair, both by one sparse product. The layer then runs for all members on a few
recordings at once. In `compiled`, torch.compile fuses all ticks into one kernel. In `snntorch` the
neuron is snnTorch's Leaky, for some thousand members x recordings at a time, so that its arrays
stay in the cache. Units and settings are those of our `batch` estimator.

The other forms call the step() of a library, which forms the full weights of each member.
torcheggroll forms those of all members at once (by vmap, which the neuron of snnTorch does not
allow, so the neuron is written out). Measure them with few pairs: their member evaluations in a
second do not depend on the number of pairs.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np
import snntorch
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding_bag, one_hot

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

OUTPUTS = 10


def counts(base: Tensor, s: Tensor, a: Tensor, threshold: float) -> Tensor:
    """Spike counts [recordings, members, hidden].

    base: [recordings, ticks, hidden]; s: [recordings, ticks, rank, members];
    a: [rank, members, hidden].
    """
    v = torch.zeros(base.shape[0], a.shape[1], a.shape[2])
    count = torch.zeros_like(v)
    for t in range(base.shape[1]):
        current = base[:, t, None, :]
        for r in range(a.shape[0]):
            current = current + s[:, t, r, :, None] * a[r]
        v = 0.5 * v + current
        spike = (v >= threshold).to(v.dtype)
        count = count + spike
        v = v - threshold * spike
    return count


def counts_snntorch(base: Tensor, s: Tensor, a: Tensor, threshold: float) -> Tensor:
    """The same with the neuron of snnTorch, whose reset acts one tick later."""
    neuron = snntorch.Leaky(beta=0.5, threshold=threshold, reset_mechanism="subtract")
    v = torch.zeros(base.shape[0], a.shape[1], a.shape[2])
    count = torch.zeros_like(v)
    for t in range(base.shape[1]):
        current = base[:, t, None, :] + torch.einsum("brm,rmh->bmh", s[:, t], a)
        spike, v = neuron(current, v)
        count += spike
    return count


class Batched:
    """EGGROLL with shared currents and projections."""

    def __init__(self, options: argparse.Namespace, inputs: int, ticks: int) -> None:
        self.options, self.ticks = options, ticks
        self.w1, self.w2 = (torch.from_numpy(w) for w in initial_weights(options, inputs))
        compiled = options.form == "compiled"
        self.lif = torch.compile(counts, dynamic=False) if compiled else counts_snntorch
        self.chunk = 8 if compiled else 1
        self.readout = torch.compile(self._fitness, dynamic=False) if compiled else self._fitness
        self.generator = torch.Generator().manual_seed(options.seed)

    def _signs(self, *shape: int) -> Tensor:
        return torch.randint(0, 2, shape, generator=self.generator, dtype=torch.int8) * 2.0 - 1.0

    def _fitness(self, count: Tensor, w: Tensor, hot: Tensor) -> Tensor:
        """[recordings, members], of counts [recordings, members, hidden], w [members, rows, 10]."""
        options = self.options
        logits = torch.bmm(count.transpose(0, 1), w[:, :-1]) + self.ticks * w[:, -1:]
        logits = logits * (2.0**options.gain / 4096 * math.log(2))
        loss = logits.logsumexp(2) - (logits * hot).sum(2)
        return -loss.T - options.penalty_bits * math.log(2) * count.sum(2)

    def step(self, batch: tuple[Tensor, Tensor, Tensor], g: int, share: float) -> None:
        """Train for one generation. Generation -1 changes no weight."""
        options, (index, starts, labels) = self.options, batch
        pairs, rank, hidden = options.pairs, options.rank, options.hidden
        n = len(labels)
        b1, a1 = self._signs(len(self.w1), rank * pairs), self._signs(rank, pairs, hidden)
        b2 = self._signs(pairs, hidden + 1, rank)
        a2 = self._signs(pairs, rank, OUTPUTS)
        both = torch.cat([self.w1, b1], 1)
        out = embedding_bag(index, both[:-1], starts, mode="sum", include_last_offset=True)
        out = (out + both[-1]).view(n, self.ticks, -1)
        base = out[..., :hidden].clamp(-IMAX, IMAX).contiguous()
        s = out[..., hidden:].view(n, self.ticks, rank, pairs) * (options.sigma / math.sqrt(rank))
        s = torch.cat([s, -s], 3)
        pert = (b2 @ a2) * (options.sigma_readout / math.sqrt(rank))
        w = self.w2 + torch.cat([pert, -pert])
        hot, both_a = one_hot(labels, OUTPUTS).float(), torch.cat([a1, a1], 1)
        total = torch.zeros(2 * pairs)
        for first in range(0, n, self.chunk):
            part = slice(first, first + self.chunk)
            count = self.lif(base[part], s[part], both_a, options.threshold)
            total += self.readout(count, w, hot[part]).sum(0)
        if g < 0:
            return
        diff = total[:pairs] - total[pairs:]
        f = diff / diff.abs().mean()
        norm = math.sqrt(pairs * rank)

        def move(w: Tensor, gradient: Tensor, lr: float) -> None:
            w += (gradient * (share * lr / norm)).clamp_(-LIMIT, LIMIT)
            w.clamp_(-127, 127)

        fa = (a1 * f[None, :, None]).view(rank * pairs, hidden)
        move(self.w1, b1 @ fa, options.lr)
        move(self.w2, torch.einsum("phr,p,prk->hk", b2, f, a2), options.lr_readout)

    def accuracy(self, test: Spikes) -> float:
        """Test accuracy of the unperturbed net, in percent."""
        right = 0
        for first in range(0, len(test), 500):
            which = np.arange(first, min(first + 500, len(test)))
            index, starts = map(torch.from_numpy, test.batch(which))
            out = embedding_bag(index, self.w1[:-1], starts, mode="sum", include_last_offset=True)
            base = (out + self.w1[-1]).view(len(which), self.ticks, -1).clamp(-IMAX, IMAX)
            none = torch.zeros(len(which), self.ticks, 0, 1), torch.zeros(0, 1, base.shape[2])
            count = counts(base, *none, self.options.threshold)[:, 0]
            logits = count @ self.w2[:-1] + self.ticks * self.w2[-1]
            right += int((logits.argmax(1).numpy() == test.labels[which]).sum())
        return 100 * right / len(test)


class SpikingNet(torch.nn.Module):
    """The net as a user of the libraries would write it."""

    def __init__(self, options: argparse.Namespace, inputs: int) -> None:
        super().__init__()
        w1, w2 = (torch.from_numpy(w) for w in initial_weights(options, inputs))
        self.first = torch.nn.Linear(inputs, options.hidden)
        self.second = torch.nn.Linear(options.hidden, OUTPUTS)
        with torch.no_grad():
            for layer, w in ((self.first, w1), (self.second, w2)):
                layer.weight.copy_(w[:-1].T)
                layer.bias.copy_(w[-1])
        self.options = options

    def forward(self, x: Tensor) -> Tensor:
        """Logits [batch, 10] of x [batch, ticks, inputs]."""
        current = self.first(x)
        v = torch.zeros_like(current[:, 0])
        count = torch.zeros_like(v)
        for t in range(x.shape[1]):
            v = 0.5 * v + current[:, t]
            spike = (v >= self.options.threshold).to(v.dtype)
            v = v - self.options.threshold * spike
            count = count + spike
        logits = self.second(count)
        return logits * (2.0**self.options.gain / 4096 * math.log(2))


def library_step(options: argparse.Namespace, model: SpikingNet) -> Any:
    """The function step(x, labels) of the library that --form names."""
    members = 2 * options.pairs
    if options.form == "torcheggroll":
        from torcheggroll import TorchEggrollES

        es = TorchEggrollES(model, members, sigma=options.sigma, lr=0.05, rank=options.rank)
        return lambda x, labels: es.step(x, cross_entropy, labels)
    from eggroll_trainer import EGGROLLTrainer

    now: list[Tensor] = []

    def fitness(net: torch.nn.Module) -> float:
        with torch.no_grad():
            return -float(cross_entropy(net(now[0]), now[1]))

    trainer = EGGROLLTrainer(
        model.parameters(), model, fitness, population_size=members, learning_rate=0.05,
        sigma=options.sigma, rank=options.rank, noise_reuse=2,
    )  # fmt: skip

    def step(x: Tensor, labels: Tensor) -> None:
        now[:] = [x, labels]
        trainer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_options(parser)
    add_es_options(parser)
    forms = ("compiled", "snntorch", "torcheggroll", "eggroll-trainer")
    parser.add_argument("--form", choices=forms, default="compiled")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    data = spikes_of(load(options, "train"))
    packages = ["torch", "snntorch", "numpy"]
    test = None
    if options.form in ("compiled", "snntorch"):
        net = Batched(options, data.inputs, data.ticks)
        step = net.step
        if options.stop_at:
            held_out = spikes_of(load(options, "test"))

            def test() -> float:
                return net.accuracy(held_out)

        def prepare(which: Any) -> Any:
            return tuple(map(torch.from_numpy, (*data.batch(which), data.labels[which])))

    else:
        packages.append(options.form)
        run = library_step(options, SpikingNet(options, data.inputs))

        def prepare(which: Any) -> Any:
            return torch.from_numpy(data.dense(which)), torch.from_numpy(data.labels[which])

        def step(batch: Any, g: int, share: float) -> None:
            run(*batch)

    found = run_generations(options, len(data), prepare, step, test)
    finish(f"torch EGGROLL, {options.form}", tuple(packages), options, **found)


if __name__ == "__main__":
    main()
