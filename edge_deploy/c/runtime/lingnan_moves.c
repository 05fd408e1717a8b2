/* Operators without weights: pools, sums, tables and rearrangements. */
#include <string.h>

#include "lingnan_rescale.h"

#ifdef LINGNAN_NEON
#include <arm_neon.h>
#endif

/* Pixels of `bytes` each to places `step` bytes apart. */
static inline void spread_by(int32_t pixels, const int32_t bytes, const uint8_t *restrict in,
                             uint8_t *restrict out, int32_t step)
{
    for (; pixels > 0; --pixels, in += bytes, out += step) memcpy(out, in, (size_t)bytes);
}

/* Of usual sizes without calls. */
static void spread(int32_t pixels, int32_t bytes, const uint8_t *in, uint8_t *out, int32_t step)
{
    switch (bytes) {
    case 8: spread_by(pixels, 8, in, out, step); break;
    case 16: spread_by(pixels, 16, in, out, step); break;
    case 24: spread_by(pixels, 24, in, out, step); break;
    case 32: spread_by(pixels, 32, in, out, step); break;
    default: spread_by(pixels, bytes, in, out, step);
    }
}

void lingnan_global_average(const lingnan_rescale *r, int32_t pixels, int32_t channels,
                            const uint8_t *in, uint8_t *out)
{
    for (int32_t first = 0; first < channels; first += 16) {
        const int32_t left = channels - first, count = left < 16 ? left : 16;
        int32_t sums[16] = {0};
        for (int32_t i = 0; i < pixels; ++i)
            for (int32_t c = 0; c < count; ++c) sums[c] += in[i * channels + first + c];
        for (int32_t c = 0; c < count; ++c) out[first + c] = lingnan_rescaled(r, sums[c], 0);
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

/* The greatest of `rows` x `columns` pixels, of COUNT channels. */
#ifdef LINGNAN_NEON
#define LINGNAN_GREATEST(COUNT, VECTOR, NONE, LOAD, MOST, STORE)                               \
    static inline void greatest_##COUNT(const uint8_t *in, int32_t rows, int32_t columns,      \
                                        int32_t row, int32_t channels, uint8_t *out)           \
    {                                                                                          \
        VECTOR most = NONE(0);                                                                 \
        for (int32_t y = 0; y < rows; ++y, in += row)                                          \
            for (int32_t x = 0; x < columns; ++x) most = MOST(most, LOAD(in + x * channels)); \
        STORE(out, most);                                                                      \
    }
LINGNAN_GREATEST(16, uint8x16_t, vdupq_n_u8, vld1q_u8, vmaxq_u8, vst1q_u8)
LINGNAN_GREATEST(8, uint8x8_t, vdup_n_u8, vld1_u8, vmax_u8, vst1_u8)
#else
#define LINGNAN_GREATEST(COUNT)                                                           \
    static inline void greatest_##COUNT(const uint8_t *in, int32_t rows, int32_t columns, \
                                        int32_t row, int32_t channels, uint8_t *out)      \
    {                                                                                     \
        uint8_t most[COUNT] = {0};                                                        \
        for (int32_t y = 0; y < rows; ++y, in += row)                                     \
            for (int32_t x = 0; x < columns; ++x)                                         \
                for (int c = 0; c < COUNT; ++c) {                                         \
                    const uint8_t value = in[x * channels + c];                           \
                    most[c] = value > most[c] ? value : most[c];                          \
                }                                                                         \
        memcpy(out, most, COUNT);                                                         \
    }
LINGNAN_GREATEST(16)
LINGNAN_GREATEST(8)
#endif

static inline uint8_t greatest(const uint8_t *in, int32_t rows, int32_t columns, int32_t row,
                               int32_t channels)
{
    uint8_t most = 0;
    for (int32_t y = 0; y < rows; ++y, in += row)
        for (int32_t x = 0; x < columns; ++x)
            most = in[x * channels] > most ? in[x * channels] : most;
    return most;
}

/* From `at` on as many of `kernel` as lie within 0 to `size`; what comes before is taken off. */
static int32_t within(int32_t *at, int32_t kernel, int32_t size)
{
    const int32_t end = *at + kernel < size ? *at + kernel : size;
    if (*at < 0) *at = 0;
    return end - *at;
}

/* All channels of one pixel. */
static inline __attribute__((always_inline)) void pooled(const uint8_t *from, int32_t rows,
                                                         int32_t columns, int32_t row,
                                                         int32_t channels, uint8_t *out)
{
    int32_t c = 0;
    for (; c + 16 <= channels; c += 16)
        greatest_16(from + c, rows, columns, row, channels, out + c);
    for (; c + 8 <= channels; c += 8) greatest_8(from + c, rows, columns, row, channels, out + c);
    for (; c < channels; ++c) out[c] = greatest(from + c, rows, columns, row, channels);
}

