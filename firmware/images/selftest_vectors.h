/* Written by tools/generate/selftest.py; do not edit. For selftest.c only. */
/* clang-format off */

#if EGG_SESSION_ESTIMATORS & 1u
static const uint8_t run0_stream0[] = {3, 1, 1, 9, 3, 0, 2, 5, 6, 2, 4, 0, 2, 4, 1, 1, 4, 2, 2, 2, 0, 3, 0, 6, 2, 1, 2,
    7, 0};
static const uint8_t run0_stream1[] = {1, 5, 1, 1, 1, 5, 1, 4, 0, 4, 6, 4, 1, 2, 0, 1, 8, 1, 10, 0, 1, 6, 4, 3, 3, 2, 0,
    1, 4, 7, 4, 3, 0};
static const uint8_t run0_stream2[] = {11, 4, 4, 1, 0, 3, 14, 2, 0, 13, 1, 0, 3, 1, 1, 4, 2, 8, 0, 3, 3, 9, 2, 0};
static const uint8_t run0_stream3[] = {7, 9, 3, 0, 5, 2, 6, 0, 5, 1, 4, 8, 0, 8, 4, 7, 0, 3, 3, 3, 5, 3, 2, 1, 0};
static const uint8_t run0_stream4[] = {4, 5, 2, 5, 2, 0, 1, 3, 3, 7, 6, 0, 1, 5, 3, 1, 3, 5, 1, 0, 14, 4, 1, 0, 5, 3, 1,
    1, 3, 4, 1, 0};
static const uint8_t run0_stream5[] = {2, 5, 5, 1, 5, 1, 0, 13, 0, 19, 0, 1, 1, 8, 2, 3, 1, 0, 2, 1, 0};
static const uint8_t run0_stream6[] = {5, 3, 2, 7, 1, 0, 1, 1, 2, 1, 2, 4, 1, 3, 5, 0, 1, 4, 3, 3, 0, 7, 1, 2, 6, 2, 0,
    2, 3, 1, 2, 10, 0};
static const selftest_recording run0_recordings[] = {
    {run0_stream0, sizeof run0_stream0, 1},
    {run0_stream1, sizeof run0_stream1, 2},
    {run0_stream2, sizeof run0_stream2, 2},
    {run0_stream3, sizeof run0_stream3, 2},
    {run0_stream4, sizeof run0_stream4, 0},
    {run0_stream5, sizeof run0_stream5, 0},
    {run0_stream6, sizeof run0_stream6, 0},
};
#endif
#if EGG_SESSION_ESTIMATORS & 1u
static const uint8_t run1_stream0[] = {2, 5, 4, 0, 1, 4, 5, 2, 0, 4, 5, 1, 2, 2, 0, 5, 1, 1, 1, 1, 2, 2, 1, 0, 7, 1, 2,
    3, 0, 4, 1, 4, 1, 0, 1, 1, 7, 3, 1, 0, 3, 1, 2, 8, 0, 2, 1, 1, 0};
static const uint8_t run1_stream1[] = {7, 5, 0, 2, 6, 0, 4, 1, 1, 2, 3, 0, 4, 3, 2, 1, 3, 0, 1, 3, 2, 5, 0, 2, 2, 3, 2,
    1, 0, 1, 4, 2, 2, 4, 0, 6, 6, 1, 0, 1, 1, 6, 5, 0};
static const uint8_t run1_stream2[] = {1, 6, 5, 1, 0, 2, 1, 4, 4, 0, 1, 4, 1, 1, 6, 0, 4, 4, 1, 3, 0, 4, 5, 1, 3, 1, 0,
    4, 2, 4, 1, 0, 1, 2, 1, 1, 5, 3, 0, 3, 8, 2, 1, 0, 1, 2, 5, 2, 0};
