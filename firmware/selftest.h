/* A short training run that is compiled in, compared with the digests that it must give: on a device the proof that
 * compiler, core and RAM do what they do on the host. The runs are of tests/vectors/generations.json. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <stddef.h>
#include <stdint.h>

/* Told after each generation: the run's name, the generation, the digest it gave, the one it must give. */
typedef void (*selftest_report)(const char *run, uint32_t generation, uint32_t digest, uint32_t expected);

/* Works in `memory` (aligned to 4; what it held is lost). report may be NULL. Returns how many digests differed; a run
 * that does not fit, or that the core refuses, counts as one. */
uint32_t selftest_run(void *memory, size_t bytes, selftest_report report);

#endif
