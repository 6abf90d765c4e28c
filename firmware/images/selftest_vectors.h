/* Written by tools/generate/selftest.py; do not edit. For selftest.c only. */
/* clang-format off */

#define SELFTEST_SEED 0x5e1f7e57u
#define SELFTEST_STD_HIDDEN 48u
#define SELFTEST_STD_READOUT 40u
#define SELFTEST_RECORDINGS 5u

static const uint8_t stream0[] = {2, 4, 1, 1, 4, 0, 12, 7, 1, 0, 4, 5, 8, 3, 0, 9, 6, 1, 0, 1, 4, 11, 0, 1, 10, 0, 2, 6,
    2, 5, 5, 0, 2, 8, 2, 1, 0, 10, 1, 4, 0, 17, 2, 1, 0, 4, 1, 5, 1, 4, 2, 1, 0, 9, 4, 1, 6, 0};
static const uint8_t stream1[] = {7, 2, 2, 4, 2, 1, 0, 5, 7, 2, 3, 2, 0, 2, 4, 3, 2, 0, 4, 1, 3, 1, 7, 0, 5, 7, 2, 4, 0,
    1, 4, 9, 1, 0, 2, 1, 4, 7, 4, 1, 1, 0, 5, 13, 1, 0, 2, 4, 7, 0, 14, 1, 3, 0, 9, 3, 8, 0, 3, 4, 3, 1, 4, 0};
static const uint8_t stream2[] = {8, 2, 3, 5, 0, 0, 3, 6, 2, 6, 1, 0, 3, 1, 4, 4, 3, 2, 1, 0, 6, 2, 6, 0, 5, 6, 1, 0, 8,
    2, 1, 0, 3, 1, 6, 4, 0, 4, 4, 1, 5, 0, 8, 5, 0, 1, 9, 8, 0, 2, 1, 6, 5, 6, 0};
static const uint8_t stream3[] = {3, 14, 0, 1, 1, 4, 2, 1, 1, 1, 1, 1, 3, 0, 10, 4, 1, 3, 0, 6, 3, 10, 0, 10, 1, 0, 8,
    1, 2, 4, 3, 0, 5, 0, 2, 14, 0, 12, 7, 0, 9, 5, 1, 2, 1, 1, 0, 9, 1, 2, 8, 0, 7, 5, 2, 2, 3, 0};
static const uint8_t stream4[] = {8, 0, 3, 4, 6, 5, 0, 5, 3, 1, 3, 2, 0, 5, 2, 1, 3, 3, 4, 0, 7, 2, 7, 2, 2, 0, 4, 1, 5,
    0, 5, 7, 3, 0, 7, 2, 10, 0, 9, 2, 4, 1, 0, 3, 1, 2, 11, 0, 1, 8, 4, 4, 0, 6, 2, 7, 1, 0};
static const selftest_recording selftest_recordings[] = {
    {stream0, 2},
    {stream1, 0},
    {stream2, 2},
    {stream3, 2},
    {stream4, 0},
};

static const selftest_case selftest_cases[] = {
#if EGG_SESSION_ESTIMATORS & 1u
    {"batch rank 1",
    {20, 3, 12, 1, EGG_READOUT_INTEGRATE, 5, {{10, 50, 1, 0, 0, 1, 0}}, 0, 0, 0, 0, 1},
    {16, 0, EGG_ESTIMATOR_BATCH, 1, 1, EGG_FITNESS_XENT, 0, 0},
     {2000, 2000}, {120, 2}, {90, 2}, 3,
     {0xe9b075d9u, 0x45e45b1au, 0x6b0ede38u, 0xaecab88du}},
#endif
#if EGG_SESSION_ESTIMATORS & 1u
    {"batch rank 3",
    {20, 3, 12, 2, EGG_READOUT_INTEGRATE, 5, {{8, 80, 1, 2, 0, 1, 0}, {7, 45, 2, 2, 0, 1, 0}}, 0, 0, 0, 0, 1},
    {40, 0, EGG_ESTIMATOR_BATCH, 3, 1, EGG_FITNESS_XENT, 0, 0},
     {1800, 1500}, {120, 2}, {90, 2}, 2,
     {0x4d7ae553u, 0xe3ca101cu, 0xdf113db6u, 0xb3ff9041u}},
#endif
#if EGG_SESSION_ESTIMATORS & 2u
    {"online",
    {20, 3, 12, 1, EGG_READOUT_INTEGRATE, 5, {{10, 50, 1, 0, 0, 1, 0}}, 0, 0, 0, 0, 1},
    {32, 0, EGG_ESTIMATOR_SAMPLE, 1, 3, EGG_FITNESS_XENT, 0, 0},
     {60, 1500}, {120, 10}, {120, 10}, 1,
     {0xe9b075d9u, 0x17fa265au, 0xa28a2a89u, 0x59bc122du}},
#endif
#if EGG_SESSION_ESTIMATORS & 2u
    {"online two layers",
    {20, 3, 12, 2, EGG_READOUT_INTEGRATE, 5, {{8, 80, 1, 2, 0, 1, 0}, {7, 45, 2, 2, 0, 1, 0}}, 0, 0, 0, 0, 1},
    {16, 12, EGG_ESTIMATOR_SAMPLE, 1, 5, EGG_FITNESS_XENT, 0, 0},
     {40, 800}, {120, 10}, {120, 10}, 1,
     {0x4d7ae553u, 0x24fe96f7u, 0x1c7ed378u, 0x5ee49ce6u}},
#endif
#if EGG_SESSION_ESTIMATORS & 8u
    {"sweep",
    {20, 3, 12, 1, EGG_READOUT_INTEGRATE, 5, {{10, 50, 1, 0, 0, 1, 0}}, 0, 0, 0, 0, 1},
    {1, 0, EGG_ESTIMATOR_SWEEP, 1, 3, EGG_FITNESS_XENT, 2000, 0},
     {25, 0}, {64, 8}, {64, 7}, 1,
     {0xe9b075d9u, 0xdf5a5af7u, 0xdf5a5af7u, 0x990e2f82u}},
#endif
#if EGG_SESSION_ESTIMATORS & 8u
    {"sweep two layers",
    {20, 3, 12, 2, EGG_READOUT_INTEGRATE, 5, {{8, 80, 1, 2, 0, 1, 0}, {7, 45, 2, 2, 0, 1, 0}}, 0, 0, 0, 0, 1},
    {1, 12, EGG_ESTIMATOR_SWEEP, 1, 5, EGG_FITNESS_XENT, 0, 0},
     {40, 0}, {64, 8}, {64, 7}, 1,
     {0x4d7ae553u, 0x74ff3731u, 0xcbe18f25u, 0x7dc11a3eu}},
#endif
};
