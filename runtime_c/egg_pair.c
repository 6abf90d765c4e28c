/* The membrane v of a lane is kept as x = v - threshold + 2^15, so that the top bit says "spike" (DESIGN.md section 5
 * bounds v from above; egg_pair_begin() from below). With th - r the largest multiple of 2^k up to th,
 *   v >> k = ((x + r) >> k) - (2^15 - th + r) / 2^k
 * so a tick is: x -= (x + r) >> k, masked to its lane;  x += current + perturbation + that constant. */
#include "egg_pair.h"

#include "egg_fx.h"
#include "egg_lanes.h"
#include "egg_kernel.h"

#if EGG_PAIRS_TOGETHER
#define LANE_MIN 32768

typedef struct {
    const int16_t *current;      /* of one neuron, a stride of `size` a tick */
    const uint32_t *drive, *end; /* perturbation and constant of each tick, both lanes */
    uint32_t size, shift, threshold;
} neuron;

/* Spikes of both lanes; *differ gets a bit where their spikes differ in a tick. `k` and `differ` are constants at each
 * call. */
static inline uint32_t run_lanes(const neuron *n, uint32_t k, uint32_t *differ) {
    const int16_t *current = n->current;
    const uint32_t *drive = n->drive, *end = n->end;
    uint32_t size = n->size, th = n->threshold;
    uint32_t mask = (0xFFFFu >> k) * EGG_LANE_ONES, ones = EGG_LANE_ONES, count = 0;
    uint32_t r = (th & ((1u << k) - 1u)) * ones, x = (LANE_MIN - th) * ones;
    do {
        uint32_t i = (uint32_t)(int32_t)*current;
        current += size;
        x -= ((x + r) >> k) & mask;
        x += *drive++ + i * ones;
        uint32_t spike = (x >> 15) & ones;
        if (differ != NULL) *differ |= spike ^ (spike >> 16);
        count += spike;
        x -= spike * th;
    } while (drive != end);
    return count;
}

static uint32_t run_pair(const neuron *n) {
    return run_lanes(n, n->shift, NULL);
}

/* The constant of a tick, in both lanes. */
static uint32_t tick_constant(const egg_lif_config *lif) {
    uint32_t r = lif->threshold & ((1u << lif->leak_shift) - 1u);
    return ((LANE_MIN - lif->threshold + r) >> lif->leak_shift) * EGG_LANE_ONES;
}

/* The most that the perturbation of any pair may add to a current of this recording */
static int32_t most_perturbation(const egg_gen *gen) {
    return gen->es.estimator == EGG_SAMPLE ? gen->sigma.hidden : egg_forward_limit(&gen->net->config.layer[0]);
}

uint32_t egg_pair_begin(const egg_gen *gen, egg_ws *ws, uint32_t *spikes) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[0];
    if (c->layers != 1 || lif->refractory != 0 || c->readout != EGG_READOUT_INTEGRATE) return 0;
    /* v >= -2^k * most negative current, and v >= th - 2^15 is wanted */
    int32_t least = 0, n = (int32_t)(c->ticks * lif->size);
    for (const int16_t *i = ws->base, *end = i + n; i != end; i++)
        if (*i < least) least = *i;
    if ((most_perturbation(gen) - least) * (1 << lif->leak_shift) > LANE_MIN - lif->threshold) return 0;
    *spikes = egg_forward_member(gen->net, &gen->es, gen->sigma, ws, 0, 0);
    for (uint32_t j = 0; j < c->outputs; j++) ws->pair.logits[j] = ws->logits[j] >> c->gain;
    return 1;
}

static int32_t rank_drive(const egg_gen *gen, int32_t projection) {
    int32_t limit = egg_forward_limit(&gen->net->config.layer[0]) / gen->es.rank;
    return egg_clamp(egg_round_shift(projection * gen->sigma.hidden, 8), limit);
}

