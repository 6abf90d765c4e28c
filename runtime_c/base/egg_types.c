#include "base/egg_types.h"

const char *egg_status_text(egg_status status) {
    static const char *const text[EGG_STATUS_COUNT] = {
        "ok",
        "inputs must be 1..32766 (convolution: 1..65535), and channels * rows * columns; a shift 0..3, and needs these",
        "LIF layers must be 0..4",
        "a layer must have 1..1024 neurons",
        "outputs must be 2..64, and equal the last layer's size with the spike-count readout",
        "ticks must be 1..32",
        "threshold must be 1..16383, leak shift 1..8, refractory ticks 0..15",
        "readout must be integrate or spikes, gain 0..8 (spikes: 0..12); without a LIF layer integrate",
        "estimator must be batch or sample",
        "pairs must be 1..8192 (batch, full) or 1..256 (sample)",
        "rank must be 1..16, and pairs * rank at most 65536",
        "segments must be 1..8 and at most the ticks (eprop: the ticks)",
        "fitness must be xent or accuracy, penalty 0..4095, learn_above 0..16383",
        "sigma is over 32767 (full: 16383, readout 16367), or in sample over a fourth of a layer's current limit",
        "a learning rate must have lm 0..127 and ln 0..30 (sample: 4..30)",
        "the buffer is too small, or not aligned to 4 bytes",
        "a recording's stream is torn, or names an input beyond the net's",
        "a label is not below the number of outputs",
        "unknown command",
        "wrong payload length for this command",
        "the frame is longer than the device accepts",
        "the device speaks another version of the protocol",
        "no HELLO has arrived since the device started",
        "an earlier frame is missing",
        "the command does not fit the device's state: CONFIG comes first, then GENERATION, then SAMPLE",
        "an offset, count, position, weight or baud rate is out of range",
        "the device has no checkpoint store, button or selftest, or its baud rate is fixed",
        "the checkpoint store holds no whole checkpoint",
        "the checkpoint store cannot be read or written, or the checkpoint does not fit into it",
        "a convolution, the shape of the inputs or the readout pool is out of range, or does not fit the layer below",
    };
    return (unsigned)status < EGG_STATUS_COUNT ? text[status] : "unknown status";
}
