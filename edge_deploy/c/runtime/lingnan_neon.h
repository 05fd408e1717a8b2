/* 64-bit ARM: NEON, and its dot products where the compiler is told of them (armv8.2-a+dotprod);
 * included by lingnan_wide.h. Activations are taken as signed, 128 less than they are. */
#include <arm_neon.h>

enum { LINGNAN_FLIP = 128, LINGNAN_MOST_COLUMNS = 16 };

/* Four products of each of four channels; W and X: four bytes a channel, as LINGNAN_QUAD has them.
 * LINGNAN_FOUR takes the four bytes K of X for every channel. */
#ifndef LINGNAN_PAIRS
enum { LINGNAN_SUMS = 16 }; /* that stay in registers beside what eight windows need */

static inline int32x4_t lingnan_four(int32x4_t sum, int8x16_t w, int8x16_t x)
{
    return vdotq_s32(sum, w, x);
}

#define LINGNAN_FOUR(SUM, W, X, K) vdotq_laneq_s32(SUM, W, X, K)
#else
enum { LINGNAN_SUMS = 8 };

/* Products of eight bits, two of them in 16, which they never leave (2 x 128 x 127). */
static inline int32x4_t lingnan_four(int32x4_t sum, int8x16_t w, int8x16_t x)
{
    const int16x8_t pairs = vmull_s8(vget_low_s8(w), vget_low_s8(x));
    return vpadalq_s16(sum, vmlal_high_s8(pairs, w, x));
}

#define LINGNAN_TWICE(A, B) A, B, A, B, A, B, A, B
static const uint8_t lingnan_pairs[4][16] = {{LINGNAN_TWICE(0, 1), LINGNAN_TWICE(2, 3)},
                                             {LINGNAN_TWICE(4, 5), LINGNAN_TWICE(6, 7)},
                                             {LINGNAN_TWICE(8, 9), LINGNAN_TWICE(10, 11)},
                                             {LINGNAN_TWICE(12, 13), LINGNAN_TWICE(14, 15)}};
#define LINGNAN_FOUR(SUM, W, X, K) lingnan_four(SUM, W, vqtbl1q_s8(X, vld1q_u8(lingnan_pairs[K])))
#endif

static inline int8x16_t lingnan_signed(uint8x16_t x)
{
    return vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(LINGNAN_FLIP)));
}

static inline void lingnan_copy(const uint8_t *from, int32_t bytes, uint8_t *to)
{
    int32_t at = 0;
    for (; at + 16 <= bytes; at += 16)
        vst1q_s8((int8_t *)to + at, lingnan_signed(vld1q_u8(from + at)));
    for (; at < bytes; ++at) to[at] = from[at] ^ LINGNAN_FLIP;
}

/* Eight values: two bytes of each, and two. */
static inline void lingnan_quads(uint8x16_t xy, uint8x16_t zz, uint8_t *to)
{
#ifdef LINGNAN_PAIRS
    const uint64x2_t a = vreinterpretq_u64_u8(xy), b = vreinterpretq_u64_u8(zz);
    vst1q_u8(to, vreinterpretq_u8_u64(vzip1q_u64(a, b)));
    vst1q_u8(to + 16, vreinterpretq_u8_u64(vzip2q_u64(a, b)));
#else
    const uint16x8_t a = vreinterpretq_u16_u8(xy), b = vreinterpretq_u16_u8(zz);
    vst1q_u8(to, vreinterpretq_u8_u16(vzip1q_u16(a, b)));
    vst1q_u8(to + 16, vreinterpretq_u8_u16(vzip2q_u16(a, b)));
#endif
}

/* bytes: a multiple of four. */
static inline void lingnan_together(const uint8_t *const rows[3], int32_t bytes, uint8_t *to)
{
    const uint8_t *const a = rows[0], *const b = rows[1], *const c = rows[2];
    int32_t at = 0;
    for (; at + 16 <= bytes; at += 16, to += 64) {
        const uint8x16_t flip = vdupq_n_u8(LINGNAN_FLIP);
        const uint8x16_t x = veorq_u8(vld1q_u8(a + at), flip), y = veorq_u8(vld1q_u8(b + at), flip);
        const uint8x16_t z = veorq_u8(vld1q_u8(c + at), flip);
        lingnan_quads(vzip1q_u8(x, y), vzip1q_u8(z, z), to);
        lingnan_quads(vzip2q_u8(x, y), vzip2q_u8(z, z), to + 32);
    }
    for (; at < bytes; at += 4, to += 16) {
        const uint8_t both[16] = {LINGNAN_QUAD(
            a[at], b[at], c[at], c[at], a[at + 1], b[at + 1], c[at + 1], c[at + 1], a[at + 2],
            b[at + 2], c[at + 2], c[at + 2], a[at + 3], b[at + 3], c[at + 3], c[at + 3])};
        vst1q_s8((int8_t *)to, lingnan_signed(vld1q_u8(both)));
    }
}

