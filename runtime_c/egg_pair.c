/* The membrane v of a lane is kept as x = v - threshold + TOP, so that bit TOP says "spike" and a lane stays within its
 * bits: egg_pair_begin() and egg_pair_settle() check the recording's currents for that, since |v| <= 2^k |current|
 * (DESIGN.md section 5). With r = threshold mod 2^k, v >> k = ((x + r) >> k) - (TOP - threshold + r) / 2^k, and that
 * constant is added with the perturbation of each tick, in `drive`. */
#include "egg_pair.h"

#include "egg_fx.h"
#include "egg_kernel.h"
#include "egg_lanes.h"

#if EGG_PAIRS_TOGETHER
/* What a run of one neuron reads: current has a stride of `size` a tick, drive .. end both lanes of each tick. */
typedef struct {
    const int16_t *current;
    const uint32_t *drive, *end;
    uint32_t size, threshold, shift;
} neuron;

/* Spikes of both lanes, TOP 2^15. If differ is given, bit 0 tells whether they differ in any tick. */
static uint32_t run_any(const neuron *n, uint32_t *differ) {
    const int16_t *current = n->current;
    const uint32_t *drive = n->drive, *end = n->end;
    uint32_t size = n->size, k = n->shift, th = n->threshold, count = 0, unlike = 0;
    uint32_t mask = (0xFFFFu >> k) * EGG_LANE_ONES, r = (th & ((1u << k) - 1u)) * EGG_LANE_ONES;
    uint32_t x = (0x8000u - th) * EGG_LANE_ONES;
    do {
        x += *drive++ + (uint32_t)(int32_t)*current * EGG_LANE_ONES - (((x + r) >> k) & mask);
        uint32_t spike = (x >> 15) & EGG_LANE_ONES;
        count += spike;
        unlike |= spike ^ (spike >> 16);
        x -= spike * th;
        current += size;
    } while (drive != end);
    *differ = unlike;
    return count;
}

/* The same, or in the common case k = 1, r = 0 and TOP 2^14, where drive is twice that: v - (v >> 1) + i = (v + 1 + 2
 * i) >> 1, and the sum stays in its lane, too. */
static uint32_t run(const neuron *n, uint32_t top) {
    uint32_t differ;
    if (top == 0x4000u)
        return egg_lanes_halving(n->current, n->drive, (uint32_t)(n->end - n->drive), n->size, n->threshold);
    return run_any(n, &differ);
}

/* TOP for currents up to `most`, perturbation included */
static uint32_t top_of(const egg_lif_config *lif, int32_t most) {
    uint32_t even = (lif->threshold & 1u) == 0 && lif->leak_shift == 1;
    return even && 2 * most <= 0x4000 - lif->threshold ? 0x4000u : 0x8000u;
}

/* The constant of a tick, in both lanes. */
static uint32_t constant_of(const egg_lif_config *lif, uint32_t top) {
    uint32_t r = lif->threshold & ((1u << lif->leak_shift) - 1u);
    if (top == 0x4000u) return (top - lif->threshold + 1u) * EGG_LANE_ONES;
    return ((top - lif->threshold + r) >> lif->leak_shift) * EGG_LANE_ONES;
}

/* Most that the perturbation of a rank may be */
static int32_t rank_limit(const egg_gen *gen) {
    return (int32_t)((uint32_t)egg_forward_limit(&gen->net->config.layer[0]) / gen->es.rank);
}

uint32_t egg_pair_begin(const egg_gen *gen, egg_ws *ws, uint32_t *spikes) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[0];
    if (c->layers != 1 || lif->refractory != 0 || c->readout != EGG_READOUT_INTEGRATE) return 0;
    int32_t least = 0, most = 0;
    for (const int16_t *i = ws->base, *end = i + c->ticks * lif->size; i != end; i++) {
        int32_t x = *i;
        if (x < least) least = x;
        if (x > most) most = x;
    }
    int32_t more = gen->es.estimator == EGG_SAMPLE ? gen->sigma.hidden : egg_forward_limit(lif);
    if ((more - least) * (1 << lif->leak_shift) > 0x8000 - lif->threshold) return 0; /* above, section 5 holds */
    ws->pair.most = most > -least ? most : -least;
    uint32_t top = top_of(lif, ws->pair.most), constant = constant_of(lif, top), *unit = ws->unit_spikes;
    for (uint32_t t = 0; t < c->ticks; t++) ws->pair.drive[t] = constant;
    neuron n = {ws->base, ws->pair.drive, ws->pair.drive + c->ticks, lif->size, lif->threshold, lif->leak_shift};
    *spikes = 0;
    for (uint32_t h = 0; h < n.size; h++, n.current++) {
        uint32_t count = run(&n, top) & 0xFFFFu;
        ws->count[h] = (int16_t)count;
        *spikes += count;
        if (unit != NULL) unit[h] += count;
    }
    egg_forward_integrate(gen->net, ws);
    for (uint32_t j = 0; j < c->outputs; j++) ws->pair.logits[j] = ws->logits[j];
    return 1;
}

