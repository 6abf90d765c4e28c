"""EGGROLL-Edge in plain Python integers: the reference model.

It is written from runtime_c/SPEC.md alone, with the section numbers of that page, so that it can be
checked against the page line by line. It shares no code with eggroll_edge. The C core must give
the same bits. The model is slow on purpose: every bound of the page is an assert here, so that
running the model also tests the proofs.

    net = Net(NetConfig(20, 10, (LayerConfig(12, 256, 3, 0),), "integrate", 4, 4))
    net.init_weights(seed=1, std_hidden=32, std_readout=32)
    es = EsConfig("sample", pairs=16, segments=3, sigma_h=64, sigma_o=1024)
    result = generation_sample(net, es, 1, 0, [(stream, label)], lr_h=(64, 20), lr_o=(64, 20))
"""

from tests.reference.batch import BatchMember, BatchSigns, batch_signs
from tests.reference.config import EsConfig, LayerConfig, NetConfig
from tests.reference.eprop import eprop, slopes
from tests.reference.fitness import LIMIT_F, argmax, cross_entropy, exp2_neg, fitness, log2
from tests.reference.forward import (
    UNPERTURBED,
    Member,
    Run,
    base_currents,
    forward,
    input_counts,
    lif,
    readout_counts,
    segment,
)
from tests.reference.full import FullMember, full_noise
from tests.reference.generation import (
    BatchResult,
    Centre,
    SampleResult,
    SweepResult,
    generation_batch,
    generation_credit,
    generation_full,
    generation_sample,
)
from tests.reference.integers import INT16_MAX, INT32_MAX, Events, Matrix, clamp, rs
from tests.reference.net import Net
from tests.reference.noise import MASK, Key, Noise, key, mix, sign, signs, word
from tests.reference.order import epoch_order, generation_indices
from tests.reference.sample import SampleMember, SampleSigns, sample_signs
from tests.reference.shape import Shape
from tests.reference.shaping import Shaped, shape_batch, shape_sample
from tests.reference.shift import moved, offsets, shifted
from tests.reference.stream import check, decode, encode
from tests.reference.sweep import (
    Sweep,
    logit_gains,
    per_current,
    softmax,
    sweep,
    sweep_credit,
    sweep_gradients,
)
from tests.reference.update import (
    STEP_MAX,
    LearningRate,
    Recording,
    active_rows,
    apply,
    credit,
    rounding,
    step_from_gradient,
)
from tests.reference.wiring import Wiring, readout_row, wiring

__all__ = [
    "INT16_MAX",
    "INT32_MAX",
    "LIMIT_F",
    "MASK",
    "STEP_MAX",
    "UNPERTURBED",
    "BatchMember",
    "BatchResult",
    "BatchSigns",
    "Centre",
    "EsConfig",
    "Events",
    "FullMember",
    "Key",
    "LayerConfig",
    "LearningRate",
    "Matrix",
    "Member",
    "Net",
    "NetConfig",
    "Noise",
    "Recording",
    "Run",
    "SampleMember",
    "SampleResult",
    "SampleSigns",
    "Shape",
    "Shaped",
    "Sweep",
    "SweepResult",
    "Wiring",
    "active_rows",
    "apply",
    "argmax",
    "base_currents",
    "batch_signs",
    "check",
    "clamp",
    "credit",
    "cross_entropy",
    "decode",
    "encode",
    "epoch_order",
    "eprop",
    "exp2_neg",
    "fitness",
    "forward",
    "full_noise",
    "generation_batch",
    "generation_credit",
    "generation_full",
    "generation_indices",
    "generation_sample",
    "input_counts",
    "key",
    "lif",
    "log2",
    "logit_gains",
    "mix",
    "moved",
    "offsets",
    "per_current",
    "readout_counts",
    "readout_row",
    "rounding",
    "rs",
    "sample_signs",
    "segment",
    "shape_batch",
    "shape_sample",
    "shifted",
    "sign",
    "signs",
    "slopes",
    "softmax",
    "step_from_gradient",
    "sweep",
    "sweep_credit",
    "sweep_gradients",
    "wiring",
    "word",
]