/* A quad's sums rounded, in 16 bits; ties to even, the zero point not yet added. */
static inline int16x4_t lingnan_rounded_quad(int32x4_t sum, float32x4_t scale)
{
    return vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sum), scale)));
}

/* Two quads as bytes. */
static inline uint8x8_t lingnan_bytes(int32x4_t low, int32x4_t high, float32x4_t by_low,
                                      float32x4_t by_high, int16x8_t zero_point)
{
    const int16x8_t rounded =
        vcombine_s16(lingnan_rounded_quad(low, by_low), lingnan_rounded_quad(high, by_high));
    return vqmovun_s16(vqaddq_s16(rounded, zero_point));
}

static inline void lingnan_part(uint8x16_t bytes, int32_t count, uint8_t *out)
{
    uint8_t all[16];
    vst1q_u8(all, bytes);
    memcpy(out, all, (size_t)count);
}

/* `windows` pixels of `quads` quads: those of some pixels beside each other are rounded at once. */
static inline __attribute__((always_inline)) void lingnan_put(
    const int32x4_t *sums, const float32x4_t *scale, const int quads, const int windows,
    const lingnan_strip *s, uint8_t *out)
{
    int32_t zero_point = s->zero_point;
    __asm__("" : "+r"(zero_point)); /* told here, and not kept in a register of the sums */
    const int16x8_t zero = vdupq_n_s16((int16_t)zero_point);
    const int32_t step = s->out_step, count = s->count;
    uint8x8_t halves[2];
    if (quads > 2) {
        for (int i = 0; i < windows; ++i, sums += quads, out += step) {
            halves[0] = lingnan_bytes(sums[0], sums[1], scale[0], scale[1], zero);
            halves[1] = lingnan_bytes(sums[2], sums[quads - 1], scale[2], scale[quads - 1], zero);
            const uint8x16_t bytes = vcombine_u8(halves[0], halves[1]);
            if (quads == 4 && count == 16)
                vst1q_u8(out, bytes);
            else
                lingnan_part(bytes, count, out);
        }
    } else if (quads == 2) {
        for (int i = 0; i < windows; ++i, sums += 2, out += step) {
            halves[0] = lingnan_bytes(sums[0], sums[1], scale[0], scale[1], zero);
            if (count == 8)
                vst1_u8(out, halves[0]);
            else
                lingnan_part(vcombine_u8(halves[0], halves[0]), count, out);
        }
    } else {
        for (int i = 0; i < windows; i += 2, sums += 2, out += 2 * step) {
            const int other = windows > 1; /* none beside a single one */
            halves[0] = lingnan_bytes(sums[0], sums[other], scale[0], scale[0], zero);
            const uint32x2_t both = vreinterpret_u32_u8(halves[0]);
            if (count == 4) {
                vst1_lane_u32((void *)out, both, 0);
                if (other) vst1_lane_u32((void *)(out + step), both, 1);
            } else {
                lingnan_part(vcombine_u8(halves[0], halves[0]), count, out);
                if (other)
                    lingnan_part(vextq_u8(vcombine_u8(halves[0], halves[0]),
                                          vcombine_u8(halves[0], halves[0]), 4),
                                 count, out + step);
            }
        }
    }
}

/* Some windows of `runs` runs from `at` on; quads and windows: constants, so that the sums stay in
 * registers. */
static inline __attribute__((always_inline)) void lingnan_tile(
    const lingnan_strip *s, const float32x4_t *scale, const int quads, const int windows,
    const int whole, const uint8_t *const *rows, int32_t runs, int32_t length, int32_t at,
    uint8_t *out)
{
    const int8_t *w = s->weight;
    const int32_t step = s->step;
    int32x4_t sums[16];
    for (int q = 0; q < quads; ++q) sums[q] = vld1q_s32(s->start + 4 * q);
    for (int i = quads; i < windows * quads; ++i) sums[i] = sums[i % quads];
    for (int32_t run = 0; run < runs; ++run) {
        const uint8_t *x = rows[run] + at;
        int8x16_t taps[8];
        int32_t left = length;
#define LINGNAN_TAPS(K)                                                                    \
    for (int q = 0; q < quads; ++q, w += 16) {                                             \
        const int8x16_t weights = vld1q_s8(w);                                             \
        for (int i = 0; i < windows; ++i)                                                  \
            sums[i * quads + q] = LINGNAN_FOUR(sums[i * quads + q], weights, taps[i], K); \
    }
        for (; left >= 16; left -= 16, x += 16) {
            for (int i = 0; i < windows; ++i) taps[i] = vld1q_s8((const int8_t *)x + i * step);
            LINGNAN_TAPS(0)
            LINGNAN_TAPS(1)
            LINGNAN_TAPS(2)
            LINGNAN_TAPS(3)
        }
        if (!whole && left & 8) {
            for (int i = 0; i < windows; ++i) {
                const int8x8_t eight = vld1_s8((const int8_t *)x + i * step);
                taps[i] = vcombine_s8(eight, eight);
            }
            LINGNAN_TAPS(0)
            LINGNAN_TAPS(1)
            x += 8, left -= 8;
        }
#pragma GCC unroll 1 /* so that it takes the registers of the loop before */
        for (; !whole && left; left -= 4, x += 4) {
            for (int i = 0; i < windows; ++i)
                taps[i] = vreinterpretq_s8_s32(vld1q_dup_s32((const void *)(x + i * step)));
            LINGNAN_TAPS(0)
        }
#undef LINGNAN_TAPS
    }
    lingnan_put(sums, scale, quads, windows, s, out);
}

