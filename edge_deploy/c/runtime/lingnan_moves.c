/* Operators without weights: pools, sums, tables and rearrangements. */
#include <string.h>

#include "lingnan_rescale.h"

void lingnan_global_average(const lingnan_rescale *r, int32_t pixels, int32_t channels,
                            const uint8_t *in, uint8_t *out)
{
    for (int32_t c = 0; c < channels; ++c) {
        int32_t sum = 0;
        for (int32_t i = 0; i < pixels; ++i) sum += in[i * channels + c];
        out[c] = lingnan_rescaled(r, sum, 0);
    }
}

/* Without exceptions and ties to even; written so that compilers can take many at once. */
static void plain_sum(const lingnan_add *p, const uint8_t *restrict a, const uint8_t *restrict b,
                      uint8_t *restrict out)
{
    const int32_t by_a = p->multiplier_a, by_b = p->multiplier_b, offset = p->offset;
    const int32_t shift = p->shift, size = p->size;
    for (int32_t i = 0; i < size; ++i)
        out[i] = lingnan_clamp((a[i] * by_a + b[i] * by_b + offset) >> shift);
}

void lingnan_sum(const lingnan_add *p, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    if (p->form == LINGNAN_HALF_UP && !p->exception_count) {
        plain_sum(p, a, b, out);
        return;
    }
    for (int32_t i = 0; i < p->size; ++i) {
        if (p->form == LINGNAN_TABLE) {
            out[i] = p->table[a[i] * 256 + b[i]];
            continue;
        }
        int32_t sum = a[i] * p->multiplier_a + b[i] * p->multiplier_b + p->offset;
        if (p->form == LINGNAN_HALF_EVEN)
            sum += ((int32_t)1 << (p->shift - 1)) - 1 + ((sum >> p->shift) & 1);
        int32_t value = lingnan_clamp(sum >> p->shift);
        const int16_t *exception = p->exceptions;
        for (int e = 0; e < p->exception_count; ++e, exception += 3)
            if (a[i] == exception[0] && b[i] == exception[1]) value += exception[2];
        out[i] = (uint8_t)value;
    }
}

static void raise_to(int32_t count, const uint8_t *restrict from, uint8_t *restrict out)
{
    for (int32_t c = 0; c < count; ++c) out[c] = from[c] > out[c] ? from[c] : out[c];
}

void lingnan_max_pool(const lingnan_pool *p, const uint8_t *in, uint8_t *out)
{
    for (int32_t y = 0; y < p->out_h; ++y)
        for (int32_t x = 0; x < p->out_w; ++x, out += p->channels) {
            memset(out, 0, (size_t)p->channels);
            for (int32_t k = 0; k < p->kernel_h * p->kernel_w; ++k) {
                const int32_t at_y = y * p->stride_h - p->pad_top + k / p->kernel_w;
                const int32_t at_x = x * p->stride_w - p->pad_left + k % p->kernel_w;
                if (at_y < 0 || at_y >= p->in_h || at_x < 0 || at_x >= p->in_w) continue;
                raise_to(p->channels, in + (at_y * p->in_w + at_x) * p->channels, out);
            }
        }
}

void lingnan_upsample(int32_t h, int32_t w, int32_t c, int32_t factor_h, int32_t factor_w,
                      const uint8_t *in, uint8_t *out)
{
    for (int32_t y = 0; y < h * factor_h; ++y)
        for (int32_t x = 0; x < w * factor_w; ++x, out += c)
            memcpy(out, in + (y / factor_h * w + x / factor_w) * c, (size_t)c);
}

void lingnan_place(int32_t pixels, int32_t channels, int32_t out_channels, const uint8_t *in,
                   uint8_t *out)
{
    for (int32_t i = 0; i < pixels; ++i, in += channels, out += out_channels)
        memcpy(out, in, (size_t)channels);
}

void lingnan_flatten(int32_t pixels, int32_t channels, const uint8_t *in, uint8_t *out)
{
    for (int32_t c = 0; c < channels; ++c)
        for (int32_t i = 0; i < pixels; ++i) *out++ = in[i * channels + c];
}

void lingnan_lookup(int32_t size, const uint8_t *table, const uint8_t *in, uint8_t *out)
{
    for (int32_t i = 0; i < size; ++i) out[i] = table[in[i]];
}

/* Where (y, x, channel) of the shallow side is on the deep one. */
static int32_t deep(int32_t w, int32_t c, int32_t block, int by_channel, int32_t y, int32_t x,
                    int32_t channel)
{
    const int32_t cell = y % block * block + x % block;
    const int32_t at = by_channel ? channel * block * block + cell : cell * c + channel;
    return (y / block * (w / block) + x / block) * c * block * block + at;
}

void lingnan_to_depth(int32_t h, int32_t w, int32_t c, int32_t block, int by_channel,
                      const uint8_t *in, uint8_t *out)
{
    for (int32_t y = 0; y < h; ++y)
        for (int32_t x = 0; x < w; ++x)
            for (int32_t k = 0; k < c; ++k) out[deep(w, c, block, by_channel, y, x, k)] = *in++;
}

void lingnan_to_space(int32_t h, int32_t w, int32_t c, int32_t block, int by_channel,
                      const uint8_t *in, uint8_t *out)
{
    for (int32_t y = 0; y < h; ++y)
        for (int32_t x = 0; x < w; ++x)
            for (int32_t k = 0; k < c; ++k) *out++ = in[deep(w, c, block, by_channel, y, x, k)];
}
