/* Online learning from a stream of recordings, with the C core alone: C99, integers, no library.
 *
 * A made-up touch sensor has 32 inputs in four zones. In each of 12 ticks an input of the touched zone has an event
 * with probability 1/4, and any other input has one by accident with probability 1/12. The network learns to name the
 * zone. It sees each recording once, learns from it at once, and keeps nothing of it.
 *
 * docs/tutorials/a-net-in-c.md builds, runs and explains this file. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/egg_rng.h"
#include "base/egg_stream.h"
#include "estimators/egg_sweep.h"

enum { INPUTS = 32, ZONES = 4, TICKS = 12, NEURONS = 16, RECORDINGS = 1500, REPORT = 250 };

/* Ends the program with the reason in English. On a microcontroller this would be the fault handler. */
static void check(egg_status status) {
    if (status == EGG_OK) return;
    fprintf(stderr, "online: %s\n", egg_status_text(status));
    exit(1);
}

/* 1. The sensor: writes recording number n as a stream, and returns its label, the touched zone. */
static uint32_t sense(uint32_t n, uint8_t *stream) {
    uint8_t spikes[TICKS * INPUTS];
    egg_key key = egg_rng_key(7, n, 0, 0, 255, 0);
    uint32_t zone = egg_rng_word(key, TICKS * INPUTS) % ZONES;
    for (uint32_t k = 0; k < TICKS * INPUTS; k++) {
        bool touched = k % INPUTS / (INPUTS / ZONES) == zone;
        spikes[k] = egg_rng_word(key, k) % (touched ? 4u : 12u) == 0;
    }
    egg_stream_encode(spikes, TICKS, INPUTS, stream);
    return zone;
}

int main(void) {
    /* 2. Describe the network and the estimator. */
    egg_net_config net_config = {
        .inputs = INPUTS,
        .outputs = ZONES,
        .ticks = TICKS,
        .layers = 1,
        .readout = EGG_READOUT_INTEGRATE,
        .gain = 6,
        .layer = {{.size = NEURONS, .threshold = 120, .leak_shift = 1}},
    };
    egg_estimator_config estimator = {.estimator = EGG_ESTIMATOR_SWEEP, .pairs = 1, .rank = 1, .segments = 3};
    check(egg_net_check(&net_config));
    check(egg_estimator_check(&net_config, &estimator));

    /* 3. Hand over the memory: the core allocates nothing. */
    size_t weight_bytes = egg_net_bytes(&net_config);
    size_t work_bytes = egg_workspace_bytes(&net_config, &estimator);
    int8_t *weights = malloc(weight_bytes);
    void *work = malloc(work_bytes);
    uint8_t *stream = malloc(egg_stream_bytes(TICKS, INPUTS));
    if (weights == NULL || work == NULL || stream == NULL) return 1;

    egg_net net;
    egg_workspace workspace;
    check(egg_net_init(&net, &net_config, weights, weight_bytes));
    check(egg_workspace_init(&workspace, &net_config, &estimator, work, work_bytes));
    egg_net_randomize(&net, 1, 24, 12); /* seed; standard deviations of the hidden and of the readout weights */

    /* 4. Choose the sizes of the perturbation and of the updates. */
    egg_generation generation = {
        .net = &net,
        .es = estimator,
        .seed = 1,
        .sigma = {.hidden = 60},                   /* in units of weights */
        .learning_rate_hidden = {.m = 80, .n = 7}, /* m * 2^-n, in 1/4096 weight units */
        .learning_rate_readout = {.m = 64, .n = 8},
    };
    check(egg_generation_check(&generation));

    /* 5. Learn: a recording arrives, is learned, and is gone. */
    uint32_t right = 0;
    for (uint32_t n = 0; n < RECORDINGS; n++) {
        uint32_t label = sense(n, stream);
        egg_result result = egg_sweep_evaluate(&generation, &workspace, stream, label);
        egg_sample_update_online(&generation, &workspace, stream);
        generation.generation++;

        right += result.predicted == label; /* the answer from before this recording was learned */
        if ((n + 1) % REPORT == 0) {
            printf("recordings %4u to %4u: %5.1f %% right\n", n + 2 - REPORT, n + 1, 100.0 * right / REPORT);
            right = 0;
        }
    }

    /* 6. Report what it took. */
    printf("%u bytes of weights, %u bytes of working memory\n", (unsigned)weight_bytes, (unsigned)work_bytes);
    free(weights);
    free(work);
    free(stream);
    return 0;
}
