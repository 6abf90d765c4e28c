/* Unit tests of the core in C: contracts that the vectors do not reach. Prints "N passed, M failed"; exit code 0 if
 * none failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/egg_bytes.h"
#include "base/egg_loss.h"
#include "base/egg_math_private.h"
#include "base/egg_rng.h"
#include "base/egg_stream.h"
#include "estimators/egg_estimator.h"
#include "kernels/egg_kernel_private.h"

static int passed, failed;

#define CHECK(condition)                                                   \
    do {                                                                   \
        if (condition) {                                                   \
            passed++;                                                      \
        } else {                                                           \
            failed++;                                                      \
            printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                  \
    } while (0)

static egg_net_config small_net(void) {
    egg_net_config c;
    memset(&c, 0, sizeof c);
    c.inputs = 20;
    c.outputs = 4;
    c.ticks = 5;
    c.layers = 1;
    c.gain = 6;
    c.layer[0].size = 7;
    c.layer[0].threshold = 100;
    c.layer[0].leak_shift = 1;
    return c;
}

static egg_estimator_config small_es(uint8_t estimator) {
    egg_estimator_config es;
    memset(&es, 0, sizeof es);
    es.estimator = estimator;
    es.pairs = 8;
    es.rank = 1;
    es.segments = estimator == EGG_ESTIMATOR_EPROP ? (uint8_t)small_net().ticks : 2;
    return es;
}

/* Every field that is one step out of its range is refused with the status of that field. */
static void configs(void) {
    egg_net_config c = small_net(), bad;
    CHECK(egg_net_check(&c) == EGG_OK);
#define REFUSES(assignment, status)             \
    do {                                        \
        bad = c;                                \
        bad.assignment;                         \
        CHECK(egg_net_check(&bad) == (status)); \
    } while (0)
    REFUSES(inputs = 0, EGG_E_INPUTS);
    REFUSES(inputs = EGG_INPUTS_MAX + 1, EGG_E_INPUTS);
    REFUSES(outputs = 1, EGG_E_OUTPUTS);
    REFUSES(outputs = EGG_OUTPUTS_MAX + 1, EGG_E_OUTPUTS);
    REFUSES(ticks = 0, EGG_E_TICKS);
    REFUSES(ticks = EGG_TICKS_MAX + 1, EGG_E_TICKS);
    REFUSES(layers = 0, EGG_E_SEGMENTS); /* without input segments */
    REFUSES(layers = EGG_LAYERS_MAX + 1, EGG_E_LAYERS);
    REFUSES(readout = 2, EGG_E_READOUT);
    REFUSES(gain = EGG_GAIN_MAX + 1, EGG_E_READOUT);
    REFUSES(readout = EGG_READOUT_SPIKES, EGG_E_OUTPUTS); /* 7 neurons, 4 outputs */
    REFUSES(layer[0].size = 0, EGG_E_SIZE);
    REFUSES(layer[0].size = EGG_NEURONS_MAX + 1, EGG_E_SIZE);
    REFUSES(layer[0].threshold = 0, EGG_E_LIF);
    REFUSES(layer[0].threshold = EGG_THRESHOLD_MAX + 1, EGG_E_LIF);
    REFUSES(layer[0].leak_shift = 0, EGG_E_LIF);
    REFUSES(layer[0].leak_shift = EGG_LEAK_SHIFT_MAX + 1, EGG_E_LIF);
    REFUSES(layer[0].refractory = EGG_REFRACTORY_MAX + 1, EGG_E_LIF);
    c.layers = 0, c.input_segments = c.ticks;
    CHECK(egg_net_check(&c) == EGG_OK);
    REFUSES(input_segments = c.ticks + 1u, EGG_E_SEGMENTS);
    REFUSES(readout = EGG_READOUT_SPIKES, EGG_E_READOUT);
    for (uint8_t estimator = EGG_ESTIMATOR_BATCH; estimator <= EGG_ESTIMATOR_EPROP; estimator++) {
        egg_estimator_config es = small_es(estimator);
        CHECK(egg_estimator_check(&c, &es) == (estimator == EGG_ESTIMATOR_SWEEP ? EGG_OK : EGG_E_ESTIMATOR));
    }
    c = small_net();
#undef REFUSES
    for (uint8_t estimator = EGG_ESTIMATOR_BATCH; estimator <= EGG_ESTIMATOR_EPROP; estimator++) {
        egg_estimator_config es = small_es(estimator), worse;
        CHECK(egg_estimator_check(&c, &es) == EGG_OK);
#define REFUSES(assignment, status)                         \
    do {                                                    \
        worse = es;                                         \
        worse.assignment;                                   \
        CHECK(egg_estimator_check(&c, &worse) == (status)); \
    } while (0)
        REFUSES(estimator = EGG_ESTIMATOR_EPROP + 1, EGG_E_ESTIMATOR);
        REFUSES(pairs = 0, EGG_E_PAIRS);
        REFUSES(pairs = (uint16_t)((estimator == EGG_ESTIMATOR_SAMPLE ? EGG_SAMPLE_PAIRS_MAX : EGG_PAIRS_MAX) + 1u),
                EGG_E_PAIRS);
        REFUSES(fitness = 2, EGG_E_FITNESS);
        REFUSES(penalty = EGG_PENALTY_MAX + 1, EGG_E_FITNESS);
        REFUSES(learn_above = EGG_LEARN_ABOVE_MAX + 1, EGG_E_FITNESS);
        if (estimator == EGG_ESTIMATOR_BATCH) REFUSES(rank = 0, EGG_E_RANK);
        if (estimator == EGG_ESTIMATOR_BATCH) REFUSES(rank = EGG_RANK_MAX + 1, EGG_E_RANK);
        if (estimator == EGG_ESTIMATOR_EPROP) REFUSES(segments--, EGG_E_SEGMENTS); /* one for each tick */
        if (estimator != EGG_ESTIMATOR_SAMPLE && estimator != EGG_ESTIMATOR_SWEEP) continue;
        REFUSES(segments = 0, EGG_E_SEGMENTS);
        REFUSES(segments = 6, EGG_E_SEGMENTS);
#undef REFUSES
    }
    for (int s = 0; s <= EGG_STATUS_COUNT; s++) CHECK(strlen(egg_status_text((egg_status)s)) > 0);
}

