/* x86 with AVX-512 and its byte dot products (VNNI); included by lingnan_dot.h. */
#include <immintrin.h>

enum { LINGNAN_DIRECT = 1, LINGNAN_WINDOWS = 4, LINGNAN_LANES = 16 };

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

/* Eight sums in 64 bits: (sum * multiplier + offset) >> shift. */
static inline __m256i lingnan_rescale_eight(const lingnan_rescale *r, __m256i sum, int32_t channel,
                                            __mmask8 lanes)
{
    const __m256i m = _mm256_maskz_loadu_epi32(lanes, r->multiplier + channel);
    const __m512i offset = _mm512_maskz_loadu_epi64(lanes, r->offset + channel);
    const __m512i product =
        _mm512_mul_epi32(_mm512_cvtepi32_epi64(sum), _mm512_cvtepi32_epi64(m));
    const __m512i value = _mm512_add_epi64(product, offset);
    return _mm512_cvtepi64_epi32(_mm512_sra_epi64(value, _mm_cvtsi32_si128(r->shift)));
}

static inline void lingnan_rescale_block(const lingnan_rescale *r, const int32_t *sums,
                                         int32_t channel, int32_t count, uint8_t *out)
{
    if (!lingnan_is_plain(r)) {
        for (int32_t c = 0; c < count; ++c) out[c] = lingnan_rescaled(r, sums[c], channel + c);
        return;
    }
    const __mmask16 lanes = (__mmask16)((1u << count) - 1);
    const __m512i sum = _mm512_loadu_si512(sums);
    const __m256i low = lingnan_rescale_eight(r, _mm512_castsi512_si256(sum), channel,
                                              (__mmask8)lanes);
    const __m256i high = lingnan_rescale_eight(r, _mm512_extracti64x4_epi64(sum, 1), channel + 8,
                                               (__mmask8)(lanes >> 8));
    const __m512i value = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    const __m512i positive = _mm512_max_epi32(value, _mm512_setzero_si512());
    _mm_mask_storeu_epi8(out, lanes, _mm512_cvtusepi32_epi8(positive));
    lingnan_patch(r, sums, channel, count, out);
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
