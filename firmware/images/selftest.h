/* The selftest: repeats short training runs and compares the digests of the weights with those that the reference model
 * gives. If they are equal, compiler, core and RAM of this device do the same as the host's. tools/generate/selftest.py
 * makes the runs. An image has those of its estimators. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <stddef.h>
#include <stdint.h>

/* Called after each generation, with the name of the run, the number of the generation, the digest of its weights, and
 * the digest that they must have. */
typedef void (*selftest_report)(const char *run, uint32_t generation, uint32_t digest, uint32_t expected);

/* Runs the selftest in `memory`, of the given size and aligned to 4; its content is lost. `report` may be NULL. Returns
 * how many digests differed, 0 if all is well. A run that does not fit the memory, or that the core refuses, counts as
 * one. */
uint32_t selftest_run(void *memory, size_t bytes, selftest_report report);

#endif