static void memory(void) {
    egg_net_config c = small_net();
    egg_estimator_config es = small_es(EGG_ESTIMATOR_SAMPLE);
    size_t weights = egg_net_bytes(&c), bytes = egg_workspace_bytes(&c, &es);
    CHECK(weights == 21 * 7 + 8 * 4);
    CHECK(bytes > egg_workspace_bytes(&c, NULL));
    int8_t w[256];
    uint32_t *buffer = malloc(bytes + 4);
    egg_net net;
    egg_workspace ws;
    CHECK(egg_net_init(&net, &c, w, weights) == EGG_OK);
    CHECK(egg_net_init(&net, &c, w, weights - 1) == EGG_E_MEMORY);
    CHECK(egg_net_init(&net, &c, NULL, weights) == EGG_E_MEMORY);
    CHECK(egg_workspace_init(&ws, &c, &es, buffer, bytes) == EGG_OK);
    CHECK(egg_workspace_init(&ws, &c, &es, buffer, bytes - 1) == EGG_E_MEMORY);
    CHECK(egg_workspace_init(&ws, &c, &es, (uint8_t *)buffer + 2, bytes) == EGG_E_MEMORY);

    egg_generation gen;
    memset(&gen, 0, sizeof gen);
    gen.net = &net;
    gen.es = es;
    gen.learning_rate_hidden.n = gen.learning_rate_readout.n = 12;
    CHECK(egg_generation_check(&gen) == EGG_OK);
    gen.learning_rate_hidden.n = 3;
    CHECK(egg_generation_check(&gen) == EGG_E_RATE);
    gen.learning_rate_hidden.n = 31;
    CHECK(egg_generation_check(&gen) == EGG_E_RATE);
    gen.learning_rate_hidden.n = 12;
    gen.sigma.hidden = (uint16_t)(egg_forward_perturbation_limit(&c.layer[0]) + 1);
    CHECK(egg_generation_check(&gen) == EGG_E_SIGMA);
    gen.es = small_es(EGG_ESTIMATOR_SWEEP); /* the same limit of sigma, but any learning rate */
    CHECK(egg_generation_check(&gen) == EGG_E_SIGMA);
    gen.sigma.hidden--;
    gen.learning_rate_hidden.n = 0;
    CHECK(egg_generation_check(&gen) == EGG_OK);
    free(buffer);
}