void egg_pair_settle(const egg_gen *gen, egg_ws *ws, uint32_t pairs) {
    const egg_net_config *c = &gen->net->config;
    uint32_t ticks = c->ticks, constant = tick_constant(&c->layer[0]);
    uint32_t *drive = ws->pair.drive;
    for (uint32_t t = 0; t < ticks; t++) {
        int32_t most = gen->sigma.hidden;
        if (gen->es.estimator == EGG_BATCH) {
            most = 0;
            for (uint32_t r = 0; r < gen->es.rank; r++) {
                const int16_t *p = ws->projection + (r * ticks + t) * 32u;
                int32_t largest = 0;
                for (uint32_t i = 0; i < pairs; i++) {
                    if (p[i] > largest) largest = p[i];
                    if (-p[i] > largest) largest = -p[i];
                }
                most += rank_drive(gen, largest); /* rounding is up: no -p gives a larger one */
            }
        }
        drive[t] = (uint32_t)most * EGG_LANE_PAIR + constant;
    }
    neuron n = {ws->base, drive, drive + ticks, c->layer[0].size, c->layer[0].leak_shift, c->layer[0].threshold};
    uint32_t live = 0, steady = n.size, steady_spikes = 0;
    for (uint32_t h = 0; h < n.size; h++, n.current++) {
        uint32_t differ = 0;
        run_lanes(&n, n.shift, &differ);
        if ((differ & 1u) != 0) {
            ws->pair.neurons[live++] = (uint16_t)h;
        } else if (ws->count[h] != 0) {
            ws->pair.neurons[--steady] = (uint16_t)h;
            steady_spikes += (uint16_t)ws->count[h];
        }
    }
    ws->pair.live = live;
    ws->pair.steady = steady;
    ws->pair.steady_spikes = steady_spikes;
}

/* drive[t] of a + neuron and, behind it, of a - neuron: where there is one rank, all that a pair needs */
static void one_rank(const egg_gen *gen, egg_ws *ws, uint32_t lane) {
    const egg_net_config *c = &gen->net->config;
    uint32_t constant = tick_constant(&c->layer[0]), ticks = c->ticks;
    uint32_t *drive = ws->pair.drive;
    for (uint32_t t = 0, rest = 0, segment = 0; t < ticks; t++, drive++) {
        int32_t s = gen->sigma.hidden;
        if (gen->es.estimator == EGG_BATCH)
            s = rank_drive(gen, ws->projection[t * 32u + lane]);
        else if (((ws->z_words[0][segment] >> lane) & 1u) == 0)
            s = -s;
        drive[0] = constant + (uint32_t)s * EGG_LANE_PAIR;
        drive[ticks] = constant - (uint32_t)s * EGG_LANE_PAIR;
        rest += gen->es.segments; /* segment of t + 1 */
        if (rest >= ticks) rest -= ticks, segment++;
    }
}

/* The same of one neuron where there are several ranks. */
static void many_ranks(const egg_gen *gen, egg_ws *ws, uint32_t lane, uint32_t h) {
    const egg_net_config *c = &gen->net->config;
    uint32_t constant = tick_constant(&c->layer[0]), ticks = c->ticks;
    for (uint32_t t = 0; t < ticks; t++) {
        const uint32_t *a = ws->a_words[0] + h;
        int32_t sum = 0;
        for (uint32_t r = 0; r < gen->es.rank; r++, a += c->layer[0].size) {
            int32_t s = rank_drive(gen, ws->projection[(r * ticks + t) * 32u + lane]);
            sum += (*a >> lane) & 1u ? s : -s;
        }
        ws->pair.drive[t] = constant + (uint32_t)sum * EGG_LANE_PAIR;
    }
}