static const uint8_t run1_stream3[] = {8, 6, 0, 8, 0, 1, 7, 0, 1, 5, 5, 2, 0, 10, 1, 0, 1, 3, 3, 1, 4, 1, 0, 1, 1, 4, 1,
    7, 0, 3, 1, 1, 2, 3, 0, 1, 8, 2, 0};
static const uint8_t run1_stream4[] = {1, 2, 2, 2, 6, 0, 3, 4, 2, 1, 2, 1, 0, 3, 1, 1, 0, 1, 1, 4, 1, 2, 0, 7, 3, 4, 0,
    1, 3, 3, 4, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 4, 1, 0, 2, 1, 1, 1, 2, 5, 1, 0, 3, 3, 1, 0};
static const uint8_t run1_stream5[] = {1, 1, 3, 4, 1, 3, 0, 3, 3, 4, 1, 3, 0, 6, 1, 3, 3, 1, 0, 2, 1, 0, 2, 2, 7, 1, 0,
    8, 1, 2, 0, 1, 2, 6, 0, 3, 1, 4, 1, 0, 1, 1, 1, 2, 7, 2, 0};
static const selftest_recording run1_recordings[] = {
    {run1_stream0, sizeof run1_stream0, 1},
    {run1_stream1, sizeof run1_stream1, 0},
    {run1_stream2, sizeof run1_stream2, 1},
    {run1_stream3, sizeof run1_stream3, 3},
    {run1_stream4, sizeof run1_stream4, 1},
    {run1_stream5, sizeof run1_stream5, 3},
};
#endif
#if EGG_SESSION_ESTIMATORS & 2u
static const uint8_t run2_stream0[] = {1, 1, 1, 6, 0, 1, 6, 9, 1, 0, 2, 12, 5, 1, 0, 2, 10, 1, 1, 3, 3, 0, 20, 0, 14, 0,
    2, 2, 3, 5, 3, 5, 0, 2, 1, 4, 5, 0, 1, 5, 2, 4, 6, 0, 2, 3, 2, 9, 4, 0, 3, 2, 3, 5, 0, 13, 2, 1, 2, 0, 5, 2, 1, 1,
    2, 4, 0, 1, 3, 9, 6, 0, 3, 4, 5, 4, 2, 0};
static const uint8_t run2_stream1[] = {8, 1, 10, 0, 7, 1, 2, 1, 3, 5, 0, 6, 4, 1, 1, 7, 0, 8, 1, 1, 2, 1, 3, 3, 0, 2, 3,
    5, 0, 6, 3, 4, 1, 3, 2, 0, 1, 7, 1, 7, 0, 3, 2, 8, 1, 6, 0, 1, 1, 4, 2, 1, 3, 2, 1, 4, 0, 8, 2, 1, 2, 1, 2, 0, 6, 6,
    4, 0, 2, 2, 4, 4, 3, 1, 1, 1, 1, 1, 0, 1, 2, 4, 3, 3, 1, 0, 1, 3, 3, 8, 5, 0, 2, 1, 4, 1, 4, 8, 0};
static const uint8_t run2_stream2[] = {1, 1, 3, 1, 5, 5, 2, 1, 0, 3, 9, 1, 7, 0, 4, 1, 7, 2, 2, 1, 3, 0, 4, 4, 3, 1, 5,
    0, 1, 9, 2, 8, 0, 8, 1, 3, 1, 6, 0, 3, 4, 4, 5, 1, 0, 7, 3, 2, 1, 0, 1, 5, 1, 3, 6, 0, 5, 8, 4, 0, 14, 0, 13, 2, 0,
    4, 2, 1, 3, 1, 3, 3, 2, 0, 2, 1, 4, 1, 4, 1, 1, 1, 5, 0, 0};
