/* Any bytes may arrive on the line, and the session must never read or write outside its memory. There are two ways to
 * run this fuzz target: with the main() of libFuzzer (-DEGG_LIBFUZZER, clang -fsanitize=fuzzer,address,undefined), or
 * with the main() below, which makes up inputs: fuzz_link SEED COUNT.
 *
 * An input is a list of frames (length u8, type u8, payload), which are sent undamaged and in sequence. Length 255
 * means that the bytes up to the next 255 go onto the line as they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/egg_host_board.h"

enum { ARENA = 6000, FLASH = 8192 };

static egg_host_board board;

static void feed(void *user, const uint8_t *bytes, size_t n) {
    (void)user;
    egg_session_receive(&board.session, bytes, n);
    board.out_bytes = 0;
}

static void frame(uint8_t type, uint8_t sequence, const uint8_t *payload, size_t n) {
    uint8_t bytes[EGG_FRAME_MAX] = {type, sequence};
    memcpy(bytes + EGG_FRAME_HEAD, payload, n);
    egg_frame_send(feed, NULL, bytes, egg_frame_seal(bytes, EGG_FRAME_HEAD + n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t out[4096], nonce;
    const uint8_t hello[5] = {++nonce, 1, 0, 0, EGG_PROTOCOL_VERSION};
    uint8_t sequence = 0, *flash = malloc(FLASH);
    uint32_t *arena = malloc(ARENA); /* allocated, so that the sanitizer guards its ends */
    memset(&board, 0, sizeof board);
    memset(flash, 0xFF, FLASH);
    memset(arena, 0x5A, ARENA);
    board.out = out;
    board.out_max = sizeof out;
    board.flash = (egg_flash){flash, FLASH, 512, 4, UINT32_MAX, 0, 1, 0};
    if (egg_host_board_init(&board, "fuzz", 512, arena, ARENA) != EGG_OK) abort();
    frame(EGG_CMD_HELLO, sequence++, hello, sizeof hello);
    for (size_t i = 0; i < size;) {
        uint8_t length = data[i++];
        size_t left = size - i;
        if (length == 255) {
            const uint8_t *end = memchr(data + i, 255, left);
            size_t n = end == NULL ? left : (size_t)(end - (data + i));
            feed(NULL, data + i, n);
            feed(NULL, (const uint8_t *)"", 1);
            i += n;
        } else if (left > 0) {
            size_t n = length < left ? length : left - 1u;
            frame(data[i], board.session.expected, data + i + 1, n);
            i += n + 1;
        }
    }
    if (board.flash.broken != 0) abort();
    free(flash);
    free(arena);
    return 0;
}

#ifndef EGG_LIBFUZZER
static uint32_t state;

static uint8_t draw(void) {
    state = state * 1664525u + 1013904223u;
    return (uint8_t)(state >> 24);
}

/* A valid CONFIG in the middle of noise, so that the commands behind it find a net. */
static size_t config(uint8_t *p) {
    uint8_t mode = draw() % 3u, estimator = mode == EGG_MODE_ONLINE ? 1 : draw() % 2u, layers = 1u + draw() % 2u;
    uint8_t inputs = 1u + draw() % 40u;
    const uint8_t fixed[30] = {28,
                               EGG_CMD_CONFIG,
                               mode,
                               layers,
                               inputs,
                               0,
                               3,
                               0,
                               5,
                               0,
                               4,
                               estimator,
                               1,
                               2,
                               0,
                               32,
                               32,
                               0,
                               (uint8_t)(draw() % 12u + 1u)};
    memcpy(p, fixed, sizeof fixed);
    p[0] = (uint8_t)(28 + 6 * layers);
    for (uint8_t l = 0; l < layers; l++) {
        const uint8_t lif[6] = {(uint8_t)(1u + draw() % 9u), 0, 96, 0, 2, 0};
        memcpy(p + 30 + 6 * l, lif, sizeof lif);
    }
    return 30u + 6u * layers;
}

/* The same with a convolution: often one that does not fit its inputs. */
static size_t convolution(uint8_t *p) {
    size_t n = config(p);
    uint8_t layers = p[3], rows = 1u + draw() % 6u, cols = 1u + draw() % 6u;
    const uint8_t tail[7] = {1, rows, 0, cols, 0, 0, (uint8_t)(1u + draw() % 3u)};
    p[11] = draw() % 2u == 0 ? 3 : 4; /* sweep or eprop */
    p[13] = p[11] == 3 ? 2 : 5;
    p[4] = (uint8_t)(rows * cols);
    memcpy(p + n, tail, sizeof tail);
    n += sizeof tail;
    for (uint8_t l = 0; l < layers; l++) {
        p[n++] = draw() % 4u;
        p[n++] = draw() % 4u;
        p[n++] = draw() % 3u;
    }
    p[0] = (uint8_t)(n - 2u);
    return n;
}

static size_t generation(uint8_t *p) {
    const uint8_t fixed[14] = {12, EGG_CMD_GENERATION, draw(), 0, 0, 0, 40, 0, 90, 0, 96, 14, 80, 14};
    memcpy(p, fixed, sizeof fixed);
    return sizeof fixed;
}

/* A recording of five ticks, mostly complete. */
static size_t sample(uint8_t *p) {
    uint8_t n = 6, ticks = 0;
    const uint8_t head[6] = {
        0, draw() % 5u == 0 ? EGG_CMD_INFER : EGG_CMD_SAMPLE, draw() % 8u == 0 ? draw() : 3, draw() % 3u, 0, 0};
    memcpy(p, head, sizeof head);
    while (ticks < 5 && n < 40) {
        uint8_t b = draw() % 4u == 0 ? 0 : draw() % 4u;
        p[n++] = b;
        ticks = (uint8_t)(ticks + (b == 0));
    }
    p[0] = (uint8_t)(n - 2);
    return n;
}

int main(int argc, char **argv) {
    static uint8_t input[8192];
    uint32_t count = argc > 2 ? (uint32_t)atoi(argv[2]) : 1000;
    state = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    uint32_t updates = 0, recordings = 0;
    for (uint32_t run = 0; run < count; run++) {
        size_t n = 0;
        for (uint32_t items = draw() % 60u; items > 0 && n < sizeof input - 300; items--) {
            switch (draw() % 6u) {
                case 0:
                    n += draw() % 3u == 0 ? convolution(input + n) : config(input + n);
                    n += generation(input + n);
                    break;
                case 1:
                    n += generation(input + n);
                    break;
                case 2:
                case 3:
                    n += sample(input + n);
                    break;
                case 4: /* a command with any payload */
                    input[n] = draw() % 8u == 0 ? draw() % 255u : draw() % 14u;
                    input[n + 1] = draw() % 18u;
                    for (uint32_t i = 0; i < input[n]; i++) input[n + 2 + i] = draw() % 3u == 0 ? draw() : draw() % 4u;
                    n += 2u + input[n];
                    break;
                default: /* noise on the line */
                    input[n++] = 255;
                    for (uint32_t i = draw(); i > 0; i--) input[n++] = draw() % 255u;
                    input[n++] = 255;
                    input[n++] = 255;
            }
        }
        LLVMFuzzerTestOneInput(input, n);
        recordings += board.session.stats.recordings;
        updates += board.session.stats.updates;
    }
    printf("%u inputs, %u recordings, %u updates\n", count, recordings, updates);
    return recordings > 0 && updates > 0 ? 0 : 1;
}
#endif
