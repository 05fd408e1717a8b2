/* Sums of int8 weights times uint8 activations: two rows of weights by two columns, and one by one.
 * length: a multiple of four. Cortex-M with the DSP extension multiplies two pairs an instruction
 * (SMLAD); define LINGNAN_PLAIN for the portable form there as well. */
#ifndef LINGNAN_DOT_H
#define LINGNAN_DOT_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_SIMD32) && !defined(LINGNAN_PLAIN)
#include <arm_acle.h>
#define LINGNAN_SMLAD 1

static inline uint32_t lingnan_word(const void *at)
{
    uint32_t word;
    memcpy(&word, at, 4);
    return word;
}

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

/* 23 instructions for 16 products. The loop takes every register there is, so that compilers put
 * values on the stack if left alone, and needs -O1 or more (no frame pointer). */
__attribute__((noinline, unused)) static void lingnan_dot_2x2(const int8_t *w, const uint8_t *x,
                                                              int32_t length, int32_t s[4])
{
    int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
    const int8_t *const end = w + length;
    uint32_t w0, w0o, w1, w1o, v, vo;
    __asm__("1:\n\t"
            "ldr %[w1], [%[w], %[length]]\n\t"
            "ldr %[w0], [%[w]], #4\n\t"
            "ldr %[v], [%[x]]\n\t"
            "sxtb16 %[w1o], %[w1], ror #8\n\t"
            "sxtb16 %[w1], %[w1]\n\t"
            "sxtb16 %[w0o], %[w0], ror #8\n\t"
            "sxtb16 %[w0], %[w0]\n\t"
            "uxtb16 %[vo], %[v], ror #8\n\t"
            "uxtb16 %[v], %[v]\n\t"
            "smlad %[s00], %[w0], %[v], %[s00]\n\t"
            "smlad %[s10], %[w1], %[v], %[s10]\n\t"
            "ldr %[v], [%[x], %[length]]\n\t"
            "smlad %[s00], %[w0o], %[vo], %[s00]\n\t"
            "smlad %[s10], %[w1o], %[vo], %[s10]\n\t"
            "uxtb16 %[vo], %[v], ror #8\n\t"
            "uxtb16 %[v], %[v]\n\t"
            "adds %[x], %[x], #4\n\t"
            "smlad %[s01], %[w0], %[v], %[s01]\n\t"
            "smlad %[s11], %[w1], %[v], %[s11]\n\t"
            "cmp %[w], %[end]\n\t"
            "smlad %[s01], %[w0o], %[vo], %[s01]\n\t"
            "smlad %[s11], %[w1o], %[vo], %[s11]\n\t"
            "bne 1b"
            : [w] "+r"(w), [x] "+r"(x), [s00] "+r"(s00), [s01] "+r"(s01), [s10] "+r"(s10),
              [s11] "+r"(s11), [w0] "=&r"(w0), [w0o] "=&r"(w0o), [w1] "=&r"(w1),
              [w1o] "=&r"(w1o), [v] "=&r"(v), [vo] "=&r"(vo)
            : [length] "r"(length), [end] "r"(end)
            : "cc", "memory");
    s[0] = s00, s[1] = s01, s[2] = s10, s[3] = s11;
}

static inline int32_t lingnan_dot(const int8_t *w, const uint8_t *x, int32_t length)
{
    int32_t sum = 0;
    for (const int8_t *const end = w + length; w != end; w += 4, x += 4) {
        const uint32_t ww = lingnan_word(w), xx = lingnan_word(x);
        sum = __smlad(__sxtb16(ww), (int16x2_t)__uxtb16(xx), sum);
        sum = __smlad(lingnan_sxtb16_ror8(ww), lingnan_uxtb16_ror8(xx), sum);
    }
    return sum;
}

#else

static inline int32_t lingnan_dot(const int8_t *w, const uint8_t *x, int32_t length)
{
    int32_t sum = 0;
    for (int32_t k = 0; k < length; ++k) sum += w[k] * x[k];
    return sum;
}

static inline void lingnan_dot_2x2(const int8_t *w, const uint8_t *x, int32_t length, int32_t s[4])
{
    s[0] = s[1] = s[2] = s[3] = 0;
    for (int32_t k = 0; k < length; ++k) {
        s[0] += w[k] * x[k];
        s[1] += w[k] * x[k + length];
        s[2] += w[k + length] * x[k];
        s[3] += w[k + length] * x[k + length];
    }
}

#endif
#endif