static const uint8_t run2_stream3[] = {2, 1, 1, 4, 2, 4, 2, 1, 2, 1, 0, 1, 2, 1, 3, 2, 2, 5, 2, 2, 0, 7, 2, 6, 5, 0, 6,
    2, 2, 5, 2, 3, 0, 3, 1, 1, 6, 2, 0, 6, 2, 2, 1, 7, 2, 0, 2, 12, 2, 3, 0, 4, 1, 7, 3, 0, 2, 3, 2, 2, 2, 5, 0, 1, 1,
    10, 8, 0, 1, 3, 2, 1, 9, 0, 9, 2, 2, 2, 2, 1, 1, 0, 1, 2, 5, 1, 6, 2, 1, 0, 1, 1, 2, 7, 3, 1, 0, 1, 2, 10, 4, 0};
static const selftest_recording run2_recordings[] = {
    {run2_stream0, sizeof run2_stream0, 1},
    {run2_stream1, sizeof run2_stream1, 2},
    {run2_stream2, sizeof run2_stream2, 1},
    {run2_stream3, sizeof run2_stream3, 3},
};
#endif
#if EGG_SESSION_ESTIMATORS & 10u
static const uint8_t run3_stream0[] = {4, 11, 0, 8, 2, 5, 0, 7, 0, 5, 7, 0, 6, 1, 2, 1, 4, 2, 0, 6, 4, 2, 2, 2, 0, 1, 2,
    4, 7, 1, 1, 0, 1, 2, 2, 2, 4, 5, 0, 4, 1, 2, 0, 11, 0, 1, 1, 3, 2, 3, 1, 1, 0, 3, 1, 1, 1, 0};
static const uint8_t run3_stream1[] = {9, 5, 0, 7, 3, 4, 0, 5, 2, 4, 2, 0, 3, 2, 5, 4, 0, 7, 2, 6, 1, 0, 8, 3, 2, 1, 0,
    6, 2, 3, 5, 0, 3, 2, 2, 1, 1, 1, 1, 0, 1, 1, 6, 6, 0, 9, 1, 1, 5, 0, 11, 2, 1, 2, 0, 4, 7, 1, 3, 1, 0};
static const uint8_t run3_stream2[] = {5, 1, 1, 6, 3, 0, 3, 8, 0, 1, 3, 4, 1, 2, 0, 5, 2, 7, 0, 2, 6, 8, 0, 3, 1, 7, 0,
    9, 1, 0, 6, 1, 2, 1, 4, 0, 3, 3, 3, 4, 2, 1, 0, 1, 9, 1, 4, 0, 1, 2, 2, 2, 3, 2, 2, 0, 3, 1, 2, 1, 1, 4, 3, 1, 0};
static const selftest_recording run3_recordings[] = {
    {run3_stream0, sizeof run3_stream0, 1},
    {run3_stream1, sizeof run3_stream1, 2},
    {run3_stream2, sizeof run3_stream2, 1},
};
#endif
#if EGG_SESSION_ESTIMATORS & 1u
static const uint8_t run0_order0[] = {2, 3, 6};
static const uint8_t run0_order1[] = {0, 5, 4};
static const uint8_t run0_order2[] = {2, 3, 0};
static const selftest_generation run0_generations[] = {
    {0x57354cf2u, {100, 1}, {100, 1}, run0_order0},
    {0x6b56740du, {120, 2}, {90, 2}, run0_order1},
    {0xd76c05f8u, {127, 4}, {64, 3}, run0_order2},
};
#endif
#if EGG_SESSION_ESTIMATORS & 1u
static const uint8_t run1_order0[] = {0, 2};
static const uint8_t run1_order1[] = {1, 3};
static const uint8_t run1_order2[] = {5, 4};
static const selftest_generation run1_generations[] = {
    {0x3b9dc183u, {100, 1}, {100, 1}, run1_order0},
    {0xa3fa4b7fu, {120, 2}, {90, 2}, run1_order1},
    {0x4285fa55u, {127, 4}, {64, 3}, run1_order2},
};
#endif
#if EGG_SESSION_ESTIMATORS & 2u
static const uint8_t run2_order0[] = {3};
static const uint8_t run2_order1[] = {0};
static const uint8_t run2_order2[] = {1};
static const selftest_generation run2_generations[] = {
    {0x65b6bc91u, {127, 12}, {127, 12}, run2_order0},
    {0x5a7ff79bu, {100, 12}, {90, 13}, run2_order1},
    {0x101807adu, {64, 13}, {127, 15}, run2_order2},
};
#endif
#if EGG_SESSION_ESTIMATORS & 2u
static const uint8_t run3_order0[] = {1};
static const uint8_t run3_order1[] = {0};
static const uint8_t run3_order2[] = {2};
static const selftest_generation run3_generations[] = {
    {0xc22c121au, {127, 12}, {127, 12}, run3_order0},
    {0x8ff8b3e4u, {100, 12}, {90, 13}, run3_order1},
    {0x1eccd330u, {64, 13}, {127, 15}, run3_order2},
};
#endif
#if EGG_SESSION_ESTIMATORS & 8u
static const uint8_t run4_order0[] = {1};
static const uint8_t run4_order1[] = {0};
static const uint8_t run4_order2[] = {2};
static const selftest_generation run4_generations[] = {
    {0xb7b8fd55u, {64, 12}, {64, 7}, run4_order0},
    {0xfbf30d22u, {64, 12}, {64, 7}, run4_order1},
    {0x2c637c8au, {64, 12}, {64, 7}, run4_order2},
};
#endif

