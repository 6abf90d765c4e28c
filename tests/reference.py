"""EGGROLL-Edge in plain Python integers: the reference model.

Written from runtime_c/SPEC.md alone, in its order and with its section numbers and names, so
that it can be checked against that page line by line. The C core must give the same bits. Slow on
purpose; every bound of the page is an assert, so running the model exercises the proofs.

    net = Net(NetConfig(20, 10, (LayerConfig(12, 256, 3, 0),), "integrate", 4, 4))
    net.init_weights(seed=1, std_hidden=32, std_readout=32)
    es = EsConfig("sample", pairs=16, segments=3, sigma_h=64, sigma_o=1024)
    result = generation_sample(net, es, 1, 0, [(stream, label)], lr_h=(64, 20), lr_o=(64, 20))
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from typing import Literal, NamedTuple

Matrix = list[list[int]]  # [row][column]
Events = list[list[int]]  # [tick] -> the indices that have an event, ascending
Key = tuple[int, int]
Rate = tuple[int, int]  # a learning rate (lm, ln): lm * 2^-ln
Sample = tuple[bytes, int]  # a recording (section 3) and its label

INT16_MAX = 2**15 - 1
INT32_MAX = 2**31 - 1


def clamp(x: int, limit: int) -> int:
    """x limited to [-limit, limit]."""
    return max(-limit, min(limit, x))


def rs(x: int, n: int) -> int:
    """The rounding shift, as int32 hardware does it. Python's >> is the arithmetic (floor) one."""
    assert 0 <= n <= 30
    if n == 0:
        return x
    assert abs(x) + (1 << (n - 1)) <= INT32_MAX
    return (x + (1 << (n - 1))) >> n


# ---- 1. Ceilings ------------------------------------------------------------------------------

MAX_INPUTS = 32766
MAX_INPUTS_FULL = 8190  # section 7.3
MAX_LAYERS = 4
MAX_NEURONS = 1024
MAX_OUTPUTS = 64
MAX_TICKS = 32
MAX_PAIRS = 8192  # batch, full
MAX_PAIRS_SAMPLE = 256
MAX_RANK = 16
MAX_PAIRS_X_RANK = 65536
MAX_SEGMENTS = 8
MAX_SAMPLES = 8192


# ---- 2. Random numbers: a counter and a key, nothing stored -----------------------------------

MASK = 0xFFFFFFFF


class Stream(IntEnum):
    INIT = 0
    A = 1
    B = 2
    Z = 3
    LOGIT = 4
    ROUND_ROW = 5
    ROUND_COL = 6
    FULL = 7
    SHUFFLE = 8


def mix(x: int) -> int:
    x ^= x >> 16
    x = (x * 0x7FEB352D) & MASK
    x ^= x >> 15
    x = (x * 0x846CA68B) & MASK
    x ^= x >> 16
    return x


def absorb(k: Key, w: int) -> Key:
    k0 = mix((k[0] + w) & MASK)
    k1 = mix(k[1] ^ k0)
    return k0, k1


def key(seed: int, generation: int, sample: int, matrix: int, stream: int, rank: int) -> Key:
    assert all(0 <= w <= MASK for w in (seed, generation, sample))
    assert all(0 <= w <= 255 for w in (matrix, stream, rank))
    k = (0x243F6A88, 0x85A308D3)
    for w in (seed, generation, sample, matrix << 16 | stream << 8 | rank):
        k = absorb(k, w)
    return k


def word(k: Key, c: int) -> int:
    return mix((c * (k[0] | 1) + k[1]) & MASK)


def signs(k: Key, row: int, w: int) -> int:
    """32 signs: bit p is that of pair 32*w + p."""
    assert 0 <= w <= 255
    return word(k, row * 256 + w)


