/* What a machine with wide registers does with a strip: the pixels of one output row, of sixteen
 * output channels or of those that are left. Sums are rounded in float32, as ONNX Runtime has it:
 * this is what the integer forms of the other machines are proven equal to.
 *
 * Weights lie in blocks of sixteen output channels, the last block as wide as its channels need in
 * fours; in a block four taps of each channel stand together: (tap / 4, channel, tap % 4). Those of
 * a depthwise layer are (kernel column, channel, four kernel rows). */
#ifndef LINGNAN_WIDE_H
#define LINGNAN_WIDE_H

#include <string.h>

#include "lingnan_edge.h"

enum { LINGNAN_BLOCK = 16 };

/* step: bytes from a window to the next; out_step: from a pixel of the output to the next. */
typedef struct {
    const int8_t *weight;
    const int32_t *start; /* of sums */
    const float *scale;
    int32_t zero_point, count, pixels, step, out_step; /* count: of channels */
} lingnan_strip;

/* Each has
 *   LINGNAN_FLIP: what is taken by exclusive or from activations to have them as it takes them,
 *   lingnan_copy(from, bytes, to): so,
 *   lingnan_together(rows, bytes, to): three rows so, four bytes a value, the third row twice,
 *   lingnan_strip_sums(strip, rows, runs, length, out): a run of `length` bytes of each row,
 *   lingnan_depthwise_strip(strip, x, column, columns, out): `column` bytes to the next column. */
#if defined(LINGNAN_NEON)
#include "lingnan_neon.h"
#else
#include "lingnan_vnni.h"
#endif

#endif
