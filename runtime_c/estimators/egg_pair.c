/* How a word holds the membranes of both members of a pair: each half holds x = v - threshold + spike_bit, where v is
 * the membrane, so that the bit `spike_bit` (2^15, or 2^14 in the common case) says "spike". A half never leaves its 16
 * bits, because |v| <= 2^k |current| (SPEC.md section 5; k is the leak shift): egg_pair_begin() and
 * egg_pair_find_movable() check the currents of the recording for that.
 *
 * With r = threshold mod 2^k,  v >> k = ((x + r) >> k) - (spike_bit - threshold + r) / 2^k.  The last term is a
 * constant; it is added in each tick together with the perturbation, in `drive`. */
#include "estimators/egg_pair_private.h"

#include "estimators/egg_estimator_private.h"
#include "kernels/egg_kernel_private.h"
#include "kernels/egg_packed16_private.h"

#if EGG_PAIR_TOGETHER
/* The inputs of a run of one neuron: current has a stride of `size` entries from tick to tick; drive .. end has one
 * word for each tick. */
typedef struct {
    const int16_t *current;
    const uint32_t *drive, *end;
    uint32_t size, threshold, shift;
} neuron;

/* Returns the spikes of both halves, with spike_bit 2^15. Bit 0 of *differ says whether the halves spike differently in
 * any tick. */
static uint32_t run_any(const neuron *n, uint32_t *differ) {
    const int16_t *current = n->current;
    const uint32_t *drive = n->drive, *end = n->end;
    uint32_t size = n->size, k = n->shift, th = n->threshold, count = 0, unlike = 0;
    uint32_t mask = (0xFFFFu >> k) * EGG_HALVES_ONE, r = (th & ((1u << k) - 1u)) * EGG_HALVES_ONE;
    uint32_t x = (0x8000u - th) * EGG_HALVES_ONE;
    do {
        x += *drive++ + (uint32_t)(int32_t)*current * EGG_HALVES_ONE - (((x + r) >> k) & mask);
        uint32_t spike = (x >> 15) & EGG_HALVES_ONE;
        count += spike;
        unlike |= spike ^ (spike >> 16);
        x -= spike * th;
        current += size;
    } while (drive != end);
    *differ = unlike;
    return count;
}

/* The same, but it also handles the common case k = 1, r = 0, spike_bit 2^14. In that case `drive` is twice as large,
 * as v - (v >> 1) + i = (v + 1 + 2 i) >> 1; this sum stays in its half, too. */
static uint32_t run(const neuron *n, uint32_t spike_bit) {
    uint32_t differ;
    if (spike_bit == 0x4000u)
        return egg_packed16_halving(n->current, n->drive, (uint32_t)(n->end - n->drive), n->size, n->threshold,
                                    (0x4000u - n->threshold) * EGG_HALVES_ONE);
    return run_any(n, &differ);
}

/* spike_bit for currents up to the magnitude `most`, perturbation included. */
static uint32_t spike_bit_of(const egg_lif_config *lif, int32_t most) {
    uint32_t even = (lif->threshold & 1u) == 0 && lif->leak_shift == 1;
    return even && 2 * most <= 0x4000 - lif->threshold ? 0x4000u : 0x8000u;
}

/* The constant that `drive` has in each tick, in both halves. */
static uint32_t constant_of(const egg_lif_config *lif, uint32_t spike_bit) {
    uint32_t r = lif->threshold & ((1u << lif->leak_shift) - 1u);
    if (spike_bit == 0x4000u) return (spike_bit - lif->threshold + 1u) * EGG_HALVES_ONE;
    return ((spike_bit - lif->threshold + r) >> lif->leak_shift) * EGG_HALVES_ONE;
}

/* The most that the perturbation of one rank may add to a current. */
static int32_t rank_limit(const egg_generation *gen) {
    return (int32_t)((uint32_t)egg_forward_perturbation_limit(&gen->net->config.layer[0]) / gen->es.rank);
}

