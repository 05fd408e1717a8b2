/* Rounding of accumulators, as ONNX Runtime's float32 has it, in integers. */
#ifndef LINGNAN_RESCALE_H
#define LINGNAN_RESCALE_H

#include "lingnan_edge.h"

static inline uint8_t lingnan_clamp(int32_t value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* value / 2^shift to the nearest, ties to even. Right shifts are arithmetic, as on every target. */
static inline int64_t lingnan_half_even(int64_t value, int shift)
{
    return shift ? (value + ((int64_t)1 << (shift - 1)) - 1 + ((value >> shift) & 1)) >> shift
                 : value;
}

/* Rounded to 24 significant bits, ties to even: what conversion to float32 keeps. */
static inline int64_t lingnan_float32(int64_t value)
{
    const int64_t magnitude = value < 0 ? -value : value;
    int drop = 0;
    while ((magnitude >> drop) >> 24) ++drop;
    const int64_t kept = lingnan_half_even(magnitude, drop) * ((int64_t)1 << drop);
    return value < 0 ? -kept : kept;
}

/* Whether one multiplication, addition and shift by 32 or more is all, but for exceptions. */
static inline int lingnan_is_plain(const lingnan_rescale *r)
{
    return r->form == LINGNAN_HALF_UP && r->shift >= 32;
}

/* The forms that are rare: ties to even, float32 itself, scales of one half and more. */
__attribute__((noinline, unused)) static uint8_t lingnan_rescale_rare(const lingnan_rescale *r,
                                                                      int32_t sum, int32_t channel)
{
    int64_t value = sum;
    if (r->form == LINGNAN_HALF_UP) {
        value = (value * r->multiplier[channel] + r->offset[channel]) >> r->shift;
        if (r->exception_counts)
            for (int32_t i = 0; i < r->exception_counts[channel]; ++i)
                value += sum == r->exceptions[channel * r->most + i];
    } else {
        value += r->bias[channel];
        if (r->form == LINGNAN_FLOAT32) value = lingnan_float32(value);
        value *= r->multiplier[channel];
        if (r->form == LINGNAN_FLOAT32) value = lingnan_float32(value);
        value = lingnan_half_even(value, r->shifts[channel]) + r->zero_point;
    }
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static inline uint8_t lingnan_rescaled(const lingnan_rescale *r, int32_t sum, int32_t channel)
{
    if (r->form != LINGNAN_HALF_UP || r->shift < 32) return lingnan_rescale_rare(r, sum, channel);
    const int64_t value = (int64_t)sum * r->multiplier[channel] + r->offset[channel];
    int32_t rounded = (int32_t)(value >> 32) >> (r->shift - 32);
    if (r->exception_counts)
        for (int32_t i = r->exception_counts[channel]; i > 0; --i)
            rounded += sum == r->exceptions[channel * r->most + i - 1];
    return lingnan_clamp(rounded);
}

/* Channels with exceptions once more, after all were rounded without. */
static inline void lingnan_patch(const lingnan_rescale *r, const int32_t *sums, int32_t channel,
                                 int32_t count, uint8_t *out)
{
    for (int32_t c = 0; r->exception_counts && c < count; ++c)
        if (r->exception_counts[channel + c]) out[c] = lingnan_rescaled(r, sums[c], channel + c);
}

#endif