/* Most that any pair may add to the current of a tick: |s| is largest where |projection| is, as rounding is up. */
static int32_t most_of_tick(const egg_gen *gen, const egg_ws *ws, uint32_t t, uint32_t pairs, int32_t limit) {
    int32_t sum = 0;
    if (gen->es.estimator == EGG_SAMPLE) return gen->sigma.hidden;
    for (uint32_t r = 0; r < gen->es.rank; r++) {
        const int16_t *p = ws->projection + (r * gen->net->config.ticks + t) * 32u;
        int32_t least = 0, most = 0;
        for (const int16_t *end = p + pairs; p != end; p++) {
            int32_t x = *p;
            if (x < least) least = x;
            if (x > most) most = x;
        }
        if (-least > most) most = -least;
        sum += egg_clamp(egg_round_shift(most * gen->sigma.hidden, 8), limit);
    }
    return sum;
}

void egg_pair_settle(const egg_gen *gen, egg_ws *ws, uint32_t pairs) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[0];
    uint32_t ticks = c->ticks, constant = constant_of(lif, 0x8000u);
    uint32_t *drive = ws->pair.drive;
    int32_t limit = rank_limit(gen), most = 0;
    for (uint32_t t = 0; t < ticks; t++) {
        int32_t s = most_of_tick(gen, ws, t, pairs, limit);
        if (s > most) most = s;
        drive[t] = (uint32_t)s * EGG_LANE_PAIR + constant;
    }
    /* lanes are the most and the least that a member's membrane can be, while they spike alike */
    neuron n = {ws->base, drive, drive + ticks, lif->size, lif->threshold, lif->leak_shift};
    uint32_t live = 0, steady = n.size, steady_spikes = 0;
    for (uint32_t h = 0; h < n.size; h++, n.current++) {
        uint32_t differ;
        run_any(&n, &differ);
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
    ws->pair.top = top_of(lif, ws->pair.most + most);
}

/* drive[t] of a + neuron and, behind it, of a - neuron: where there is one rank, all that a pair needs */
static void one_rank(const egg_gen *gen, const egg_ws *ws, uint32_t lane, uint32_t constant, uint32_t scale) {
    uint32_t ticks = gen->net->config.ticks, segments = gen->es.segments, sample = gen->es.estimator == EGG_SAMPLE;
    uint32_t *drive = ws->pair.drive;
    int32_t sigma = gen->sigma.hidden, limit = rank_limit(gen);
    for (uint32_t t = 0, rest = 0, segment = 0; t < ticks; t++, drive++) {
        int32_t s;
        if (sample) {
            s = (ws->z_words[0][segment] >> lane) & 1u ? sigma : -sigma;
            rest += segments; /* segment of t + 1, without a division */
            if (rest >= ticks) rest -= ticks, segment++;
        } else {
            s = egg_clamp(egg_round_shift(ws->projection[t * 32u + lane] * sigma, 8), limit);
        }
        uint32_t both = (uint32_t)s * scale;
        drive[0] = constant + both;
        drive[ticks] = constant - both;
    }
}

/* The same of one neuron where there are several ranks. */
static void many_ranks(const egg_gen *gen, const egg_ws *ws, uint32_t lane, uint32_t h, uint32_t constant,
                       uint32_t scale) {
    uint32_t ticks = gen->net->config.ticks, size = gen->net->config.layer[0].size;
    int32_t limit = rank_limit(gen);
    for (uint32_t t = 0; t < ticks; t++) {
        const uint32_t *a = ws->a_words[0] + h;
        int32_t sum = 0;
        for (uint32_t r = 0; r < gen->es.rank; r++, a += size) {
            int32_t p = ws->projection[(r * ticks + t) * 32u + lane];
            int32_t s = egg_clamp(egg_round_shift(p * gen->sigma.hidden, 8), limit);
            sum += (*a >> lane) & 1u ? s : -s;
        }
        ws->pair.drive[t] = constant + (uint32_t)sum * scale;
    }
}

/* project[rank], spikes of the neurons whose sign in the readout is +: here of those of fixed spikes */
static void project_steady(const egg_gen *gen, const egg_ws *ws, uint32_t lane) {
    uint32_t size = gen->net->config.layer[0].size;
    const uint32_t *b = ws->b_words[1];
    for (uint32_t r = 0; r < gen->es.rank; r++, b += size + 1u) {
        uint32_t sum = 0;
        for (const uint16_t *n = ws->pair.neurons + ws->pair.steady, *end = ws->pair.neurons + size; n != end; n++)
            if ((b[*n] >> lane) & 1u) sum += (uint32_t)(uint16_t)ws->count[*n] * EGG_LANE_ONES;
        ws->pair.project[r] = sum;
    }
}

