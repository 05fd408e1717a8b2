/* 64-bit ARM: NEON, and its dot products where the compiler is told of them (armv8.2-a+dotprod);
 * included by lingnan_dot.h. Activations are taken as signed, 128 less than they are: `correction`
 * holds 128 times the weights' sum of each channel. */
#include <arm_neon.h>

enum { LINGNAN_DIRECT = 1, LINGNAN_LANES = 16 };

static inline int8x16_t lingnan_signed(uint8x16_t x)
{
    return vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(128)));
}

/* Four bytes of a window, four times. */
static inline int8x16_t lingnan_four(const uint8_t *x)
{
    return lingnan_signed(vreinterpretq_u8_u32(vdupq_n_u32(lingnan_word(x))));
}

#ifdef __ARM_FEATURE_DOTPROD
enum { LINGNAN_WINDOWS = 4 };

/* QUADS: fours of channels; both counts are constants, so that the sums stay in registers. */
static inline __attribute__((always_inline)) void lingnan_dot_quads(
    const int8_t *w, const int32_t *correction, const int quads, const int windows,
    const lingnan_windows *v, int32_t *sums)
{
    int32x4_t s[4][4];
    for (int i = 0; i < windows; ++i)
        for (int q = 0; q < quads; ++q) s[i][q] = vld1q_s32(correction + 4 * q);
    for (int32_t run = 0; run < v->runs; ++run) {
        const uint8_t *x[4];
        int32_t left = v->length;
        for (int i = 0; i < windows; ++i) x[i] = v->at[i] + run * v->pitch;
        for (; left >= 16; left -= 16, w += 64 * quads) {
            int8x16_t xs[4];
            for (int i = 0; i < windows; ++i, x[i - 1] += 16) xs[i] = lingnan_signed(vld1q_u8(x[i]));
#define LINGNAN_LANE(K)                                                        \
    for (int q = 0; q < quads; ++q) {                                          \
        const int8x16_t t = vld1q_s8(w + 16 * (K * quads + q));                \
        for (int i = 0; i < windows; ++i)                                      \
            s[i][q] = vdotq_laneq_s32(s[i][q], t, xs[i], K);                   \
    }                                                                          \
    __asm__("" ::: "memory"); /* weights loaded earlier would push sums out of registers */
            LINGNAN_LANE(0)
            LINGNAN_LANE(1)
            LINGNAN_LANE(2)
            LINGNAN_LANE(3)
#undef LINGNAN_LANE
        }
        for (; left > 0; left -= 4, w += 16 * quads) {
            int8x16_t xs[4];
            for (int i = 0; i < windows; ++i, x[i - 1] += 4) xs[i] = lingnan_four(x[i]);
            for (int q = 0; q < quads; ++q) {
                const int8x16_t t = vld1q_s8(w + 16 * q);
                for (int i = 0; i < windows; ++i) s[i][q] = vdotq_s32(s[i][q], t, xs[i]);
            }
        }
    }
    for (int i = 0; i < windows; ++i)
        for (int q = 0; q < quads; ++q) vst1q_s32(sums + i * LINGNAN_BLOCK + 4 * q, s[i][q]);
}
#else
/* Without: products of eight bits in pairs of 16, which they never leave (2 x 128 x 127), gathered
 * in 32. A channel's sum is in two lanes until the end. */
enum { LINGNAN_WINDOWS = 2 };

static inline __attribute__((always_inline)) void lingnan_dot_quads(
    const int8_t *w, const int32_t *correction, const int quads, const int windows,
    const lingnan_windows *v, int32_t *sums)
{
    int32x4_t a[8], b[8];
    (void)windows;
    for (int q = 0; q < 2 * quads; ++q) a[q] = b[q] = vdupq_n_s32(0);
    for (int32_t run = 0; run < v->runs; ++run) {
        const uint8_t *x = v->at[0] + run * v->pitch, *y = v->at[1] + run * v->pitch;
        int32_t left = v->length;
        for (; left >= 8; left -= 8, x += 8, y += 8, w += 32 * quads) {
            const int8x16_t x0 = lingnan_four(x), x1 = lingnan_four(x + 4);
            const int8x16_t y0 = lingnan_four(y), y1 = lingnan_four(y + 4);
            for (int q = 0; q < quads; ++q) {
                const int8x16_t s = vld1q_s8(w + 16 * q), t = vld1q_s8(w + 16 * (quads + q));
                int16x8_t p = vmull_s8(vget_low_s8(s), vget_low_s8(x0));
                p = vmlal_s8(p, vget_low_s8(t), vget_low_s8(x1));
                a[2 * q] = vpadalq_s16(a[2 * q], p);
                p = vmlal_high_s8(vmull_high_s8(s, x0), t, x1);
                a[2 * q + 1] = vpadalq_s16(a[2 * q + 1], p);
                p = vmull_s8(vget_low_s8(s), vget_low_s8(y0));
                p = vmlal_s8(p, vget_low_s8(t), vget_low_s8(y1));
                b[2 * q] = vpadalq_s16(b[2 * q], p);
                p = vmlal_high_s8(vmull_high_s8(s, y0), t, y1);
                b[2 * q + 1] = vpadalq_s16(b[2 * q + 1], p);
            }
        }
        for (; left > 0; left -= 4, x += 4, y += 4, w += 16 * quads) {
            const int8x16_t xs = lingnan_four(x), ys = lingnan_four(y);
            for (int q = 0; q < quads; ++q) {
                const int8x16_t t = vld1q_s8(w + 16 * q);
                a[2 * q] = vpadalq_s16(a[2 * q], vmull_s8(vget_low_s8(t), vget_low_s8(xs)));
                a[2 * q + 1] = vpadalq_s16(a[2 * q + 1], vmull_high_s8(t, xs));
                b[2 * q] = vpadalq_s16(b[2 * q], vmull_s8(vget_low_s8(t), vget_low_s8(ys)));
                b[2 * q + 1] = vpadalq_s16(b[2 * q + 1], vmull_high_s8(t, ys));
            }
        }
    }
    for (int q = 0; q < quads; ++q) {
        const int32x4_t start = vld1q_s32(correction + 4 * q);
        vst1q_s32(sums + 4 * q, vaddq_s32(start, vpaddq_s32(a[2 * q], a[2 * q + 1])));
        vst1q_s32(sums + LINGNAN_BLOCK + 4 * q,
                  vaddq_s32(start, vpaddq_s32(b[2 * q], b[2 * q + 1])));
    }
}
#endif