bool egg_pair_begin(const egg_generation *gen, egg_workspace *ws, uint32_t *spikes) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[0];
    if (c->layers != 1 || lif->kernel != 0 || lif->refractory != 0 || c->readout != EGG_READOUT_INTEGRATE) return false;
    int32_t least = 0, most = 0;
    for (const int16_t *i = ws->base, *end = i + c->ticks * lif->size; i != end; i++) {
        int32_t x = *i;
        if (x < least) least = x;
        if (x > most) most = x;
    }
    int32_t more = gen->es.estimator == EGG_ESTIMATOR_SAMPLE ? gen->sigma.hidden : egg_forward_perturbation_limit(lif);
    if ((more - least) * (1 << lif->leak_shift) > 0x8000 - lif->threshold) return false;
    /* SPEC.md section 5 proves that no membrane is too large. */
    ws->part.pair.largest_current = most > -least ? most : -least;
    uint32_t spike_bit = spike_bit_of(lif, ws->part.pair.largest_current), constant = constant_of(lif, spike_bit),
             *unit = ws->unit_spikes;
    for (uint32_t t = 0; t < c->ticks; t++) ws->part.pair.drive[t] = constant;
    neuron n = {ws->base,  ws->part.pair.drive, ws->part.pair.drive + c->ticks,
                lif->size, lif->threshold,      lif->leak_shift};
    *spikes = 0;
    for (uint32_t h = 0; h < n.size; h++, n.current++) {
        uint32_t count = run(&n, spike_bit) & 0xFFFFu;
        ws->count[h] = (int16_t)count;
        *spikes += count;
        if (unit != NULL) unit[h] += count;
    }
    egg_forward_integrate(gen->net, ws);
    for (uint32_t j = 0; j < c->outputs; j++) ws->part.pair.logits[j] = ws->logits[j];
    return true;
}

/* The most that any of the pairs may add to a current of tick t. |s| is largest where |projection| is largest, because
 * egg_round_shift() rounds up. */
static int32_t most_of_tick(const egg_generation *gen, const egg_workspace *ws, uint32_t t, uint32_t pairs,
                            int32_t limit) {
    int32_t sum = 0;
    if (gen->es.estimator == EGG_ESTIMATOR_SAMPLE) return gen->sigma.hidden;
    for (uint32_t r = 0; r < gen->es.rank; r++) {
        const int16_t *p = ws->projection + (r * gen->net->config.ticks + t) * 32u;
        int32_t least = 0, most = 0;
        for (const int16_t *end = p + pairs; p != end; p++) {
            int32_t x = *p;
            if (x < least) least = x;
            if (x > most) most = x;
        }
        if (-least > most) most = -least;
        sum += egg_clamp(egg_round_shift(most * gen->sigma.hidden, EGG_SIGMA_SHIFT), limit);
    }
    return sum;
}

void egg_pair_find_movable(const egg_generation *gen, egg_workspace *ws, uint32_t pairs) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[0];
    uint32_t ticks = c->ticks, constant = constant_of(lif, 0x8000u);
    uint32_t *drive = ws->part.pair.drive;
    int32_t limit = rank_limit(gen), most = 0;
    for (uint32_t t = 0; t < ticks; t++) {
        int32_t s = most_of_tick(gen, ws, t, pairs, limit);
        if (s > most) most = s;
        drive[t] = (uint32_t)s * EGG_HALVES_PLUS_MINUS + constant;
    }
    /* The halves are the upper and the lower bound of all members' membranes, as long as all members spike alike. */
    neuron n = {ws->base, drive, drive + ticks, lif->size, lif->threshold, lif->leak_shift};
    uint32_t movable = 0, fixed = n.size, fixed_spikes = 0;
    for (uint32_t h = 0; h < n.size; h++, n.current++) {
        uint32_t differ;
        run_any(&n, &differ);
        if ((differ & 1u) != 0) {
            ws->part.pair.neurons[movable++] = (uint16_t)h;
        } else if (ws->count[h] != 0) {
            ws->part.pair.neurons[--fixed] = (uint16_t)h;
            fixed_spikes += (uint16_t)ws->count[h];
        }
    }
    ws->part.pair.movable = movable;
    ws->part.pair.fixed = fixed;
    ws->part.pair.fixed_spikes = fixed_spikes;
    ws->part.pair.spike_bit = spike_bit_of(lif, ws->part.pair.largest_current + most);
}

