"""Peer: surrogate gradient in torch, on the net and the data of our runs.

    python -m tools.peers.torch_surrogate --data idx:../shared/data/mnist --epochs 8
    python -m tools.peers.torch_surrogate --data idx:../shared/data/mnist --stop-at 90
    python -m tools.peers.torch_surrogate --data ../shared/data/nmnist_small --epochs 60 \\
        --weights int8

Training is backpropagation through time with Adam. The derivative of the spike is that of a fast
sigmoid. The net is ours: a LIF layer with soft reset, and a readout that integrates over the ticks.
--weights int8 trains with quantised weights (straight-through), and tests the int8 weights in our
integer core. Seconds are those of training, without evaluations.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import snntorch
import torch
from snntorch import surrogate
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding_bag

from eggroll_edge.core.net import Net
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.evaluation import evaluate
from tools.peers.peer import Spikes, add_data_options, finish, load, note, spikes_of, transposed

THRESHOLD = 1.0
_TEST_CHUNK = 500


class Currents(torch.autograd.Function):
    """x @ w for a binary sparse x [rows, inputs], as sums of rows of w; backward likewise.

    This is the fastest that torch has here: half the time of a dense product in bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, w: Tensor, index: Tensor, starts: Tensor, *transpose: Tensor) -> Tensor:
        ctx.save_for_backward(*transpose)
        return embedding_bag(index, w, starts, mode="sum", include_last_offset=True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        rows, starts = ctx.saved_tensors
        w = embedding_bag(rows, grad.contiguous(), starts, mode="sum", include_last_offset=True)
        return w, None, None, None, None


class Lif(torch.autograd.Function):
    """Spikes summed over the ticks, [batch, hidden], of currents [batch, ticks, hidden].

    It is one function for all ticks, and its backward pass is written out: a few operations for
    each tick.
    """

    @staticmethod
    def forward(ctx: Any, current: Tensor, beta: float, slope: float) -> Tensor:
        ctx.beta, ctx.slope = beta, slope
        v = torch.zeros_like(current[:, 0])
        count = torch.zeros_like(v)
        before_reset = []
        for t in range(current.shape[1]):
            v = torch.add(current[:, t], v, alpha=beta)
            spike = (v >= THRESHOLD).to(v.dtype)
            before_reset.append(v)
            count += spike
            v = torch.sub(v, spike, alpha=THRESHOLD)
        ctx.save_for_backward(*before_reset)
        return count

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        membranes = ctx.saved_tensors
        out = grad.new_empty(grad.shape[0], len(membranes), grad.shape[1])
        after = torch.zeros_like(grad)  # gradient of the membrane after the reset
        for t in range(len(membranes) - 1, -1, -1):
            near = (membranes[t] - THRESHOLD).abs_().mul_(ctx.slope).add_(1).square_()
            # As is usual, the gradient does not pass through the reset: this is more stable.
            after = torch.addcdiv(after, grad, near)
            out[:, t] = after
            after = after * ctx.beta
        return out, None, None


def lif_snntorch(current: Tensor, beta: float, slope: float) -> Tensor:
    """The same layer with the neuron of snnTorch, whose reset acts one tick later."""
    neuron = snntorch.Leaky(
        beta=beta, threshold=THRESHOLD, spike_grad=surrogate.fast_sigmoid(slope)
    )
    v = torch.zeros_like(current[:, 0])
    count = torch.zeros_like(v)
    for t in range(current.shape[1]):
        spike, v = neuron(current[:, t], v)
        count = count + spike
    return count


def quantised(w: Tensor) -> Tensor:
    """Weights rounded to 255 levels. The gradient passes straight through."""
    scale = w.detach().abs().max() / 127
    return w + (torch.round(w.detach() / scale) * scale - w.detach())


class Model:
    """Weights [inputs + 1, hidden] and [hidden + 1, outputs]; the last rows are biases."""

    def __init__(self, options: argparse.Namespace, inputs: int, outputs: int) -> None:
        generator = torch.Generator().manual_seed(options.seed)

        def random(rows: int, cols: int, std: float) -> Tensor:
            return (torch.randn(rows, cols, generator=generator) * std).requires_grad_()

        self.options, self.inputs, self.outputs = options, inputs, outputs
        self.w1 = random(inputs + 1, options.hidden, options.init)
        self.w2 = random(options.hidden + 1, outputs, 1 / math.sqrt(options.hidden))
        with torch.no_grad():
            self.w1[-1].zero_()
            self.w2[-1].zero_()
        self.lif = lif_snntorch if options.lif == "snntorch" else Lif.apply

    def weights(self) -> tuple[Tensor, Tensor]:
        """The weights as the net uses them."""
        if self.options.weights == "int8":
            return quantised(self.w1), quantised(self.w2)
        return self.w1, self.w2

    def __call__(self, data: Spikes, which: npt.NDArray[Any]) -> tuple[Tensor, Tensor]:
        """(logits, spike counts of the neurons) for some recordings."""
        index, starts = data.batch(which)
        columns = transposed(index, starts, self.inputs) if torch.is_grad_enabled() else ()
        arrays = [torch.from_numpy(a) for a in (index, starts, *columns)]
        w1, w2 = self.weights()
        currents = Currents.apply(w1[:-1], *arrays) + w1[-1]
        shape = (len(which), data.ticks, self.options.hidden)
        count = self.lif(currents.view(shape), self.options.beta, self.options.slope)
        return (count @ w2[:-1] + data.ticks * w2[-1]) * self.options.gain, count

    def accuracy(self, data: Spikes) -> tuple[float, float]:
        """(test accuracy in percent, share of neuron-ticks with a spike), in float."""
        correct, spikes = 0, 0.0
        with torch.no_grad():
            for first in range(0, len(data), _TEST_CHUNK):
                which = np.arange(first, min(first + _TEST_CHUNK, len(data)))
                logits, count = self(data, which)
                correct += int((logits.argmax(1).numpy() == data.labels[which]).sum())
                spikes += float(count.sum())
        return 100 * correct / len(data), spikes / (len(data) * data.ticks * self.options.hidden)

    def integer_net(self, ticks: int) -> Net:
        """The int8 weights in our core. The leak must be one that the core has: 1/2, 1/4, ..."""
        leak = round(-math.log2(1 - self.options.beta))
        if 1 - 2.0**-leak != self.options.beta:
            raise SystemExit(f"--beta {self.options.beta}: the core has 0.5, 0.75, 0.875, ...")
        matrices = [w.detach() for w in (self.w1, self.w2)]
        scales = [float(w.abs().max()) / 127 for w in matrices]
        threshold = round(THRESHOLD / scales[0])
        config = TrainConfig(
            hidden=(self.options.hidden,), threshold=threshold, leak_shift=leak, ticks=ticks
        )
        net = Net(config.net_config(self.inputs, self.outputs))
        for matrix, w, scale in zip(net.matrices, matrices, scales, strict=True):
            matrix[:] = torch.round(w / scale).numpy()
        return net


class Run:
    """A training run. `history` has (seconds, epoch, test accuracy) of each test."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.set_num_threads(options.threads)
        train = load(options, "train")
        self.options, self.test = options, load(options, "test", options.test_data)
        self.data, self.test_spikes = spikes_of(train), spikes_of(self.test)
        self.model = Model(options, train.n_in, train.n_classes)
        self.history: list[tuple[float, float, float]] = []
        self.reached: float | None = None
        self.seconds = self.first_step = 0.0

    def train(self) -> None:
        """Train for all epochs, or until --stop-at or --seconds is reached."""
        options, n = self.options, len(self.data)
        parameters = [self.model.w1, self.model.w2]
        optimiser = torch.optim.AdamW(
            parameters, lr=options.lr, weight_decay=options.weight_decay, fused=True
        )
        steps = max(1, n // options.batch)
        total, done = options.epochs * steps, 0
        every = options.eval_every or steps
        order = np.random.default_rng(options.seed)
        for _ in range(options.epochs):
            shuffled = order.permutation(n)
            for step in range(steps):
                began = time.perf_counter()
                share = 0.5 * (1 + math.cos(math.pi * done / total)) if options.cosine else 1.0
                optimiser.param_groups[0]["lr"] = options.lr * share
                which = shuffled[step * options.batch : (step + 1) * options.batch]
                logits, count = self.model(self.data, which)
                loss = cross_entropy(logits, torch.from_numpy(self.data.labels[which]))
                if options.penalty:
                    loss = loss + options.penalty * count.sum() / len(which)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                self.seconds += time.perf_counter() - began
                done += 1
                if done == 1:
                    self.first_step = self.seconds
                if done % every == 0 and self._evaluated(done / steps):
                    return
                if options.seconds and self.seconds >= options.seconds:
                    return

    def _evaluated(self, epoch: float) -> bool:
        accuracy = self.accuracy()
        self.history.append((round(self.seconds, 3), round(epoch, 4), accuracy))
        note(f"epoch {epoch:.2f}, {self.seconds:.1f} s: {accuracy:.2f} %")
        if self.options.stop_at and accuracy >= self.options.stop_at:
            self.reached = self.seconds
            return True
        return False

    def accuracy(self, data: EventDataset | None = None) -> float:
        """Accuracy on `data`, by default the test split; with int8 weights, in our core."""
        if self.options.weights == "int8":
            net = self.model.integer_net(self.data.ticks)
            return evaluate(net, data or self.test, self.options.threads).accuracy
        return self.model.accuracy(spikes_of(data) if data else self.test_spikes)[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_options(parser)
    parser.add_argument("--test-data", help="dataset of the test split; by default --data")
    parser.add_argument("--also", action="append", default=[], help="dataset to test on, too")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seconds", type=float, help="end training after this many seconds")
    parser.add_argument("--stop-at", type=float, help="end at this test accuracy, percent")
    parser.add_argument("--eval-every", type=int, help="steps between tests; by default an epoch")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--cosine", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--penalty", type=float, default=0.0, help="what a spike adds to the loss")
    parser.add_argument("--beta", type=float, default=0.5, help="share of v that a tick keeps")
    parser.add_argument("--slope", type=float, default=5.0, help="of the fast sigmoid")
    parser.add_argument("--init", type=float, default=0.05, help="standard deviation of weights")
    parser.add_argument("--gain", type=float, default=0.5, help="of the logits")
    parser.add_argument("--weights", choices=("float", "int8"), default="float")
    parser.add_argument("--lif", choices=("fused", "snntorch"), default="fused")
    options = parser.parse_args()
    run = Run(options)
    run.train()
    _, firing = run.model.accuracy(run.test_spikes)
    also = {}
    for spec in options.also:
        data = load(options, "all", spec)
        also[spec] = run.accuracy(data)
    finish(
        "torch surrogate gradient",
        ("torch", "snntorch", "numpy", "scipy"),
        options,
        test_accuracy=run.accuracy(),
        firing_rate=firing,
        train_seconds=run.seconds,
        first_step_seconds=run.first_step,
        seconds_to_target=run.reached,
        also=also,
        history=run.history,
    )


if __name__ == "__main__":
    main()