/* logits += n * row: of the readout */
static void add_row(int32_t *logits, const int8_t *row, int32_t n, uint32_t outputs) {
    for (const int32_t *end = logits + outputs; logits != end; logits++) *logits += n * *row++;
}

/* Fitness of one member, from what its spikes have more or less than the unperturbed net's. */
static int32_t member_fitness(const egg_gen *gen, egg_ws *ws, uint32_t lane, uint32_t label, uint32_t half,
                              uint32_t changed, uint32_t spikes) {
    const egg_net_config *c = &gen->net->config;
    uint32_t outputs = c->outputs, size = c->layer[0].size;
    int32_t *logits = ws->logits;
    for (uint32_t j = 0; j < outputs; j++) logits[j] = ws->pair.logits[j];
    for (uint32_t i = 0; i < changed; i++) {
        uint32_t h = ws->pair.changed[i], both = ws->pair.counts[i];
        int32_t more = (int32_t)(half == 0 ? both & 0xFFFFu : both >> 16) - ws->count[h];
        if (more != 0) add_row(logits, gen->net->weights[1] + h * outputs, more, outputs);
    }
    if (gen->es.estimator == EGG_BATCH) {
        for (uint32_t r = 0; r < gen->es.rank; r++) {
            const uint32_t *a = ws->a_words[1] + r * outputs, *bias = ws->b_words[1] + r * (size + 1u) + size;
            uint32_t both = ws->pair.project[r];
            int32_t sum = 2 * (int32_t)(half == 0 ? both & 0xFFFFu : both >> 16) - (int32_t)spikes;
            sum += (*bias >> lane) & 1u ? c->ticks : -(int32_t)c->ticks;
            int32_t s = egg_clamp(egg_round_shift(sum * gen->sigma.readout, 8), (int32_t)((1u << 19) / gen->es.rank));
            if (half != 0) s = -s;
            for (uint32_t j = 0; j < outputs; j++) logits[j] += (a[j] >> lane) & 1u ? s : -s;
        }
    }
    for (uint32_t j = 0; j < outputs; j++) logits[j] *= 1 << c->gain;
    if (gen->es.estimator == EGG_SAMPLE) {
        int32_t s = half == 0 ? gen->sigma.readout : -(int32_t)gen->sigma.readout;
        for (uint32_t j = 0; j < outputs; j++) logits[j] += (ws->a_words[1][j] >> lane) & 1u ? s : -s;
    }
    return egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
}

int32_t egg_pair_diff(const egg_gen *gen, egg_ws *ws, uint32_t lane, uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[0];
    uint32_t ticks = c->ticks, size = lif->size, top = ws->pair.top, batch = gen->es.estimator == EGG_BATCH;
    uint32_t ranks = batch ? gen->es.rank : 1u, spikes = ws->pair.steady_spikes * EGG_LANE_ONES, changed = 0;
    uint32_t constant = constant_of(lif, top), scale = top == 0x4000u ? 2u * EGG_LANE_PAIR : EGG_LANE_PAIR;
    const uint32_t *signs = ws->a_words[0], *drive = ws->pair.drive;
    const int16_t *base = ws->base, *unperturbed = ws->count;
    neuron n = {NULL, drive, drive + ticks, size, lif->threshold, lif->leak_shift};
    if (ranks == 1) one_rank(gen, ws, lane, constant, scale);
    if (batch) project_steady(gen, ws, lane);
    for (const uint16_t *at = ws->pair.neurons, *end = at + ws->pair.live; at != end; at++) {
        uint32_t h = *at, count;
        if (ranks > 1) many_ranks(gen, ws, lane, h, constant, scale);
        n.drive = ranks > 1 || ((signs[h] >> lane) & 1u) ? drive : drive + ticks;
        if (top == 0x4000u) {
            count = egg_lanes_halving(base + h, n.drive, ticks, n.size, n.threshold);
        } else {
            n.current = base + h, n.end = n.drive + ticks;
            count = run(&n, top);
        }
        spikes += count;
        if (count != (uint32_t)(uint16_t)unperturbed[h] * EGG_LANE_ONES) {
            ws->pair.counts[changed] = count;
            ws->pair.changed[changed++] = (uint16_t)h;
        }
        if (!batch || count == 0) continue;
        const uint32_t *b = ws->b_words[1] + h;
        for (uint32_t r = 0; r < ranks; r++, b += size + 1u)
            if ((*b >> lane) & 1u) ws->pair.project[r] += count;
    }
    int32_t plus = member_fitness(gen, ws, lane, label, 0, changed, spikes & 0xFFFFu);
    return plus - member_fitness(gen, ws, lane, label, 1, changed, spikes >> 16);
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
