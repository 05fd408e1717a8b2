/* First layers: nine taps of a single channel. The window stays in five registers as pairs of 16
 * bits while every output channel passes, so that gathering is paid once and nothing is widened. */
#include "lingnan_dot.h"

#ifdef LINGNAN_SMLAD
/* Bytes left to left + 2 of a row of four or more, a byte above them without meaning. row: null
 * outside the picture; padding: the zero point in every byte. */
static inline uint32_t three(const uint8_t *row, int32_t width, int32_t left, uint32_t padding)
{
    if (!row) return padding;
    if (left < 0) return lingnan_word(row) << (-8 * left) | padding >> (32 + 8 * left);
    const int32_t over = left + 4 - width;
    if (over <= 0) return lingnan_word(row + left);
    return lingnan_word(row + width - 4) >> (8 * over) | padding << (32 - 8 * over);
}

/* Every channel of one pixel: 15 instructions for nine products and their rounding. The loop takes
 * 13 registers, so that compilers put values on the stack if left alone. */
static inline uint8_t *pixel(const lingnan_nine *each, const lingnan_nine *end, int32_t shift,
                             uint32_t a, uint32_t b, uint32_t c, uint8_t *out)
{
    const int16x2_t x0 = (int16x2_t)__uxtb16(a), x1 = (int16x2_t)__uxtb16(b);
    const int16x2_t x2 = (int16x2_t)__uxtb16(c), x4 = lingnan_uxtb16_ror8(c);
    int16x2_t x3;
    uint32_t s, t, u, v;
    __asm__("pkhbt %0, %1, %2, lsl #16"
            : "=r"(x3)
            : "r"(lingnan_uxtb16_ror8(a)), "r"(lingnan_uxtb16_ror8(b)));
    __asm__ volatile("1:\n\t"
                     "ldrd %[t], %[u], [%[each]], #8\n\t"
                     "smuad %[s], %[t], %[x0]\n\t"
                     "smlad %[s], %[u], %[x1], %[s]\n\t"
                     "ldrd %[t], %[u], [%[each]], #8\n\t"
                     "smlad %[s], %[t], %[x2], %[s]\n\t"
                     "smlad %[s], %[u], %[x3], %[s]\n\t"
                     "ldrd %[t], %[v], [%[each]], #8\n\t"
                     "smlad %[s], %[t], %[x4], %[s]\n\t"
                     "ldrd %[t], %[u], [%[each]], #8\n\t"
                     "smlal %[t], %[u], %[s], %[v]\n\t"
                     "asr %[u], %[u], %[shift]\n\t"
                     "usat %[u], #8, %[u]\n\t"
                     "cmp %[each], %[end]\n\t"
                     "strb %[u], [%[out]], #1\n\t"
                     "bne 1b"
                     : [each] "+r"(each), [out] "+r"(out), [s] "=&r"(s), [t] "=&r"(t),
                       [u] "=&r"(u), [v] "=&r"(v)
                     : [x0] "r"(x0), [x1] "r"(x1), [x2] "r"(x2), [x3] "r"(x3), [x4] "r"(x4),
                       [end] "r"(end), [shift] "r"(shift)
                     : "cc", "memory");
    return out;
}

void lingnan_conv_nine(const lingnan_conv *p, const uint8_t *in, uint8_t *out)
{
    const lingnan_nine *const each = p->nine, *const end = each + p->out_c;
    const uint32_t padding = p->zero_point * UINT32_C(0x01010101);
    const int32_t shift = p->rescale.shift - 32, width = p->in_w;
    for (int32_t y = 0; y < p->out_h; ++y) {
        const int32_t top = y * p->stride_h - p->pad_top;
        const uint8_t *rows[3];
        for (int32_t k = 0; k < 3; ++k)
            rows[k] = top + k >= 0 && top + k < p->in_h ? in + (top + k) * width : 0;
        int32_t left = -p->pad_left;
        for (int32_t x = 0; x < p->out_w; ++x, left += p->stride_w)
            out = pixel(each, end, shift, three(rows[0], width, left, padding),
                        three(rows[1], width, left, padding), three(rows[2], width, left, padding),
                        out);
    }
}
#endif