static void streams(void) {
    static const uint8_t good[] = {1, 5, 0, 255, 2, 0, 0}; /* 300 inputs: events 0, 5 | 255 | none */
    CHECK(egg_stream_check(good, sizeof good, 3, 300) == EGG_OK);
    CHECK(egg_stream_check(good, sizeof good, 3, 256) == EGG_OK);
    CHECK(egg_stream_check(good, sizeof good, 3, 255) == EGG_E_STREAM); /* event 255 of 255 inputs */
    CHECK(egg_stream_check(good, sizeof good, 2, 300) == EGG_E_STREAM); /* bytes behind the last tick */
    CHECK(egg_stream_check(good, sizeof good, 4, 300) == EGG_E_STREAM); /* a tick is missing */
    CHECK(egg_stream_check(good, sizeof good - 2, 3, 300) == EGG_E_STREAM);
    CHECK(egg_stream_check(good, 0, 1, 300) == EGG_E_STREAM);

    uint8_t spikes[3][600], again[3][600];
    uint8_t stream[3 * (600 + 600 / 254 + 1)];
    memset(spikes, 0, sizeof spikes);
    memset(again, 0, sizeof again);
    spikes[0][0] = spikes[0][253] = spikes[0][254] = spikes[1][599] = 1;
    memset(spikes[2], 1, sizeof spikes[2]);
    size_t n = egg_stream_encode(spikes[0], 3, 600, stream);
    CHECK(n <= egg_stream_bytes(3, 600) && sizeof stream == egg_stream_bytes(3, 600));
    CHECK(egg_stream_check(stream, n, 3, 600) == EGG_OK);
    const uint8_t *p = stream;
    for (int t = 0; t < 3; t++)
        for (int32_t index = -1; egg_stream_next(&p, &index) >= 0;) again[t][index] = 1;
    CHECK(p == stream + n && memcmp(spikes, again, sizeof spikes) == 0);
}

static void numbers(void) {
    CHECK(egg_crc32(0, "123456789", 9) == 0xCBF43926u); /* the published check value of this CRC */
    CHECK(egg_crc32(egg_crc32(0, "1234", 4), "56789", 5) == 0xCBF43926u);
    CHECK(egg_sigma_of_rank(512, 1) == 512 && egg_sigma_of_rank(512, 4) == 256 && egg_sigma_of_rank(512, 2) == 362);
    CHECK(egg_sigma_of_rank(32767, 1) == 32767 && egg_sigma_of_rank(0, 16) == 0);
    static const int32_t even[4] = {7, 7, 7, 7}, far[2] = {-2147483647, 2147483647};
    CHECK(egg_loss_xent(even, 4, 3) == 2 * 4096 && egg_loss_argmax(even, 4) == 0);
    CHECK(egg_loss_xent(far, 2, 1) == 0 && egg_loss_xent(far, 2, 0) == EGG_LOSS_MAX);
    static const int32_t fitness_diff[4] = {-400, 100, 0, 100000000};
    int8_t fitness_bytes[4];
    egg_shape_fitness(fitness_diff, 4, fitness_bytes);
    CHECK(fitness_bytes[0] == 0 && fitness_bytes[2] == 0 && fitness_bytes[3] == 127);
    static const int32_t none[2] = {0, 0};
    egg_shape_fitness(none, 2, fitness_bytes);
    CHECK(fitness_bytes[0] == 0 && fitness_bytes[1] == 0);
}