static inline void lingnan_dot_block(const int8_t *w, const int32_t *correction, int32_t width,
                                     const lingnan_windows *v, int32_t *sums)
{
    const int many = LINGNAN_WINDOWS > 2 && v->count > 2;
#define LINGNAN_WIDTH(QUADS)                                              \
    if (width == 4 * QUADS) {                                             \
        if (many)                                                         \
            lingnan_dot_quads(w, correction, QUADS, LINGNAN_WINDOWS, v, sums); \
        else                                                              \
            lingnan_dot_quads(w, correction, QUADS, 2, v, sums);          \
    }
    LINGNAN_WIDTH(4)
    LINGNAN_WIDTH(3)
    LINGNAN_WIDTH(2)
    LINGNAN_WIDTH(1)
#undef LINGNAN_WIDTH
}

static inline int32x4_t lingnan_rescale_quad(const lingnan_rescale *r, int32x4_t sum,
                                             int32_t channel)
{
    const int32x4_t m = vld1q_s32(r->multiplier + channel);
    const int64x2_t low =
        vmlal_s32(vld1q_s64(r->offset + channel), vget_low_s32(sum), vget_low_s32(m));
    const int64x2_t high = vmlal_high_s32(vld1q_s64(r->offset + channel + 2), sum, m);
    const int32x4_t tops = vuzp2q_s32(vreinterpretq_s32_s64(low), vreinterpretq_s32_s64(high));
    return vshlq_s32(tops, vdupq_n_s32(32 - r->shift));
}

static inline void lingnan_rescale_block(const lingnan_rescale *r, const int32_t *sums,
                                         int32_t channel, int32_t count, uint8_t *out)
{
    int32_t c = 0;
    if (lingnan_is_plain(r)) {
        for (; c + 8 <= count; c += 8) {
            const int32x4_t a = lingnan_rescale_quad(r, vld1q_s32(sums + c), channel + c);
            const int32x4_t b = lingnan_rescale_quad(r, vld1q_s32(sums + c + 4), channel + c + 4);
            vst1_u8(out + c, vqmovn_u16(vqmovun_high_s32(vqmovun_s32(a), b)));
        }
        lingnan_patch(r, sums, channel, c, out);
    }
    for (; c < count; ++c) out[c] = lingnan_rescaled(r, sums[c], channel + c);
}

/* Sums of LINGNAN_LANES channels over `rows` x `columns` taps. */
static inline void lingnan_depthwise_lanes(lingnan_taps t, int32_t rows, int32_t columns,
                                           int32_t *sums)
{
    int32x4_t s[4];
    for (int q = 0; q < 4; ++q) s[q] = vdupq_n_s32(0);
    for (int32_t row = 0; row < rows; ++row, t.w += t.w_pitch, t.x += t.x_pitch)
        for (int32_t at = 0; at < columns; ++at) {
            const uint8x16_t xs = vld1q_u8(t.x + at * t.x_step);
            const int8x16_t ws = vld1q_s8(t.w + at * t.w_step);
            const int16x8_t x0 = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(xs)));
            const int16x8_t x1 = vreinterpretq_s16_u16(vmovl_high_u8(xs));
            const int16x8_t w0 = vmovl_s8(vget_low_s8(ws)), w1 = vmovl_high_s8(ws);
            s[0] = vmlal_s16(s[0], vget_low_s16(x0), vget_low_s16(w0));
            s[1] = vmlal_high_s16(s[1], x0, w0);
            s[2] = vmlal_s16(s[2], vget_low_s16(x1), vget_low_s16(w1));
            s[3] = vmlal_high_s16(s[3], x1, w1);
        }
    for (int q = 0; q < 4; ++q) vst1q_s32(sums + 4 * q, s[q]);
}