/* With one rank: drive[ticks] of a neuron of sign + and, behind it, of a neuron of sign -. A pair needs no more. */
static void one_rank(const egg_generation *gen, const egg_workspace *ws, uint32_t slot, uint32_t constant,
                     uint32_t scale) {
    uint32_t ticks = gen->net->config.ticks, segments = gen->es.segments,
             sample = gen->es.estimator == EGG_ESTIMATOR_SAMPLE;
    uint32_t *drive = ws->part.pair.drive;
    int32_t sigma = gen->sigma.hidden, limit = rank_limit(gen);
    egg_segment_walk walk = {0, 0};
    for (uint32_t t = 0; t < ticks; t++, drive++) {
        int32_t s;
        if (sample) {
            s = (ws->z_words[0][walk.segment] >> slot) & 1u ? sigma : -sigma;
            egg_segment_next(&walk, segments, ticks);
        } else {
            s = egg_clamp(egg_round_shift(ws->projection[t * 32u + slot] * sigma, EGG_SIGMA_SHIFT), limit);
        }
        uint32_t both = (uint32_t)s * scale;
        drive[0] = constant + both;
        drive[ticks] = constant - both;
    }
}

/* With several ranks: drive[ticks] of neuron h. */
static void many_ranks(const egg_generation *gen, const egg_workspace *ws, uint32_t slot, uint32_t h, uint32_t constant,
                       uint32_t scale) {
    uint32_t ticks = gen->net->config.ticks, size = gen->net->config.layer[0].size;
    int32_t limit = rank_limit(gen);
    for (uint32_t t = 0; t < ticks; t++) {
        const uint32_t *a = ws->a_words[0] + h;
        int32_t sum = 0;
        for (uint32_t r = 0; r < gen->es.rank; r++, a += size) {
            int32_t p = ws->projection[(r * ticks + t) * 32u + slot];
            int32_t s = egg_clamp(egg_round_shift(p * gen->sigma.hidden, EGG_SIGMA_SHIFT), limit);
            sum += (*a >> slot) & 1u ? s : -s;
        }
        ws->part.pair.drive[t] = constant + (uint32_t)sum * scale;
    }
}

/* Starts ws->part.pair.project with the neurons that have fixed spikes. */
static void project_fixed(const egg_generation *gen, const egg_workspace *ws, uint32_t slot) {
    uint32_t size = gen->net->config.layer[0].size;
    const uint32_t *b = ws->b_words[1];
    for (uint32_t r = 0; r < gen->es.rank; r++, b += size + 1u) {
        uint32_t sum = 0;
        for (const uint16_t *n = ws->part.pair.neurons + ws->part.pair.fixed, *end = ws->part.pair.neurons + size;
             n != end; n++)
            if ((b[*n] >> slot) & 1u) sum += (uint32_t)(uint16_t)ws->count[*n] * EGG_HALVES_ONE;
        ws->part.pair.project[r] = sum;
    }
}

/* logits += n * a row of the readout */
static void add_row(int32_t *logits, const int8_t *row, int32_t n, uint32_t outputs) {
    for (const int32_t *end = logits + outputs; logits != end; logits++) *logits += n * *row++;
}

/* Fitness of one member, half 0 (+) or 1 (-) of the words, computed from the differences between its spikes and those
 * of the unperturbed net: ws->part.pair.changed and counts, `changed` of them. */
static int32_t member_fitness(const egg_generation *gen, egg_workspace *ws, uint32_t slot, uint32_t label,
                              uint32_t half, uint32_t changed, uint32_t spikes) {
    const egg_net_config *c = &gen->net->config;
    uint32_t outputs = c->outputs, size = c->layer[0].size;
    int32_t *logits = ws->logits;
    for (uint32_t j = 0; j < outputs; j++) logits[j] = ws->part.pair.logits[j];
    for (uint32_t i = 0; i < changed; i++) {
        uint32_t h = ws->part.pair.changed[i], both = ws->part.pair.counts[i];
        int32_t more = (int32_t)(half == 0 ? both & 0xFFFFu : both >> 16) - ws->count[h];
        if (more != 0) add_row(logits, gen->net->weights[1] + h * outputs, more, outputs);
    }
    if (gen->es.estimator == EGG_ESTIMATOR_BATCH) {
        for (uint32_t r = 0; r < gen->es.rank; r++) {
            const uint32_t *a = ws->a_words[1] + r * outputs, *bias = ws->b_words[1] + r * (size + 1u) + size;
            uint32_t both = ws->part.pair.project[r];
            int32_t sum = 2 * (int32_t)(half == 0 ? both & 0xFFFFu : both >> 16) - (int32_t)spikes;
            sum += (*bias >> slot) & 1u ? c->ticks : -(int32_t)c->ticks;
            int32_t s = egg_clamp(egg_round_shift(sum * gen->sigma.readout, EGG_SIGMA_SHIFT),
                                  (int32_t)(EGG_READOUT_LIMIT / gen->es.rank));
            if (half != 0) s = -s;
            for (uint32_t j = 0; j < outputs; j++) logits[j] += (a[j] >> slot) & 1u ? s : -s;
        }
    }
    for (uint32_t j = 0; j < outputs; j++) logits[j] *= 1 << c->gain;
    if (gen->es.estimator == EGG_ESTIMATOR_SAMPLE) {
        int32_t s = half == 0 ? gen->sigma.readout : -(int32_t)gen->sigma.readout;
        for (uint32_t j = 0; j < outputs; j++) logits[j] += (ws->a_words[1][j] >> slot) & 1u ? s : -s;
    }
    return egg_forward_fitness(gen->net, &gen->es, ws, spikes, label);
}