/* Members run one after the other wherever one_rank() does not pay: the readout and the fitness of one. */
static int32_t fitness(const egg_gen *gen, egg_ws *ws, uint32_t lane, uint32_t label, uint32_t half, uint32_t spikes) {
    const egg_net_config *c = &gen->net->config;
    const uint32_t *both = ws->pair.counts;
    uint32_t outputs = c->outputs;
    int32_t sign = half == 0 ? 1 : -1;
    int32_t *logits = ws->logits;
    for (uint32_t j = 0; j < outputs; j++) logits[j] = ws->pair.logits[j];
    for (uint32_t i = 0; i < ws->pair.live; i++) {
        uint32_t h = ws->pair.neurons[i];
        int32_t more = (int32_t)((both[i] >> (16u * half)) & 0xFFFFu) - ws->count[h];
        if (more == 0) continue;
        const int8_t *w = gen->net->weights[1] + h * outputs;
        for (uint32_t j = 0; j < outputs; j++) logits[j] += more * w[j];
    }
    if (gen->es.estimator == EGG_BATCH) {
        for (uint32_t r = 0; r < gen->es.rank; r++) {
            const uint32_t *a = ws->a_words[1] + r * outputs;
            int32_t sum = (int32_t)((ws->pair.project[r] >> (16u * half)) & 0xFFFFu) * 2 - (int32_t)spikes;
            sum += (ws->b_words[1][r * (c->layer[0].size + 1u) + c->layer[0].size] >> lane) & 1u ? c->ticks : -c->ticks;
            int32_t s = sign * egg_clamp(egg_round_shift(sum * gen->sigma.readout, 8), (1 << 19) / gen->es.rank);
            for (uint32_t j = 0; j < outputs; j++) logits[j] += (a[j] >> lane) & 1u ? s : -s;
        }
    }
    for (uint32_t j = 0; j < outputs; j++) {
        logits[j] *= 1 << c->gain;
        if (gen->es.estimator == EGG_SAMPLE)
            logits[j] += (ws->a_words[1][j] >> lane) & 1u ? sign * gen->sigma.readout : -sign * gen->sigma.readout;
    }
    return egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
}

int32_t egg_pair_diff(const egg_gen *gen, egg_ws *ws, uint32_t lane, uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    uint32_t size = c->layer[0].size, live = ws->pair.live, ticks = c->ticks;
    uint32_t ranks = gen->es.estimator == EGG_BATCH ? gen->es.rank : 1u;
    uint32_t *both = ws->pair.counts, spikes = ws->pair.steady_spikes * EGG_LANE_ONES;
    neuron n = {NULL, ws->pair.drive, ws->pair.drive + ticks, size, c->layer[0].leak_shift, c->layer[0].threshold};
    if (ranks == 1) one_rank(gen, ws, lane);
    for (uint32_t i = 0; i < live; i++) {
        uint32_t h = ws->pair.neurons[i];
        n.current = ws->base + h;
        if (ranks == 1) {
            n.drive = ws->pair.drive + ((ws->a_words[0][h] >> lane) & 1u ? 0 : ticks);
            n.end = n.drive + ticks;
        } else {
            many_ranks(gen, ws, lane, h);
        }
        both[i] = run_pair(&n);
        spikes += both[i];
    }
    if (gen->es.estimator == EGG_BATCH) {
        for (uint32_t r = 0; r < ranks; r++) { /* spikes of the neurons with sign + */
            const uint32_t *b = ws->b_words[1] + r * (size + 1u);
            uint32_t sum = 0;
            for (uint32_t i = 0; i < live; i++)
                if ((b[ws->pair.neurons[i]] >> lane) & 1u) sum += both[i];
            for (uint32_t i = ws->pair.steady; i < size; i++) {
                uint32_t h = ws->pair.neurons[i];
                if ((b[h] >> lane) & 1u) sum += (uint32_t)(uint16_t)ws->count[h] * EGG_LANE_ONES;
            }
            ws->pair.project[r] = sum;
        }
    }
    int32_t plus = fitness(gen, ws, lane, label, 0, spikes & 0xFFFFu);
    return plus - fitness(gen, ws, lane, label, 1, spikes >> 16);
}

void egg_pair_end(const egg_gen *gen, egg_ws *ws) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t j = 0; j < c->outputs; j++) ws->logits[j] = ws->pair.logits[j] * (1 << c->gain);
}
#else
uint32_t egg_pair_begin(const egg_gen *gen, egg_ws *ws, uint32_t *spikes) {
    (void)gen, (void)ws, (void)spikes;
    return 0;
}

void egg_pair_settle(const egg_gen *gen, egg_ws *ws, uint32_t pairs) {
    (void)gen, (void)ws, (void)pairs;
}

int32_t egg_pair_diff(const egg_gen *gen, egg_ws *ws, uint32_t lane, uint32_t label) {
    (void)gen, (void)ws, (void)lane, (void)label;
    return 0;
}

void egg_pair_end(const egg_gen *gen, egg_ws *ws) {
    (void)gen, (void)ws;
}
#endif