void lingnan_max_pool(const lingnan_pool *p, const uint8_t *in, uint8_t *out)
{
    const int32_t channels = p->channels, row = p->in_w * channels;
    for (int32_t y = 0; y < p->out_h; ++y) {
        int32_t top = y * p->stride_h - p->pad_top;
        const int32_t rows = within(&top, p->kernel_h, p->in_h);
        for (int32_t x = 0; x < p->out_w; ++x, out += channels) {
            int32_t left = x * p->stride_w - p->pad_left;
            const int32_t columns = within(&left, p->kernel_w, p->in_w);
            const uint8_t *const from = in + top * row + left * channels;
            if (rows == 2 && columns == 2) /* the usual one, without loops */
                pooled(from, 2, 2, row, channels, out);
            else
                pooled(from, rows, columns, row, channels, out);
        }
    }
}

void lingnan_upsample(int32_t h, int32_t w, int32_t c, int32_t factor_h, int32_t factor_w,
                      const uint8_t *in, uint8_t *out)
{
    const int32_t row = w * factor_w * c;
    for (int32_t y = 0; y < h; ++y, in += w * c) {
        for (int32_t at = 0; at < factor_w; ++at) spread(w, c, in, out + at * c, factor_w * c);
        for (int32_t at = 1; at < factor_h; ++at) memcpy(out + at * row, out, (size_t)row);
        out += factor_h * row;
    }
}

void lingnan_place(int32_t pixels, int32_t channels, int32_t out_channels, const uint8_t *in,
                   uint8_t *out)
{
    spread(pixels, channels, in, out, out_channels);
}

void lingnan_flatten(int32_t pixels, int32_t channels, const uint8_t *in, uint8_t *out)
{
    for (int32_t c = 0; c < channels; ++c)
        for (int32_t i = 0; i < pixels; ++i) *out++ = in[i * channels + c];
}

void lingnan_lookup(int32_t size, const uint8_t *table, const uint8_t *in, uint8_t *out)
{
    int32_t i = 0;
#ifdef LINGNAN_NEON
    const uint8x16x4_t parts[4] = {vld1q_u8_x4(table), vld1q_u8_x4(table + 64),
                                   vld1q_u8_x4(table + 128), vld1q_u8_x4(table + 192)};
    for (; i + 16 <= size; i += 16) {
        const uint8x16_t x = vld1q_u8(in + i);
        uint8x16_t found = vqtbl4q_u8(parts[0], x);
        for (int part = 1; part < 4; ++part) /* out of a part's reach: left as it is */
            found = vqtbx4q_u8(found, parts[part], vsubq_u8(x, vdupq_n_u8((uint8_t)(64 * part))));
        vst1q_u8(out + i, found);
    }
#endif
    for (; i < size; ++i) out[i] = table[in[i]];
}

/* One block of the shallow side, `row` bytes to its next row, beside one pixel of the deep side. */
#define LINGNAN_BLOCK_OF(DO)                                                     \
    for (int32_t y = 0; y < block; ++y)                                          \
        for (int32_t x = 0; x < block; ++x)                                      \
            for (int32_t k = 0; k < c; ++k) {                                    \
                const int32_t cell = y * block + x;                              \
                const int32_t deep = by_channel ? k * block * block + cell : cell * c + k; \
                const int32_t shallow = y * row + x * c + k;                     \
                DO;                                                              \
            }

static inline void block_to_depth(int32_t row, const int32_t c, const int32_t block,
                                  const int by_channel, const uint8_t *restrict in,
                                  uint8_t *restrict out)
{
    LINGNAN_BLOCK_OF(out[deep] = in[shallow])
}

static inline void block_to_space(int32_t row, const int32_t c, const int32_t block,
                                  const int by_channel, const uint8_t *restrict in,
                                  uint8_t *restrict out)
{
    LINGNAN_BLOCK_OF(out[shallow] = in[deep])
}

void lingnan_to_depth(int32_t h, int32_t w, int32_t c, int32_t block, int by_channel,
                      const uint8_t *in, uint8_t *out)
{
    const int usual = c == 4 && block == 2 && by_channel; /* known to compilers, thrice as quick */
    const int32_t row = w * c;
    for (int32_t y = 0; y < h; y += block, in += block * row)
        for (int32_t x = 0; x < row; x += block * c, out += block * block * c)
            if (usual)
                block_to_depth(row, 4, 2, 1, in + x, out);
            else
                block_to_depth(row, c, block, by_channel, in + x, out);
}

void lingnan_to_space(int32_t h, int32_t w, int32_t c, int32_t block, int by_channel,
                      const uint8_t *in, uint8_t *out)
{
    const int32_t row = w * c;
    for (int32_t y = 0; y < h; y += block, out += block * row)
        for (int32_t x = 0; x < row; x += block * c, in += block * block * c)
            block_to_space(row, c, block, by_channel, in, out + x);
}
