/* Host only: recordings in the file format of N-MNIST become columns of events, and events become streams.
 *
 * The functions allocate no memory. Several threads may call them at once on different recordings. */
#ifndef EGG_RECORDINGS_H
#define EGG_RECORDINGS_H

#include "base/egg_types.h"

/* How the polarity of an event, brighter (p = 1) or darker (p = 0), chooses its channel of inputs. */
enum {
    EGG_POLARITY_SPLIT = 0,  /* a channel of inputs for each polarity */
    EGG_POLARITY_MERGED = 1, /* one channel for both */
    EGG_POLARITY_ON = 2,     /* one channel of the events with p = 1; the others are dropped */
    EGG_POLARITY_OFF = 3     /* one channel of the events with p = 0; the others are dropped */
};

/* How a recording is divided into ticks, and its pixels into inputs. Input (channel * rows + y) * columns + x is pixel
 * (x, y) of the pooled sensor. */
typedef struct {
    uint32_t window_us;     /* time that is divided into equal ticks, 1..60000000 microseconds */
    uint32_t before_us;     /* events at this time or later are dropped; at most window_us */
    uint16_t height, width; /* pixels of the sensor, 1..1024 */
    uint8_t ticks;          /* 1..EGG_TICKS_MAX */
    uint8_t pool;           /* 1, or 2 to merge 2 x 2 pixels */
    uint8_t polarity;       /* EGG_POLARITY_* */
    uint8_t stabilize;      /* 1: undo the nominal saccades of N-MNIST; events that leave the sensor are dropped */
} egg_binning;

/* Events as columns of equal length. */
typedef struct {
    uint16_t *x, *y; /* pixel, counted from the top left */
    int32_t *t;      /* microseconds, 0 or more */
    uint8_t *p;      /* polarity, 0 or 1 */
} egg_events;

/* The results of egg_recordings_decode(). */
enum {
    EGG_RECORDING_OK = 0,
    EGG_RECORDING_X,         /* x is outside the sensor */
    EGG_RECORDING_Y,         /* y is outside the sensor */
    EGG_RECORDING_BACKWARDS, /* an event is earlier than the one before it */
    EGG_RECORDING_CLOCK      /* the time does not fit 31 bits */
};

/* Decodes n files of 5-byte records, file i being bytes[starts[i] .. starts[i + 1]), for a sensor of side x side
 * pixels. `events` needs room for one event for each record. A record is x, y, and 24 bits, most significant byte
 * first: the polarity and 23 bits of microseconds. A record with y = 240 is no event: it adds 8192 us to the times of
 * all records behind it. File i becomes the events ends[i] .. ends[i + 1]. Returns EGG_RECORDING_*. After a fault *bad
 * is the file, and ends[*bad + 1] the index of the faulty event. */
uint32_t egg_recordings_decode(const uint8_t *bytes, const int64_t *starts, uint32_t n, uint32_t side,
                               const egg_events *events, int64_t *ends, uint32_t *bad);

/* Length of the map that egg_recordings_bin() needs, in 64-bit words. The map is zeroed before, and again afterwards.
 */
size_t egg_recordings_map_words(const egg_binning *binning);

/* Upper bound of the bytes of n streams that hold `events` events in all, plus the room that encoding them needs. */
size_t egg_recordings_bytes(const egg_binning *binning, uint64_t events, uint32_t n);

/* Bins n recordings. Recording i is the events starts[i] .. starts[i + 1], in any order, all within the sensor. Its
 * stream is stream[ends[i] .. ends[i + 1]). */
void egg_recordings_bin(const egg_binning *binning, const egg_events *events, const int64_t *starts, uint32_t n,
                        uint64_t *map, uint8_t *stream, int64_t *ends);

/* Reads n files and encodes them as streams, faster than separate calls do. The sensor of the files is no larger than
 * that of the binning, which must not stabilize. `paths` are the names of the files end to end, each with its final 0.
 * bytes[room] holds one file at a time. `stream` has room for n recordings of room / 5 events.
 * Returns true; or false if a file cannot be read, is empty, has a length that is no multiple of 5 or not below `room`,
 * or if egg_recordings_decode() would find a fault in it. Then the map is not zeroed. */
bool egg_recordings_bin_files(const egg_binning *binning, const char *paths, uint32_t n, uint32_t side, uint8_t *bytes,
                              size_t room, uint64_t *map, uint8_t *stream, int64_t *ends);

#endif
