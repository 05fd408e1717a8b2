/* x86 with AVX-512 and its byte dot products (VNNI); included by lingnan_dot.h. */
#include <immintrin.h>

enum { LINGNAN_DIRECT = 1, LINGNAN_WINDOWS = 4, LINGNAN_LANES = 16 };

/* A row of a depthwise window: bytes to the next tap and to the next window. */
typedef struct {
    const uint8_t *x;
    ptrdiff_t step, next;
} lingnan_row;

/* Four bytes of a window, in every lane. */
static inline __m512i lingnan_four(const uint8_t *x)
{
    return _mm512_set1_epi32((int32_t)lingnan_word(x));
}

/* WINDOWS: a constant, so that the sums stay in registers; two of each, added at the end. */
static inline __attribute__((always_inline)) void lingnan_dot_windows(
    const int8_t *w, int32_t width, const int windows, const lingnan_windows *v, int32_t *sums)
{
    const __mmask16 lanes = (__mmask16)((1u << width) - 1);
    const int32_t step = 4 * width;
    __m512i a[4], b[4];
    for (int i = 0; i < windows; ++i) a[i] = b[i] = _mm512_setzero_si512();
    for (int32_t run = 0; run < v->runs; ++run) {
        const int32_t start = run * v->pitch;
        int32_t at = 0;
        for (; at + 8 <= v->length; at += 8, w += 2 * step) {
            const __m512i w0 = _mm512_maskz_loadu_epi32(lanes, w);
            const __m512i w1 = _mm512_maskz_loadu_epi32(lanes, w + step);
            for (int i = 0; i < windows; ++i) {
                const uint8_t *const x = v->at[i] + start + at;
                a[i] = _mm512_dpbusd_epi32(a[i], lingnan_four(x), w0);
                b[i] = _mm512_dpbusd_epi32(b[i], lingnan_four(x + 4), w1);
            }
        }
        for (; at < v->length; at += 4, w += step) {
            const __m512i w0 = _mm512_maskz_loadu_epi32(lanes, w);
            for (int i = 0; i < windows; ++i)
                a[i] = _mm512_dpbusd_epi32(a[i], lingnan_four(v->at[i] + start + at), w0);
        }
    }
    for (int i = 0; i < windows; ++i)
        _mm512_storeu_si512(sums + i * LINGNAN_BLOCK, _mm512_add_epi32(a[i], b[i]));
}

static inline void lingnan_dot_block(const int8_t *w, const int32_t *correction, int32_t width,
                                     const lingnan_windows *v, int32_t *sums)
{
    (void)correction;
    if (v->count > 2)
        lingnan_dot_windows(w, width, LINGNAN_WINDOWS, v, sums);
    else
        lingnan_dot_windows(w, width, 2, v, sums);
}

/* What rounds sixteen channels: their multipliers, and their offsets parted by even and odd lanes,
 * because a product of 64 bits takes two. */
typedef struct {
    __m512i m, m_odd, even, odd;
    __m128i shift; /* of the upper halves */
    __mmask16 lanes;
} lingnan_rounding;

static inline lingnan_rounding lingnan_rounding_of(const lingnan_rescale *r, int32_t channel,
                                                   int32_t count)
{
    const __mmask16 lanes = (__mmask16)((1u << count) - 1);
    const int64_t *const offset = r->offset + channel;
    const __m512i low = _mm512_maskz_loadu_epi64((__mmask8)lanes, offset);
    const __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(lanes >> 8), offset + 8);
    const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    const __m512i m = _mm512_maskz_loadu_epi32(lanes, r->multiplier + channel);
    const lingnan_rounding made = {m,
                                   _mm512_srli_epi64(m, 32),
                                   _mm512_permutex2var_epi64(low, even, high),
                                   _mm512_permutex2var_epi64(low, odd, high),
                                   _mm_cvtsi32_si128(r->shift - 32),
                                   lanes};
    return made;
}

/* (sum * multiplier + offset) >> shift in 64 bits, of which the upper halves are kept. */
static inline void lingnan_round(const lingnan_rounding *k, __m512i sum, uint8_t *out)
{
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(sum, k->m), k->even);
    const __m512i odd =
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sum, 32), k->m_odd), k->odd);
    const __m512i tops = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    const __m512i value = _mm512_sra_epi32(tops, k->shift);
    const __m512i positive = _mm512_max_epi32(value, _mm512_setzero_si512());
    __m128i bytes = _mm512_cvtusepi32_epi8(positive);
    __asm__("" : "+x"(bytes)); /* narrowing into memory, and masked stores, take AMD many cycles */
    if (k->lanes == 0xffff)
        _mm_storeu_si128((void *)out, bytes);
    else if (k->lanes == 0xff)
        _mm_storel_epi64((void *)out, bytes);
    else
        _mm_mask_storeu_epi8(out, k->lanes, bytes);
}

/* Sums of some windows, LINGNAN_BLOCK apart; their outputs are `step` bytes apart. */
static inline void lingnan_rescale_windows(const lingnan_rescale *r, const int32_t *sums,
                                           int32_t windows, int32_t channel, int32_t count,
                                           uint8_t *out, int32_t step)
{
    if (!lingnan_is_plain(r)) {
        for (; windows > 0; --windows, sums += LINGNAN_BLOCK, out += step)
            for (int32_t c = 0; c < count; ++c) out[c] = lingnan_rescaled(r, sums[c], channel + c);
        return;
    }
    const lingnan_rounding rounding = lingnan_rounding_of(r, channel, count);
    for (; windows > 0; --windows, sums += LINGNAN_BLOCK, out += step) {
        lingnan_round(&rounding, _mm512_loadu_si512(sums), out);
        lingnan_patch(r, sums, channel, count, out);
    }
}