def sign(k: Key, row: int, pair: int) -> int:
    """The one sign of a pair: set = +1, clear = -1."""
    return 1 if signs(k, row, pair // 32) >> (pair % 32) & 1 else -1


# ---- 3. A recording is a byte stream ----------------------------------------------------------


def encode(ticks: Events) -> bytes:
    out = bytearray()
    for events in ticks:
        index = -1
        for event in events:
            step = event - index
            assert step >= 1, "at most one event an input and tick, ascending"
            while step > 254:
                out.append(255)
                step -= 254
            out.append(step)
            index = event
        out.append(0)
    return bytes(out)


def decode(data: bytes, n_in: int, n_ticks: int) -> Events:
    """The events of each tick; ValueError if the stream is not a recording of this shape."""
    ticks: Events = []
    events: list[int] = []
    index = -1
    for byte in data:
        if len(ticks) == n_ticks:
            raise ValueError("bytes behind the last tick")
        if byte == 0:
            ticks.append(events)
            events = []
            index = -1
            continue
        index += 254 if byte == 255 else byte
        if index >= n_in:
            raise ValueError("index out of range")
        if byte != 255:
            events.append(index)
    if len(ticks) != n_ticks:
        raise ValueError("fewer ticks than expected")
    return ticks


def check(data: bytes, n_in: int, n_ticks: int) -> bool:
    try:
        decode(data, n_in, n_ticks)
    except ValueError:
        return False
    return True


# ---- 4. Network -------------------------------------------------------------------------------


class LayerConfig(NamedTuple):
    size: int
    threshold: int  # th
    leak_shift: int  # k
    refractory: int  # q

    # The limits of section 5.
    @property
    def i_max(self) -> int:
        return (32767 >> self.leak_shift) - 1

    @property
    def l_pert(self) -> int:
        return self.i_max // 4

    @property
    def l_base(self) -> int:
        return self.i_max - self.l_pert


@dataclass(frozen=True)
class NetConfig:
    n_in: int
    ticks: int
    layers: tuple[LayerConfig, ...]
    readout: Literal["integrate", "spikes"]
    n_out: int
    gain: int

    def __post_init__(self) -> None:
        assert 1 <= self.n_in <= MAX_INPUTS
        assert 1 <= self.ticks <= MAX_TICKS
        assert 1 <= len(self.layers) <= MAX_LAYERS
        assert 2 <= self.n_out <= MAX_OUTPUTS
        assert 0 <= self.gain <= (12 if self.readout == "spikes" else 8)
        for layer in self.layers:
            assert 1 <= layer.size <= MAX_NEURONS
            assert 1 <= layer.threshold <= 16383
            assert 1 <= layer.leak_shift <= 8
            assert 0 <= layer.refractory <= 15
        assert self.readout in ("integrate", "spikes")
        if self.readout == "spikes":
            assert self.layers[-1].size == self.n_out

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(rows, columns) of every matrix; the last row is the bias, so rows = n_pre + 1."""
        sizes = [self.n_in, *(layer.size for layer in self.layers)]
        if self.readout == "integrate":
            sizes.append(self.n_out)
        return [(n_pre + 1, cols) for n_pre, cols in pairwise(sizes)]

    @property
    def readout_matrix(self) -> int | None:
        """The number of the readout matrix, m = L; None for readout `spikes`."""
        return len(self.layers) if self.readout == "integrate" else None


class Net:
    """A configuration and its weights: weights[m][row][column], each in -127..127."""

    def __init__(self, config: NetConfig) -> None:
        self.config = config
        self.weights: list[Matrix] = [
            [[0] * cols for _ in range(rows)] for rows, cols in config.shapes
        ]

    def init_weights(self, seed: int, std_hidden: int, std_readout: int) -> None:
        for m, (rows, cols) in enumerate(self.config.shapes):
            std = std_readout if m == self.config.readout_matrix else std_hidden
            assert 0 <= std <= 64
            k = key(seed, 0, 0, m, Stream.INIT, 0)
            for i in range(rows):
                for j in range(cols):
                    bytes_sum = sum(word(k, i * cols + j).to_bytes(4, "little"))
                    w = clamp(((bytes_sum - 510) * std * 443 + 32768) >> 16, 127)
                    bias = i == rows - 1
                    self.weights[m][i][j] = 0 if bias else w

    def to_bytes(self, m: int) -> bytes:
        return bytes(w & 0xFF for row in self.weights[m] for w in row)

    def digest(self) -> int:
        return zlib.crc32(b"".join(self.to_bytes(m) for m in range(len(self.weights))))


# ---- 5. Currents and LIF ----------------------------------------------------------------------


def with_bias(x: Events, n_pre: int) -> Events:
    """The bias is an input, numbered n_pre, that has an event in every tick."""
    return [[*events, n_pre] for events in x]


def base_currents(weights: Matrix, x: Events, layer: LayerConfig) -> Matrix:
    """base[t][h]; x without the bias."""
    base: Matrix = []
    for events in with_bias(x, len(weights) - 1):
        sums = [0] * layer.size
        for i in events:
            for h in range(layer.size):
                sums[h] += weights[i][h]
        assert all(abs(s) <= 32767 * 127 for s in sums)
        base.append([clamp(s, layer.l_base) for s in sums])
    return base


def lif(layer: LayerConfig, currents: Sequence[int]) -> tuple[list[bool], list[int]]:
    """One neuron over a recording: its spikes, and v at the end of each tick."""
    k = layer.leak_shift
    spikes: list[bool] = []
    trace: list[int] = []
    v = ref = 0
    for current in currents:
        assert abs(current) <= layer.i_max
        blocked = ref > 0
        if blocked:
            ref -= 1
        v = (v - (v >> k)) + (0 if blocked else current)
        assert -(layer.i_max << k) <= v <= (layer.i_max + 1) << k <= INT16_MAX
        spike = v >= layer.threshold and not blocked
        if spike:
            v -= layer.threshold
            ref = layer.refractory
        spikes.append(spike)
        trace.append(v)
    return spikes, trace


class Member:
    """A population member: what it adds to currents, readout sums and logits.

    This base class adds nothing: it is the unperturbed run. Section 7 has the others.
    """

    def currents(self, m: int, x: Events) -> Matrix | None:
        """pert[t][h] of LIF matrix m, given its presynaptic events (no bias); None = zeros."""
        return None

    def readout(self, count: list[int]) -> list[int] | None:
        """pertL[j], given the counts of the last LIF layer; None = zeros."""
        return None

    def logits(self) -> list[int] | None:
        """Added to the logits, in 1/4096 bit; None = zeros."""
        return None


CENTRE = Member()


@dataclass
class Run:
    """What one forward pass leaves."""

    trains: list[Events] = field(default_factory=list)  # [layer][tick] -> neurons that spiked
    counts: Matrix = field(default_factory=list)  # [layer][h]
    spikes: int = 0  # of all LIF layers
    logits: list[int] = field(default_factory=list)


def forward(net: Net, data: bytes, member: Member = CENTRE) -> Run:
    config = net.config
    run = Run()
    x = decode(data, config.n_in, config.ticks)
    for m, layer in enumerate(config.layers):
        base = base_currents(net.weights[m], x, layer)
        pert = member.currents(m, x) or [[0] * layer.size] * config.ticks
        assert all(abs(p) <= layer.l_pert for tick in pert for p in tick)
        train: Events = [[] for _ in range(config.ticks)]
        count: list[int] = []
        for h in range(layer.size):
            spikes, _ = lif(layer, [base[t][h] + pert[t][h] for t in range(config.ticks)])
            for t, spike in enumerate(spikes):
                if spike:
                    train[t].append(h)
            count.append(sum(spikes))
        run.trains.append(train)
        run.counts.append(count)
        x = train  # in the same tick
    run.spikes = sum(map(sum, run.counts))
    assert run.spikes <= 2**17
    count = run.counts[-1]
    if config.readout == "integrate":
        w = net.weights[-1]
        pert_l = member.readout(count) or [0] * config.n_out
        acc = []
        for j in range(config.n_out):
            assert abs(pert_l[j]) <= 2**19
            a = config.ticks * w[-1][j] + sum(c * w[h][j] for h, c in enumerate(count)) + pert_l[j]
            # SPEC.md says "< 2^22.1"; the sum it names is 2^22.16. It fits all the same.
            assert abs(a) <= 32 * 1025 * 127 + 2**19
            acc.append(a)
    else:
        acc = count
    pert_x = member.logits() or [0] * config.n_out
    for a, p in zip(acc, pert_x, strict=True):
        assert abs(p) < 2**20
        x_j = (a << config.gain) + p
        assert abs(x_j) <= INT32_MAX
        run.logits.append(x_j)
    return run


# ---- 6. Fitness: softmax cross-entropy in 1/4096 bit (base 2), no table -----------------------

LIMIT_F = 2**17 - 1


def exp2_neg(d: int) -> int:
    """E(d) = 65536 * 2^(-d/4096)."""
    assert 0 <= d <= MASK
    if d >= 16 * 4096:
        return 0
    f = d & 4095
    y = 65536 - ((f * (45329 - ((f * (15158 - ((f * 2597) >> 12))) >> 12))) >> 12)
    return y >> (d >> 12)


def log2(s: int) -> int:
    """log2(s / 65536) in 1/4096."""
    assert 65536 <= s <= 64 * 65536
    n = 0
    while s >= 131072:
        s >>= 1
        n += 1
    u = (s - 65536) >> 1
    assert 0 <= u <= 32767
    return n * 4096 + (
        (u * (47144 - ((u * (22208 - ((u * (10522 - ((u * 2690) >> 15))) >> 15))) >> 15))) >> 18
    )


def cross_entropy(logits: Sequence[int], label: int) -> int:
    top = max(logits)
    d = [top - x for x in logits]
    s = sum(exp2_neg(d_j) for d_j in d)
    return log2(s) + min(d[label], LIMIT_F)


def argmax(logits: Sequence[int]) -> int:
    """The lowest index of equal logits."""
    return list(logits).index(max(logits))


@dataclass(frozen=True)
class EsConfig:
    estimator: Literal["batch", "sample", "full"]
    pairs: int  # P
    rank: int = 1  # R, `batch`
    segments: int = 1  # S, `sample`
    sigma_h: int = 0
    sigma_o: int = 0
    fitness: Literal["xent", "accuracy"] = "xent"
    penalty: int = 0  # 1/4096 bit a spike

    def __post_init__(self) -> None:
        assert self.estimator in ("batch", "sample", "full")
        assert 1 <= self.pairs <= (MAX_PAIRS_SAMPLE if self.estimator == "sample" else MAX_PAIRS)
        assert 1 <= self.rank <= MAX_RANK
        assert self.pairs * self.rank <= MAX_PAIRS_X_RANK or self.estimator != "batch"
        assert 1 <= self.segments <= MAX_SEGMENTS
        full = self.estimator == "full"
        assert 0 <= self.sigma_h <= (16383 if full else 32767)
        assert 0 <= self.sigma_o <= (16367 if full else 32767)
        assert self.fitness in ("xent", "accuracy")
        assert 0 <= self.penalty <= 4095

    def check(self, net: NetConfig) -> None:
        """The limits that depend on the network."""
        if self.estimator == "sample":
            assert self.segments <= net.ticks
            assert all(self.sigma_h <= layer.l_pert for layer in net.layers)
        if self.estimator == "full":
            assert net.n_in <= MAX_INPUTS_FULL


def fitness(es: EsConfig, run: Run, label: int) -> int:
    """F."""
    if es.fitness == "xent":
        f = -min(cross_entropy(run.logits, label) + es.penalty * run.spikes, LIMIT_F)
    else:
        right = 4096 if argmax(run.logits) == label else 0
        f = clamp(right - es.penalty * run.spikes, LIMIT_F)
    assert abs(f) <= LIMIT_F
    return f


# ---- 7. Perturbed members ---------------------------------------------------------------------


class BatchMember(Member):
    """7.1 `batch`: E = A B^T / sqrt(R). Member (p, direction), direction = +1 or -1."""

    def __init__(
        self, net: NetConfig, es: EsConfig, seed: int, generation: int, p: int, direction: int
    ) -> None:
        self.net, self.es, self.direction = net, es, direction
        self.a, self.b = batch_signs(net, es, seed, generation, p)

    def currents(self, m: int, x: Events) -> Matrix:
        layer = self.net.layers[m]
        n_pre = self.net.shapes[m][0] - 1
        pert: Matrix = []
        for events in with_bias(x, n_pre):
            tick = [0] * layer.size
            for r in range(self.es.rank):
                c = sum(self.b[m][r][i] for i in events)
                assert abs(c) <= 32767
                assert abs(c * self.es.sigma_h) < 2**30
                s = clamp(rs(c * self.es.sigma_h, 8), layer.l_pert // self.es.rank)
                for h in range(layer.size):
                    tick[h] += self.direction * s * self.a[m][r][h]
            pert.append(tick)
        return pert

    def readout(self, count: list[int]) -> list[int]:
        m = len(self.net.layers)
        pert = [0] * self.net.n_out
        for r in range(self.es.rank):
            b = self.b[m][r]
            c = self.net.ticks * b[-1] + sum(n * b[h] for h, n in enumerate(count))
            assert abs(c) <= 32 * 1025  # not <= 32767, and |c * sigma| may pass 2^30 (not 2^31)
            s = clamp(rs(c * self.es.sigma_o, 8), 2**19 // self.es.rank)
            for j in range(self.net.n_out):
                pert[j] += self.direction * s * self.a[m][r][j]
        return pert


def batch_signs(
    net: NetConfig, es: EsConfig, seed: int, generation: int, p: int
) -> tuple[list[Matrix], list[Matrix]]:
    """The letters of pair p: a[m][r][column] and b[m][r][row]."""
    a: list[Matrix] = []
    b: list[Matrix] = []
    for m, (rows, cols) in enumerate(net.shapes):
        a.append([])
        b.append([])
        for r in range(es.rank):
            k = key(seed, generation, 0, m, Stream.A, r)
            a[m].append([sign(k, j, p) for j in range(cols)])
            k = key(seed, generation, 0, m, Stream.B, r)
            b[m].append([sign(k, i, p) for i in range(rows)])
    return a, b


def segment(t: int, n_segments: int, n_ticks: int) -> int:
    """seg(t)."""
    return t * n_segments // n_ticks


class SampleLetters(NamedTuple):
    """The letters of one pair on one sample, section 7.2."""

    a: Matrix  # [LIF matrix][neuron]
    z: Matrix  # [LIF matrix][segment]
    b: list[int]  # [output]; empty for readout `spikes`


def sample_signs(
    net: NetConfig, es: EsConfig, seed: int, generation: int, pos: int, p: int
) -> SampleLetters:
    a: Matrix = []
    z: Matrix = []
    for m, layer in enumerate(net.layers):
        k = key(seed, generation, pos, m, Stream.A, 0)
        a.append([sign(k, h, p) for h in range(layer.size)])
        k = key(seed, generation, pos, m, Stream.Z, 0)
        z.append([sign(k, s, p) for s in range(es.segments)])
    b: list[int] = []
    if net.readout == "integrate":
        k = key(seed, generation, pos, len(net.layers), Stream.LOGIT, 0)
        b = [sign(k, j, p) for j in range(net.n_out)]
    return SampleLetters(a, z, b)


class SampleMember(Member):
    """7.2 `sample`: a rank-1 current on neurons x segments. Member (p, direction)."""

    def __init__(
        self, net: NetConfig, es: EsConfig, letters: SampleLetters, direction: int
    ) -> None:
        self.net, self.es, self.letters, self.direction = net, es, letters, direction

    def currents(self, m: int, x: Events) -> Matrix:
        a, z = self.letters.a[m], self.letters.z[m]
        pert: Matrix = []
        for t in range(self.net.ticks):
            z_t = z[segment(t, self.es.segments, self.net.ticks)]
            pert.append([self.direction * self.es.sigma_h * z_t * a_h for a_h in a])
        return pert

    def logits(self) -> list[int]:
        return [self.direction * self.es.sigma_o * b_j for b_j in self.letters.b]


def full_noise(net: NetConfig, seed: int, generation: int, p: int) -> list[Matrix]:
    """7.3: e[m][i][j]."""
    noise: list[Matrix] = []
    for m, (rows, cols) in enumerate(net.shapes):
        k = key(seed, generation, p, m, Stream.FULL, 0)
        matrix: Matrix = []
        for i in range(rows):
            row: list[int] = []
            for j in range(cols):
                c = i * cols + j
                byte = word(k, c >> 2) >> (8 * (c & 3)) & 0xFF
                row.append(byte.bit_count() - 4)
            matrix.append(row)
        noise.append(matrix)
    return noise


class FullMember(Member):
    """7.3 `full`: one noise value a weight. Member (p, direction)."""

    def __init__(self, net: NetConfig, es: EsConfig, noise: list[Matrix], direction: int) -> None:
        self.net, self.es, self.noise, self.direction = net, es, noise, direction

    def currents(self, m: int, x: Events) -> Matrix:
        layer, e = self.net.layers[m], self.noise[m]
        pert: Matrix = []
        for events in with_bias(x, len(e) - 1):
            tick: list[int] = []
            for h in range(layer.size):
                total = sum(e[i][h] for i in events)
                assert abs(total) <= 8191 * 4 < 2**15
                s = clamp(rs(self.es.sigma_h * total, 8), layer.l_pert)
                tick.append(self.direction * s)
            pert.append(tick)
        return pert

    def readout(self, count: list[int]) -> list[int]:
        e = self.noise[len(self.net.layers)]
        pert: list[int] = []
        for j in range(self.net.n_out):
            total = self.net.ticks * e[-1][j] + sum(n * e[h][j] for h, n in enumerate(count))
            s = clamp(rs(self.es.sigma_o * total, 8), 2**19)
            pert.append(self.direction * s)
        return pert


# ---- 8. Shaping: one signed byte a pair -------------------------------------------------------


class Shaped(NamedTuple):
    """The fitness differences of a generation (`batch`, `full`) or of a sample (`sample`)."""

    D: list[int]
    e: int
    f: list[int]  # the P bytes


def shape_batch(D: list[int]) -> Shaped:
    """`batch` and `full`."""
    assert all(abs(d) < 2**31 for d in D)
    top = max(abs(d) for d in D)
    e = 0
    while top >> e > 32767:
        e += 1
    scaled = [d >> e for d in D]
    mean = max(1, sum(abs(d) for d in scaled) // len(D))
    f: list[int] = []
    for d in scaled:
        sgn = (d > 0) - (d < 0)
        f.append(clamp(sgn * ((32 * abs(d) + mean // 2) // mean), 127))
    return Shaped(D, e, f)


def shape_sample(D: list[int]) -> Shaped:
    """`sample`, for each sample."""
    assert all(abs(d) < 2**18 for d in D)
    top = max(abs(d) for d in D)
    e = 0
    while top >> e > 127:
        e += 1
    assert e <= 12
    return Shaped(D, e, [clamp(rs(d, e), 127) for d in D])


# ---- 9. Update: stochastic rounding into int8 -------------------------------------------------

STEP_MAX = 28672


def rounding(seed: int, generation: int, m: int, i: int, j: int) -> int:
    """u(i, j)."""
    row = word(key(seed, generation, 0, m, Stream.ROUND_ROW, 0), i) >> 20
    col = word(key(seed, generation, 0, m, Stream.ROUND_COL, 0), j) >> 20
    return (row + col) % 4096


def apply(net: Net, m: int, seed: int, generation: int, steps: dict[int, list[int]]) -> None:
    """Add steps[i][j] to w[i][j] of matrix m. A row that is not in steps is skipped."""
    for i, row in steps.items():
        for j, step in enumerate(row):
            assert abs(step) <= STEP_MAX
            u = rounding(seed, generation, m, i, j)
            assert abs(step + u) <= INT16_MAX
            w = net.weights[m][i][j]
            net.weights[m][i][j] = clamp(w + ((step + u) >> 12), 127)


def check_rates(lr_h: Rate, lr_o: Rate, ln_min: int) -> None:
    for lm, ln in (lr_h, lr_o):
        assert 0 <= lm <= 127
        assert ln_min <= ln <= 30


def step_from_gradient(G: int, lr: Rate) -> int:
    """`batch` and `full`: the step of one weight."""
    lm, ln = lr
    assert abs(G) <= 127 * 65536 < 2**23
    assert abs(G * lm) < 2**30
    return clamp(rs(G * lm, ln), STEP_MAX)


def active_rows(net: NetConfig, m: int, samples: Sequence[Sample]) -> list[int]:
    """`batch`, `full`: the rows that an update visits. Matrix 0 skips inputs without an event."""
    n_pre = net.shapes[m][0] - 1
    if m > 0:
        return list(range(n_pre + 1))
    seen = {i for data, _ in samples for tick in decode(data, net.n_in, net.ticks) for i in tick}
    return [*sorted(seen), n_pre]


def credit(delta: int, lr: Rate, e: int, n_ticks: int) -> int:
    """`sample`: c[s][h], what one event adds to a step."""
    lm, ln = lr
    assert abs(delta) <= 127 * 256 <= INT16_MAX
    assert abs(delta * lm) < 2**22
    assert e - ln <= 8
    scaled = rs(delta * lm, ln - e) if ln >= e else delta * lm << (e - ln)
    assert abs(scaled) <= INT32_MAX
    return clamp(scaled, STEP_MAX // n_ticks)


# ---- Whole generations: sections 7 to 9 in a row ----------------------------------------------


class Centre(NamedTuple):
    """The unperturbed run of a sample: its cross-entropy (no penalty), and so on."""

    loss: int
    correct: bool
    spikes: int


def centre_of(run: Run, label: int) -> Centre:
    return Centre(cross_entropy(run.logits, label), argmax(run.logits) == label, run.spikes)


class BatchResult(NamedTuple):
    """Of `batch` and `full`."""

    shaped: Shaped
    centre: list[Centre]


class SampleResult(NamedTuple):
    """Of `sample`: one Shaped a sample."""

    shaped: list[Shaped]
    centre: list[Centre]


def generation_batch(
    net: Net,
    es: EsConfig,
    seed: int,
    generation: int,
    samples: Sequence[Sample],
    lr_h: Rate,
    lr_o: Rate,
) -> BatchResult:
    """Evaluate, shape, update: one generation of `batch`."""
    config = net.config
    assert es.estimator == "batch"
    assert 1 <= len(samples) <= MAX_SAMPLES
    es.check(config)
    check_rates(lr_h, lr_o, 0)
    D = [0] * es.pairs
    for p in range(es.pairs):
        for direction in (+1, -1):
            member = BatchMember(config, es, seed, generation, p, direction)
            for data, label in samples:
                D[p] += direction * fitness(es, forward(net, data, member), label)
    centre = [centre_of(forward(net, data), label) for data, label in samples]
    shaped = shape_batch(D)
    letters = [batch_signs(config, es, seed, generation, p) for p in range(es.pairs)]
    for m, (_, cols) in enumerate(config.shapes):
        lr = lr_o if m == config.readout_matrix else lr_h
        steps: dict[int, list[int]] = {}
        for i in active_rows(config, m, samples):
            steps[i] = []
            for j in range(cols):
                G = 0
                for f_p, (a, b) in zip(shaped.f, letters, strict=True):
                    G += f_p * sum(a[m][r][j] * b[m][r][i] for r in range(es.rank))
                steps[i].append(step_from_gradient(G, lr))
        apply(net, m, seed, generation, steps)
    return BatchResult(shaped, centre)


def generation_full(
    net: Net,
    es: EsConfig,
    seed: int,
    generation: int,
    samples: Sequence[Sample],
    lr_h: Rate,
    lr_o: Rate,
) -> BatchResult:
    """Evaluate, shape, update: one generation of `full`."""
    config = net.config
    assert es.estimator == "full"
    assert 1 <= len(samples) <= MAX_SAMPLES
    es.check(config)
    check_rates(lr_h, lr_o, 0)
    noises = [full_noise(config, seed, generation, p) for p in range(es.pairs)]
    D = [0] * es.pairs
    for p in range(es.pairs):
        for direction in (+1, -1):
            member = FullMember(config, es, noises[p], direction)
            for data, label in samples:
                D[p] += direction * fitness(es, forward(net, data, member), label)
    centre = [centre_of(forward(net, data), label) for data, label in samples]
    shaped = shape_batch(D)
    for m, (_, cols) in enumerate(config.shapes):
        lr = lr_o if m == config.readout_matrix else lr_h
        steps: dict[int, list[int]] = {}
        for i in active_rows(config, m, samples):
            steps[i] = []
            for j in range(cols):
                G = sum(f_p * e[m][i][j] for f_p, e in zip(shaped.f, noises, strict=True))
                steps[i].append(step_from_gradient(G, lr))
        apply(net, m, seed, generation, steps)
    return BatchResult(shaped, centre)


def generation_sample(
    net: Net,
    es: EsConfig,
    seed: int,
    generation: int,
    samples: Sequence[Sample],
    lr_h: Rate,
    lr_o: Rate,
) -> SampleResult:
    """Evaluate, shape, update: one generation of `sample`. Online is a generation of one sample."""
    config = net.config
    assert es.estimator == "sample"
    assert 1 <= len(samples) <= MAX_SAMPLES
    es.check(config)
    check_rates(lr_h, lr_o, 4)
    shaped: list[Shaped] = []
    centre: list[Centre] = []
    # The sum of g over the samples: sums[m][i][j]. Rows without an event never appear.
    sums: list[dict[int, list[int]]] = [{} for _ in config.shapes]
    for pos, (data, label) in enumerate(samples):
        letters = [sample_signs(config, es, seed, generation, pos, p) for p in range(es.pairs)]
        D: list[int] = []
        for pair in letters:
            plus = fitness(es, forward(net, data, SampleMember(config, es, pair, +1)), label)
            minus = fitness(es, forward(net, data, SampleMember(config, es, pair, -1)), label)
            D.append(plus - minus)
        shaped.append(shape_sample(D))
        run = forward(net, data)
        centre.append(centre_of(run, label))
        gradients = sample_gradients(config, es, data, run, letters, shaped[-1], lr_h, lr_o)
        for m, g in enumerate(gradients):
            for i, row in g.items():
                old = sums[m].get(i, [0] * len(row))
                sums[m][i] = [x + y for x, y in zip(old, row, strict=True)]
    for m, rows in enumerate(sums):
        steps = {i: [clamp(x, STEP_MAX) for x in row] for i, row in rows.items()}
        apply(net, m, seed, generation, steps)
    return SampleResult(shaped, centre)


def sample_gradients(
    config: NetConfig,
    es: EsConfig,
    data: bytes,
    run: Run,
    letters: list[SampleLetters],
    shaped: Shaped,
    lr_h: Rate,
    lr_o: Rate,
) -> list[dict[int, list[int]]]:
    """g[i][h] of every matrix for one sample; rows without an event are left out."""
    T, S = config.ticks, es.segments
    gradients: list[dict[int, list[int]]] = []
    for m, layer in enumerate(config.layers):
        # c[s][h]
        c: Matrix = []
        for s in range(S):
            c.append([])
            for h in range(layer.size):
                pairs = zip(shaped.f, letters, strict=True)
                delta = sum(f_p * pair.z[m][s] * pair.a[m][h] for f_p, pair in pairs)
                c[s].append(credit(delta, lr_h, shaped.e, T))
        # n[i][s]: presynaptic events, from the unperturbed run for m >= 1
        x = decode(data, config.n_in, T) if m == 0 else run.trains[m - 1]
        n: dict[int, list[int]] = {}
        for t, events in enumerate(with_bias(x, config.shapes[m][0] - 1)):
            for i in events:
                n.setdefault(i, [0] * S)[segment(t, S, T)] += 1
        g: dict[int, list[int]] = {}
        for i, n_i in n.items():
            g[i] = [sum(n_i[s] * c[s][h] for s in range(S)) for h in range(layer.size)]
            assert all(abs(x) <= STEP_MAX for x in g[i])
        gradients.append(g)
    if config.readout == "integrate":
        c_out: list[int] = []
        for j in range(config.n_out):
            delta = sum(f_p * pair.b[j] for f_p, pair in zip(shaped.f, letters, strict=True))
            c_out.append(credit(delta, lr_o, shaped.e, T))
        count = [*run.counts[-1], T]  # the bias: T
        g = {h: [n_h * c_j for c_j in c_out] for h, n_h in enumerate(count) if n_h > 0}
        assert all(abs(x) <= STEP_MAX for row in g.values() for x in row)
        gradients.append(g)
    return gradients


# ---- 10. Order of samples ---------------------------------------------------------------------


def epoch_order(seed: int, epoch: int, n: int) -> list[int]:
    k = key(seed, epoch, 0, 0, Stream.SHUFFLE, 0)
    return sorted(range(n), key=lambda i: (word(k, i), i))


def generation_indices(seed: int, generation: int, n: int, batch: int) -> list[int]:
    """The samples of a generation, in order; generations are numbered from 0 through all epochs."""
    batch = min(batch, n)
    epoch, place = divmod(generation, n // batch)
    return epoch_order(seed, epoch, n)[place * batch : (place + 1) * batch]