static inline __attribute__((always_inline)) void lingnan_tiles(
    const lingnan_strip *s, const int quads, const int whole, const uint8_t *const *rows,
    int32_t runs, int32_t length, uint8_t *out)
{
    const int windows = quads * 8 <= LINGNAN_SUMS ? 8 : 4;
    int32_t i = 0, at = 0;
    float32x4_t scale[4];
    for (int q = 0; q < quads; ++q) scale[q] = vld1q_f32(s->scale + 4 * q);
    for (; i + windows <= s->pixels; i += windows, at += windows * s->step)
        lingnan_tile(s, scale, quads, windows, whole, rows, runs, length, at, out + i * s->out_step);
    for (; i < s->pixels; ++i, at += s->step)
        lingnan_tile(s, scale, quads, 1, whole, rows, runs, length, at, out + i * s->out_step);
}

/* Each a function of its own: together they would compete for the registers of the sums. */
#define LINGNAN_STRIP(NAME, QUADS, WHOLE, LENGTH)                                              \
    static __attribute__((noinline)) void lingnan_strip_##NAME(                                \
        const lingnan_strip *s, const uint8_t *const *rows, int32_t runs, int32_t length,      \
        uint8_t *out)                                                                          \
    {                                                                                          \
        (void)length;                                                                          \
        lingnan_tiles(s, QUADS, WHOLE, rows, runs, LENGTH, out);                               \
    }
LINGNAN_STRIP(whole, 4, 1, length)
LINGNAN_STRIP(short, 4, 0, 4)
LINGNAN_STRIP(four, 4, 0, length)
LINGNAN_STRIP(three, 3, 0, length)
LINGNAN_STRIP(two, 2, 0, length)
LINGNAN_STRIP(one, 1, 0, length)

static inline void lingnan_strip_sums(const lingnan_strip s, const uint8_t *const *rows,
                                      int32_t runs, int32_t length, uint8_t *out)
{
    switch ((s.count + 3) / 4) {
    case 4:
        if (length % 16 == 0)
            lingnan_strip_whole(&s, rows, runs, length, out);
        else if (length == 4)
            lingnan_strip_short(&s, rows, runs, length, out);
        else
            lingnan_strip_four(&s, rows, runs, length, out);
        break;
    case 3: lingnan_strip_three(&s, rows, runs, length, out); break;
    case 2: lingnan_strip_two(&s, rows, runs, length, out); break;
    default: lingnan_strip_one(&s, rows, runs, length, out);
    }
}

/* columns: a constant, so that the weights stay in registers. */
static inline __attribute__((always_inline)) void lingnan_columns(const lingnan_strip *s,
                                                                  const uint8_t *x, int32_t column,
                                                                  const int columns, uint8_t *out)
{
    const int32_t step = s->step, out_step = s->out_step;
    int32x4_t start[4];
    float32x4_t scale[4];
    int8x16_t w[4 * LINGNAN_MOST_COLUMNS];
    for (int q = 0; q < 4; ++q) {
        start[q] = vld1q_s32(s->start + 4 * q);
        scale[q] = vld1q_f32(s->scale + 4 * q);
        for (int at = 0; at < columns; ++at)
            w[4 * at + q] = vld1q_s8(s->weight + at * column + 16 * q);
    }
    for (int32_t i = s->pixels; i > 0; --i, x += step, out += out_step) {
        int32x4_t sums[4];
        for (int q = 0; q < 4; ++q) {
            sums[q] = start[q];
            for (int at = 0; at < columns; ++at)
                sums[q] = lingnan_four(sums[q], w[4 * at + q],
                                       vld1q_s8((const int8_t *)x + at * column + 16 * q));
        }
        lingnan_put(sums, scale, 4, 1, s, out);
    }
}

static inline void lingnan_depthwise_strip(const lingnan_strip s, const uint8_t *x, int32_t column,
                                           int32_t columns, uint8_t *out)
{
    if (columns == 3)
        lingnan_columns(&s, x, column, 3, out);
    else
        lingnan_columns(&s, x, column, columns, out);
}
