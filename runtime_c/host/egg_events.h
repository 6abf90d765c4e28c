/* Host only: recordings in N-MNIST's file format become columns of events, and events become byte streams.
 * No memory of its own; several threads may work on recordings of their own at once. */
#ifndef EGG_EVENTS_H
#define EGG_EVENTS_H

#include "../egg_types.h"

enum {
    EGG_POLARITY_SPLIT = 0,  /* a channel for each polarity bit */
    EGG_POLARITY_MERGED = 1, /* one channel */
    EGG_POLARITY_ON = 2,     /* one channel of the events with p = 1 */
    EGG_POLARITY_OFF = 3     /* one channel of the events with p = 0 */
};

/* How a recording becomes ticks; inputs are (channel * rows + y) * columns + x of the pooled sensor. */
typedef struct {
    uint32_t window_us;     /* cut into equal ticks; 1..60000000 */
    uint32_t before_us;     /* events at this time or later are dropped; at most window_us */
    uint16_t height, width; /* of the sensor, 1..1024 */
    uint8_t ticks;          /* 1..32 */
    uint8_t pool;           /* 1, or 2 to merge 2 x 2 pixels */
    uint8_t polarity;       /* EGG_POLARITY_* */
    uint8_t stabilize;      /* undo N-MNIST's nominal saccades; what leaves the sensor is dropped */
} egg_binning;

/* Events as columns of equal length. */
typedef struct {
    uint16_t *x, *y; /* pixel, from the top left */
    int32_t *t;      /* microseconds */
    uint8_t *p;      /* 0 or 1 */
} egg_events;

/* What is wrong with a recording. */
enum {
    EGG_EVENTS_OK = 0,
    EGG_EVENTS_X,         /* x off the sensor */
    EGG_EVENTS_Y,         /* y off the sensor */
    EGG_EVENTS_BACKWARDS, /* time runs backwards */
    EGG_EVENTS_CLOCK      /* time does not fit 31 bits */
};

/* Decodes n files of 5-byte records, file i being bytes[starts[i] .. starts[i+1]), into events (room for one a record).
 * A record is x, y, then 24 bits, most significant byte first: polarity, 23 bits of microseconds. One with y = 240 is
 * no event: it adds 8192 us to its own and all later times. File i becomes the events ends[i] .. ends[i+1].
 * Returns EGG_EVENTS_*; at a fault, *bad is the file, and event ends[*bad + 1] the faulty one. */
uint32_t egg_events_decode(const uint8_t *bytes, const int64_t *starts, uint32_t n, uint32_t side,
                           const egg_events *events, int64_t *ends, uint32_t *bad);

/* Words of a zeroed map that egg_events_bin() needs, and leaves zeroed. */
size_t egg_events_map_words(const egg_binning *binning);

/* Upper bound of the bytes that n recordings of so many events in all become, and room to work on. */
size_t egg_events_bytes(const egg_binning *binning, uint64_t events, uint32_t n);

/* Bins n recordings, recording i being events starts[i] .. starts[i+1] in any order, all on the sensor and t >= 0.
 * Stream i is stream[ends[i] .. ends[i+1]). */
void egg_events_bin(const egg_binning *binning, const egg_events *events, const int64_t *starts, uint32_t n,
                    uint64_t *map, uint8_t *stream, int64_t *ends);

/* From files to streams, sooner than step by step: n files of a sensor no larger than the binning's, which must not
 * stabilize. `paths` are theirs end to end, each with its 0; bytes[room] holds a file at a time; the stream has room
 * for n recordings of room / 5 events. Returns 1; or 0 if a file cannot be read, is empty, no multiple of 5 or not
 * shorter than `room`, or egg_events_decode() finds a fault in it. The map is not zeroed then. */
uint32_t egg_events_bin_files(const egg_binning *binning, const char *paths, uint32_t n, uint32_t side, uint8_t *bytes,
                              size_t room, uint64_t *map, uint8_t *stream, int64_t *ends);

#endif