/* The byte fields, and the walk over segments that spares small cores a division. */
static void fields_and_segments(void) {
    uint8_t bytes[7] = {0};
    uint8_t *end = egg_put16(egg_put32(bytes + 1, 0x89ABCDEFu), 0x12345u); /* of an odd address, and too large */
    CHECK(end == bytes + 7 && bytes[0] == 0 && bytes[1] == 0xEF && bytes[4] == 0x89);
    CHECK(egg_get32(bytes + 1) == 0x89ABCDEFu && egg_get16(bytes + 5) == 0x2345u);
    uint32_t alike = 1;
    for (uint32_t ticks = 1; ticks <= EGG_TICKS_MAX; ticks++)
        for (uint32_t segments = 1; segments <= EGG_SEGMENTS_MAX && segments <= ticks; segments++) {
            egg_segment_walk walk = {0, 0};
            for (uint32_t t = 0; t < ticks; t++, egg_segment_next(&walk, segments, ticks))
                alike &= walk.segment == egg_segment_of(t, segments, ticks);
        }
    CHECK(alike);
    for (uint32_t level = 0; level < egg_kernel_levels(); level++)
        if (egg_kernel_level(level) != NULL) CHECK(egg_kernel_level_of(egg_kernel_level(level)) == level);
}

/* Every level of kernels that this machine can run agrees with the portable one on random nets. */
static void levels(void) {
    for (uint32_t level = 1; level < egg_kernel_levels(); level++) {
        if (egg_kernel_level(level) == NULL) continue;
        for (uint32_t round = 0; round < 24; round++) {
            uint32_t digest[2];
            for (uint32_t side = 0; side < 2; side++) {
                egg_key key = egg_rng_key(round, 0, 0, 0, EGG_NOISE_SHUFFLE, 0);
                egg_net_config c = small_net();
                egg_estimator_config es = small_es(round % 2 ? EGG_ESTIMATOR_SAMPLE : EGG_ESTIMATOR_BATCH);
                c.layers = (uint8_t)(1 + round % 3);
                es.penalty = 9;
                c.inputs = (uint16_t)(1 + egg_rng_word(key, 0) % 700);
                for (uint32_t l = 0; l < c.layers; l++) {
                    c.layer[l] = c.layer[0];
                    c.layer[l].size = (uint16_t)(1 + egg_rng_word(key, 1 + l) % 150);
                    c.layer[l].refractory = (uint8_t)(round % 5 == 0);
                }
                es.rank = (uint8_t)(1 + round % 3);
                es.pairs = (uint16_t)(1 + egg_rng_word(key, 5) % 70);
                size_t weights = egg_net_bytes(&c), bytes = egg_workspace_bytes(&c, &es);
                int8_t *w = malloc(weights);
                void *scratch = malloc(bytes);
                uint8_t *spikes = malloc((size_t)c.ticks * c.inputs),
                        *stream = malloc(egg_stream_bytes(c.ticks, c.inputs));
                int32_t *fitness_diff = calloc(es.pairs, sizeof *fitness_diff);
                int8_t *fitness_bytes = malloc(es.pairs);
                uint8_t *active = calloc((c.inputs + 8u) / 8u, 1);
                egg_net net;
                egg_workspace ws;
                CHECK(egg_net_init(&net, &c, w, weights) == EGG_OK);
                CHECK(egg_workspace_init(&ws, &c, &es, scratch, bytes) == EGG_OK);
                ws.kernels = egg_kernel_level(side == 0 ? 0 : level);
                egg_net_randomize(&net, round, 30, 30);
                for (uint32_t i = 0; i < (uint32_t)c.ticks * c.inputs; i++)
                    spikes[i] = egg_rng_word(key, 100 + i) % 3 == 0;
                egg_stream_encode(spikes, c.ticks, c.inputs, stream);
                egg_generation gen = {&net, es, round, round, {700, 700}, {100, 12}, {100, 12}, NULL};
                if (es.estimator == EGG_ESTIMATOR_BATCH) {
                    gen.learning_rate_hidden.n = gen.learning_rate_readout.n = 2;
                    egg_batch_evaluate(&gen, &ws, stream, 1, fitness_diff);
                    egg_batch_mark(&c, stream, active);
                    egg_shape_fitness(fitness_diff, es.pairs, fitness_bytes);
                    egg_batch_update(&gen, &ws, fitness_bytes, active);
                } else {
                    uint8_t exponent;
                    egg_sample_evaluate(&gen, &ws, 0, stream, 1, fitness_bytes, &exponent);
                    egg_sample_credit(&gen, &ws, 0, fitness_bytes, exponent);
                    egg_sample_update_online(&gen, &ws, stream);
                }
                digest[side] = egg_crc32(egg_net_digest(&net), fitness_bytes, es.pairs);
                free(w);
                free(scratch);
                free(spikes);
                free(stream);
                free(fitness_diff);
                free(fitness_bytes);
                free(active);
            }
            CHECK(digest[0] == digest[1]);
        }
    }
}