static const selftest_case selftest_cases[] = {
#if EGG_SESSION_ESTIMATORS & 1u
    {"batch rank 1",
     {20, 3, 5, 1, EGG_READOUT_INTEGRATE, 5, {{8, 45, 2, 0}}},
     {16, 0, EGG_ESTIMATOR_BATCH, 1, 1, EGG_FITNESS_XENT},
     {2000, 2000},
     4024180115u, 0x47232143u, 40, 40, 3, 3,
     run0_recordings, run0_generations},
#endif
#if EGG_SESSION_ESTIMATORS & 1u
    {"batch rank 3",
     {14, 4, 9, 2, EGG_READOUT_INTEGRATE, 5, {{9, 45, 1, 2}, {6, 30, 2, 2}}},
     {40, 0, EGG_ESTIMATOR_BATCH, 3, 1, EGG_FITNESS_XENT},
     {1800, 1500},
     1331394310u, 0x8d3e6f08u, 50, 40, 2, 3,
     run1_recordings, run1_generations},
#endif
#if EGG_SESSION_ESTIMATORS & 2u
    {"online",
     {20, 4, 15, 1, EGG_READOUT_INTEGRATE, 5, {{10, 50, 1, 0}}},
     {32, 0, EGG_ESTIMATOR_SAMPLE, 1, 3, EGG_FITNESS_XENT},
     {60, 1500},
     3781228375u, 0xa3bc504cu, 36, 30, 1, 3,
     run2_recordings, run2_generations},
#endif
#if EGG_SESSION_ESTIMATORS & 2u
    {"online two layers",
     {16, 3, 12, 2, EGG_READOUT_INTEGRATE, 5, {{8, 80, 1, 2}, {7, 45, 2, 2}}},
     {16, 12, EGG_ESTIMATOR_SAMPLE, 1, 5, EGG_FITNESS_XENT},
     {40, 800},
     3466442612u, 0x6e0cb1ebu, 48, 40, 1, 3,
     run3_recordings, run3_generations},
#endif
#if EGG_SESSION_ESTIMATORS & 8u
    {"sweep two layers",
     {16, 3, 12, 2, EGG_READOUT_INTEGRATE, 5, {{8, 80, 1, 2}, {7, 45, 2, 2}}},
     {1, 12, EGG_ESTIMATOR_SWEEP, 1, 5, EGG_FITNESS_XENT},
     {40, 800},
     3466442612u, 0x6e0cb1ebu, 48, 40, 1, 3,
     run3_recordings, run4_generations},
#endif
};