int32_t egg_pair_difference(const egg_generation *gen, egg_workspace *ws, uint32_t slot, uint32_t label) {
    const egg_net_config *c = &gen->net->config;
    const egg_lif_config *lif = &c->layer[0];
    uint32_t ticks = c->ticks, size = lif->size, spike_bit = ws->part.pair.spike_bit,
             batch = gen->es.estimator == EGG_ESTIMATOR_BATCH;
    uint32_t ranks = batch ? gen->es.rank : 1u, spikes = ws->part.pair.fixed_spikes * EGG_HALVES_ONE, changed = 0;
    uint32_t constant = constant_of(lif, spike_bit),
             scale = spike_bit == 0x4000u ? 2u * EGG_HALVES_PLUS_MINUS : EGG_HALVES_PLUS_MINUS;
    uint32_t start = (0x4000u - lif->threshold) * EGG_HALVES_ONE;
    const uint32_t *signs = ws->a_words[0], *drive = ws->part.pair.drive;
    const int16_t *base = ws->base, *unperturbed = ws->count;
    neuron n = {NULL, drive, drive + ticks, size, lif->threshold, lif->leak_shift};
    if (ranks == 1) one_rank(gen, ws, slot, constant, scale);
    if (batch) project_fixed(gen, ws, slot);
    for (const uint16_t *at = ws->part.pair.neurons, *end = at + ws->part.pair.movable; at != end; at++) {
        uint32_t h = *at, count;
        if (ranks > 1) many_ranks(gen, ws, slot, h, constant, scale);
        n.drive = ranks > 1 || ((signs[h] >> slot) & 1u) ? drive : drive + ticks;
        if (spike_bit == 0x4000u) {
            count = egg_packed16_halving(base + h, n.drive, ticks, n.size, n.threshold, start);
        } else {
            n.current = base + h, n.end = n.drive + ticks;
            count = run(&n, spike_bit);
        }
        spikes += count;
        if (count != (uint32_t)(uint16_t)unperturbed[h] * EGG_HALVES_ONE) {
            ws->part.pair.counts[changed] = count;
            ws->part.pair.changed[changed++] = (uint16_t)h;
        }
        if (!batch || count == 0) continue;
        const uint32_t *b = ws->b_words[1] + h;
        for (uint32_t r = 0; r < ranks; r++, b += size + 1u)
            if ((*b >> slot) & 1u) ws->part.pair.project[r] += count;
    }
    int32_t plus = member_fitness(gen, ws, slot, label, 0, changed, spikes & 0xFFFFu);
    return plus - member_fitness(gen, ws, slot, label, 1, changed, spikes >> 16);
}

void egg_pair_end(const egg_generation *gen, egg_workspace *ws) {
    const egg_net_config *c = &gen->net->config;
    for (uint32_t j = 0; j < c->outputs; j++) ws->logits[j] = ws->part.pair.logits[j] * (1 << c->gain);
}
#else
bool egg_pair_begin(const egg_generation *gen, egg_workspace *ws, uint32_t *spikes) {
    (void)gen, (void)ws, (void)spikes;
    return false;
}

void egg_pair_find_movable(const egg_generation *gen, egg_workspace *ws, uint32_t pairs) {
    (void)gen, (void)ws, (void)pairs;
}

int32_t egg_pair_difference(const egg_generation *gen, egg_workspace *ws, uint32_t slot, uint32_t label) {
    (void)gen, (void)ws, (void)slot, (void)label;
    return 0;
}

void egg_pair_end(const egg_generation *gen, egg_workspace *ws) {
    (void)gen, (void)ws;
}
#endif
