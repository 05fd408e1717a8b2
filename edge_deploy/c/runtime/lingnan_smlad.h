/* Cortex-M with the DSP extension: two products an instruction (SMLAD); included by lingnan_dot.h.
 * Define LINGNAN_PLAIN for the portable form there as well. */
#include <arm_acle.h>

enum { LINGNAN_DIRECT = 0, LINGNAN_LANES = 4 };

/* Bytes 1 and 3 widened, signed and unsigned; the plain forms widen bytes 0 and 2. */
static inline int16x2_t lingnan_sxtb16_ror8(uint32_t x)
{
    int16x2_t widened;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(widened) : "r"(x));
    return widened;
}

static inline int16x2_t lingnan_uxtb16_ror8(uint32_t x)
{
    int16x2_t widened;
    __asm__("uxtb16 %0, %1, ror #8" : "=r"(widened) : "r"(x));
    return widened;
}

/* Two channels in two windows, the second `apart` bytes behind: 21 instructions for 16 products.
 * The loop takes every register there is, so that compilers put values on the stack if left alone,
 * and needs -O1 or more (no frame pointer). STEP: bytes from four taps to the next. */
#define LINGNAN_DOT_2X2(STEP)                                                                     \
    __attribute__((noinline, unused)) static void lingnan_dot_2x2_##STEP(                         \
        const int8_t *w, const uint8_t *x, int32_t apart, int32_t length, int32_t *s)             \
    {                                                                                             \
        int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;                                               \
        const int8_t *const end = w + length / 4 * STEP;                                          \
        uint32_t w0, w0o, w1, w1o, v, vo;                                                         \
        apart -= 4;                                                                               \
        __asm__("1:\n\t"                                                                          \
                "ldrd %[w0], %[w1], [%[w]], #" #STEP "\n\t"                                       \
                "ldr %[v], [%[x]], #4\n\t"                                                        \
                "sxtb16 %[w0o], %[w0], ror #8\n\t"                                                \
                "sxtb16 %[w0], %[w0]\n\t"                                                         \
                "sxtb16 %[w1o], %[w1], ror #8\n\t"                                                \
                "sxtb16 %[w1], %[w1]\n\t"                                                         \
                "uxtb16 %[vo], %[v], ror #8\n\t"                                                  \
                "uxtb16 %[v], %[v]\n\t"                                                           \
                "smlad %[s00], %[w0], %[v], %[s00]\n\t"                                           \
                "smlad %[s10], %[w1], %[v], %[s10]\n\t"                                           \
                "ldr %[v], [%[x], %[apart]]\n\t"                                                  \
                "smlad %[s00], %[w0o], %[vo], %[s00]\n\t"                                         \
                "smlad %[s10], %[w1o], %[vo], %[s10]\n\t"                                         \
                "uxtb16 %[vo], %[v], ror #8\n\t"                                                  \
                "uxtb16 %[v], %[v]\n\t"                                                           \
                "smlad %[s01], %[w0], %[v], %[s01]\n\t"                                           \
                "smlad %[s11], %[w1], %[v], %[s11]\n\t"                                           \
                "cmp %[w], %[end]\n\t"                                                            \
                "smlad %[s01], %[w0o], %[vo], %[s01]\n\t"                                         \
                "smlad %[s11], %[w1o], %[vo], %[s11]\n\t"                                         \
                "bne 1b"                                                                          \
                : [w] "+r"(w), [x] "+r"(x), [s00] "+r"(s00), [s01] "+r"(s01), [s10] "+r"(s10),    \
                  [s11] "+r"(s11), [w0] "=&r"(w0), [w0o] "=&r"(w0o), [w1] "=&r"(w1),              \
                  [w1o] "=&r"(w1o), [v] "=&r"(v), [vo] "=&r"(vo)                                  \
                : [apart] "r"(apart), [end] "r"(end)                                              \
                : "cc", "memory");                                                                \
        s[0] = s00, s[1] = s10, s[LINGNAN_BLOCK] = s01, s[LINGNAN_BLOCK + 1] = s11;               \
    }
LINGNAN_DOT_2X2(16)
LINGNAN_DOT_2X2(32)
LINGNAN_DOT_2X2(48)
LINGNAN_DOT_2X2(64)

/* One run only. */
static inline void lingnan_dot_block(const int8_t *w, int32_t width, const lingnan_windows *v,
                                     int32_t *sums)
{
    void (*const pair)(const int8_t *, const uint8_t *, int32_t, int32_t, int32_t *) =
        width == 16  ? lingnan_dot_2x2_64
        : width == 12 ? lingnan_dot_2x2_48
        : width == 8  ? lingnan_dot_2x2_32
                      : lingnan_dot_2x2_16;
    const int32_t apart = (int32_t)(v->at[1] - v->at[0]);
    for (int32_t c = 0; c < width; c += 2) pair(w + 4 * c, v->at[0], apart, v->length, sums + c);
}

static inline void lingnan_rescale_block(const lingnan_rescale *r, const int32_t *sums,
                                         int32_t channel, int32_t count, uint8_t *out)
{
    if (!lingnan_is_plain(r)) {
        for (int32_t c = 0; c < count; ++c) out[c] = lingnan_rescaled(r, sums[c], channel + c);
        return;
    }
    const int32_t *multiplier = r->multiplier + channel;
    const int64_t *offset = r->offset + channel;
    const int32_t shift = r->shift - 32;
    uint8_t *to = out;
    for (const int32_t *from = sums, *const end = sums + count; from != end;)
        *to++ = (uint8_t)__usat(
            (int32_t)((*offset++ + (int64_t)*from++ * *multiplier++) >> 32) >> shift, 8);
    lingnan_patch(r, sums, channel, count, out);
}

/* Sums of LINGNAN_LANES channels over `rows` x `columns` taps: each byte with its own weight. */
static inline void lingnan_depthwise_lanes(lingnan_taps t, int32_t rows, int32_t columns,
                                           int32_t *sums)
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int32_t row = 0; row < rows; ++row, t.w += t.w_pitch, t.x += t.x_pitch) {
        const int8_t *w = t.w;
        const uint8_t *x = t.x;
#pragma GCC unroll 3
        for (int32_t n = 0; n < columns; ++n, w += t.w_step, x += t.x_step) {
            const uint32_t ww = lingnan_word(w), xx = lingnan_word(x);
            const int16x2_t we = __sxtb16(ww), wo = lingnan_sxtb16_ror8(ww);
            const int16x2_t xe = (int16x2_t)__uxtb16(xx), xo = lingnan_uxtb16_ror8(xx);
            s0 = __smlabb(we, xe, s0);
            s2 = __smlatt(we, xe, s2);
            s1 = __smlabb(wo, xo, s1);
            s3 = __smlatt(wo, xo, s3);
        }
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}