/* Both members of a pair at once (egg_pair.c) give the same as each member alone, for nets that can run so and for nets
 * that cannot: all leak shifts, odd thresholds, currents up to the limit, silent and busy neurons. */
static void pairs(void) {
    for (uint32_t round = 0; round < 160; round++) {
        egg_key key = egg_rng_key(round, 1, 0, 0, EGG_NOISE_SHUFFLE, 0);
        egg_net_config c = small_net();
        egg_estimator_config es = small_es(EGG_ESTIMATOR_BATCH);
        c.inputs = (uint16_t)(1 + egg_rng_word(key, 0) % 300);
        c.ticks = (uint8_t)(1 + egg_rng_word(key, 1) % 32);
        c.layer[0].size = (uint16_t)(1 + egg_rng_word(key, 2) % 40);
        c.layer[0].leak_shift = (uint8_t)(round % 2 ? 1 : 1 + egg_rng_word(key, 3) % 8);
        c.layer[0].threshold = (uint16_t)(1 + (egg_rng_word(key, 4) >> (16 + round % 8)) % 16383);
        if (round % 4 == 1) c.layer[0].threshold &= 0xFFFE;
        if (c.layer[0].threshold == 0) c.layer[0].threshold = 2;
        c.layer[0].refractory = round % 16 == 0;
        es.rank = (uint8_t)(1 + round % 3);
        es.pairs = (uint16_t)(1 + egg_rng_word(key, 5) % 40);
        es.penalty = (uint16_t)(round % 5);
        size_t weights = egg_net_bytes(&c), bytes = egg_workspace_bytes(&c, &es);
        int8_t *w = malloc(weights);
        void *scratch = malloc(bytes);
        uint8_t *spikes = malloc((size_t)c.ticks * c.inputs), *stream = malloc(egg_stream_bytes(c.ticks, c.inputs));
        int32_t *fitness_diff = calloc(es.pairs, sizeof *fitness_diff);
        egg_net net;
        egg_workspace ws;
        CHECK(egg_net_init(&net, &c, w, weights) == EGG_OK);
        CHECK(egg_workspace_init(&ws, &c, &es, scratch, bytes) == EGG_OK);
        egg_net_randomize(&net, round, 20 + round % 45, 30);
        uint32_t rare = 1 + round % 9;
        for (uint32_t i = 0; i < (uint32_t)c.ticks * c.inputs; i++) spikes[i] = egg_rng_word(key, 100 + i) % rare == 0;
        egg_stream_encode(spikes, c.ticks, c.inputs, stream);
        egg_generation gen = {&net, es, round, round, {(uint16_t)(3000 >> round % 6), 700}, {100, 2}, {100, 2}, NULL};
        CHECK(egg_generation_check(&gen) == EGG_OK);
        egg_result result = egg_batch_evaluate(&gen, &ws, stream, 1, fitness_diff);
        int32_t logit = ws.logits[0];
        int16_t count = ws.count[0];
        uint32_t alike = 1;
        for (uint32_t p = 0; p < es.pairs; p++) {
            int32_t fitness[2];
            for (int32_t i = 0; i < 2; i++) {
                uint32_t total = 0;
                egg_batch_member(&gen, &ws, stream, p, 1 - 2 * i);
                for (uint32_t h = 0; h < c.layer[0].size; h++) total += (uint16_t)ws.count[h];
                fitness[i] = egg_forward_fitness(&net, &es, &ws, total, 1);
            }
            alike &= fitness_diff[p] == fitness[0] - fitness[1];
        }
        CHECK(alike);
        uint32_t total = egg_run(&net, &ws, stream);
        CHECK(total == result.spikes && logit == ws.logits[0] && count == ws.count[0]);
        free(w);
        free(scratch);
        free(spikes);
        free(stream);
        free(fitness_diff);
    }
}

int main(void) {
    configs();
    memory();
    streams();
    numbers();
    fields_and_segments();
    levels();
    pairs();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