/* Sums of LINGNAN_LANES channels over `rows` x `columns` taps. */
static inline void lingnan_depthwise_lanes(lingnan_taps t, int32_t rows, int32_t columns,
                                           int32_t *sums)
{
    __m512i sum = _mm512_setzero_si512();
    for (int32_t row = 0; row < rows; ++row, t.w += t.w_pitch, t.x += t.x_pitch)
        for (int32_t at = 0; at < columns; ++at) {
            const __m128i x = _mm_loadu_si128((const void *)(t.x + at * t.x_step));
            const __m128i w = _mm_loadu_si128((const void *)(t.w + at * t.w_step));
            const __m512i xs = _mm512_cvtepu8_epi32(x), ws = _mm512_cvtepi8_epi32(w);
            sum = _mm512_dpwssd_epi32(sum, xs, ws); /* the upper halves of xs are 0 */
        }
    _mm512_storeu_si512(sums, sum);
}

/* Sums of `points` pixels of `depth` bytes with one block of channels, rounded. */
static inline __attribute__((always_inline)) void lingnan_dot_points(
    const int8_t *w, __mmask16 lanes, int32_t step, const uint8_t *x, const int points,
    int32_t depth, const lingnan_rounding *k, const lingnan_rescale *r, int32_t channel,
    int32_t count, uint8_t *out, int32_t out_c)
{
    __m512i a[8];
    for (int i = 0; i < points; ++i) a[i] = _mm512_setzero_si512();
    for (int32_t at = 0; at < depth; at += 4, w += step) {
        const __m512i ws = _mm512_maskz_loadu_epi32(lanes, w);
        for (int i = 0; i < points; ++i)
            a[i] = _mm512_dpbusd_epi32(a[i], lingnan_four(x + i * depth + at), ws);
    }
    for (int i = 0; i < points; ++i) lingnan_round(k, a[i], out + i * out_c);
    for (int i = 0; r->exception_counts && i < points; ++i) {
        int32_t sums[LINGNAN_BLOCK];
        _mm512_storeu_si512(sums, a[i]);
        lingnan_patch(r, sums, channel, count, out + i * out_c);
    }
}

/* A convolution of 1 x 1 over `pixels` pixels: a block of channels after the other, so that its
 * rounding stays in registers. */
static inline void lingnan_points(const int8_t *weight, int32_t depth, int32_t out_c,
                                  const uint8_t *in, int32_t pixels, const lingnan_rescale *r,
                                  uint8_t *out)
{
    for (int32_t first = 0; first < out_c; first += LINGNAN_BLOCK, weight += LINGNAN_BLOCK * depth) {
        const int32_t left = out_c - first, wide = (left + 3) / 4 * 4;
        const int32_t count = left < LINGNAN_BLOCK ? left : LINGNAN_BLOCK;
        const int32_t width = wide < LINGNAN_BLOCK ? wide : LINGNAN_BLOCK;
        const __mmask16 lanes = (__mmask16)((1u << width) - 1);
        const lingnan_rounding k = lingnan_rounding_of(r, first, count);
        int32_t at = 0;
        for (; at + 8 <= pixels; at += 8)
            lingnan_dot_points(weight, lanes, 4 * width, in + at * depth, 8, depth, &k, r, first,
                               count, out + at * out_c + first, out_c);
        for (; at < pixels; ++at)
            lingnan_dot_points(weight, lanes, 4 * width, in + at * depth, 1, depth, &k, r, first,
                               count, out + at * out_c + first, out_c);
    }
}

/* `pixels` windows of 3 x 3 beside each other, of LINGNAN_LANES channels: weights and rounding stay
 * in registers. Each row has its own steps: a row of the padding stands still. */
static inline void lingnan_depthwise_run(const lingnan_row rows[3], const int8_t *weight,
                                         int32_t channels, int32_t pixels,
                                         const lingnan_rescale *r, int32_t channel, uint8_t *out)
{
    const lingnan_rounding rounding = lingnan_rounding_of(r, channel, LINGNAN_LANES);
    lingnan_row a = rows[0], b = rows[1], c = rows[2];
    __m512i w[9];
    for (int k = 0; k < 9; ++k)
        w[k] = _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)(weight + k * channels)));
    for (; pixels > 0; --pixels, out += channels) {
        __m512i i = _mm512_setzero_si512(), j = i, k = i; /* three chains, for their latency */
#define LINGNAN_TAP(SUM, ROW, AT, W)                                                  \
    SUM = _mm512_dpwssd_epi32(                                                        \
        SUM, _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(ROW.x + (AT) * ROW.step))), w[W]);
        LINGNAN_TAP(i, a, 0, 0)
        LINGNAN_TAP(j, b, 0, 3)
        LINGNAN_TAP(k, c, 0, 6)
        LINGNAN_TAP(i, a, 1, 1)
        LINGNAN_TAP(j, b, 1, 4)
        LINGNAN_TAP(k, c, 1, 7)
        LINGNAN_TAP(i, a, 2, 2)
        LINGNAN_TAP(j, b, 2, 5)
        LINGNAN_TAP(k, c, 2, 8)
#undef LINGNAN_TAP
        const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(i, j), k);
        lingnan_round(&rounding, sum, out);
        if (r->exception_counts) {
            int32_t sums[LINGNAN_LANES];
            _mm512_storeu_si512(sums, sum);
            lingnan_patch(r, sums, channel, LINGNAN_LANES, out);
        }
        a.x += a.next;
        b.x += b.next;
        c.x += c.next;
    }
}
