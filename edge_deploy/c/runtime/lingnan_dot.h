/* What a machine does with sixteen output channels: sums of int8 weights times uint8 activations in
 * two windows, those of a depthwise window, and their rounding to uint8.
 *
 * Weights of a convolution lie in blocks of sixteen output channels, the last block as wide as its
 * channels need in fours; in a block four taps of each channel stand together:
 * (tap / 4, channel, tap % 4). Rows of taps are padded with zeros to a multiple of four. */
#ifndef LINGNAN_DOT_H
#define LINGNAN_DOT_H

#include <string.h>

#include "lingnan_rescale.h"

enum { LINGNAN_BLOCK = 16 };

/* Two windows; each has `runs` runs of `length` bytes (a multiple of four), `pitch` bytes apart. Sums
 * of the second are LINGNAN_BLOCK behind those of the first. */
typedef struct {
    const uint8_t *at[2];
    int32_t count, runs, length, pitch;
} lingnan_windows;

/* Taps of a depthwise window: weights and activations, bytes to the next row and to the next tap. */
typedef struct {
    const int8_t *w;
    const uint8_t *x;
    int32_t w_pitch, w_step, x_pitch, x_step;
} lingnan_taps;

static inline uint32_t lingnan_word(const void *at)
{
    uint32_t word;
    memcpy(&word, at, 4);
    return word;
}

#if defined(LINGNAN_SMLAD)
#include "lingnan_smlad.h"
#else
#include "lingnan_plain.h"
#endif

#endif
