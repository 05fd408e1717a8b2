/* x86 with AVX-512 and its byte dot products (VNNI); included by lingnan_wide.h. */
#include <immintrin.h>

enum { LINGNAN_FLIP = 0 };

static inline void lingnan_copy(const uint8_t *from, int32_t bytes, uint8_t *to)
{
    memcpy(to, from, (size_t)bytes);
}

static inline void lingnan_together(const uint8_t *const rows[3], int32_t bytes, uint8_t *to)
{
    /* Unpacking works in quarters of a register: these come to hold what ends in one place. */
    const __m512i parts = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (int32_t at = 0; at < bytes; at += 64, to += 256) {
        const int32_t left = bytes - at;
        const __mmask64 here = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        const __m512i a =
            _mm512_permutexvar_epi32(parts, _mm512_maskz_loadu_epi8(here, rows[0] + at));
        const __m512i b =
            _mm512_permutexvar_epi32(parts, _mm512_maskz_loadu_epi8(here, rows[1] + at));
        const __m512i c =
            _mm512_permutexvar_epi32(parts, _mm512_maskz_loadu_epi8(here, rows[2] + at));
        const __m512i ab = _mm512_unpacklo_epi8(a, b), cc = _mm512_unpacklo_epi8(c, c);
        const __m512i ab_high = _mm512_unpackhi_epi8(a, b), cc_high = _mm512_unpackhi_epi8(c, c);
        _mm512_storeu_si512(to, _mm512_unpacklo_epi16(ab, cc));
        _mm512_storeu_si512(to + 64, _mm512_unpackhi_epi16(ab, cc));
        _mm512_storeu_si512(to + 128, _mm512_unpacklo_epi16(ab_high, cc_high));
        _mm512_storeu_si512(to + 192, _mm512_unpackhi_epi16(ab_high, cc_high));
    }
}

static inline __m512i lingnan_rounded_sums(__m512i sums, __m512 scale)
{
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale));
}

static inline void lingnan_put_one(__m128i bytes, int32_t count, uint8_t *out)
{
    if (count == 16)
        _mm_storeu_si128((void *)out, bytes);
    else if (count == 8)
        _mm_storel_epi64((void *)out, bytes);
    else
        _mm_mask_storeu_epi8(out, (__mmask16)((1u << count) - 1), bytes);
}

/* The sums of up to four pixels rounded and put. */
static inline __attribute__((always_inline)) void lingnan_put(const __m512i *sums,
                                                              const int pixels,
                                                              const lingnan_strip *s, uint8_t *out)
{
    const __m512i parts = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i zero = _mm512_set1_epi16((int16_t)s->zero_point);
    const __m512 scale = _mm512_loadu_ps(s->scale);
    __m512i r[4];
    for (int i = 0; i < 4; ++i)
        r[i] = i < pixels ? lingnan_rounded_sums(sums[i], scale) : r[0];
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(r[0], r[1]), zero);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(r[2], r[3]), zero);
    const __m512i all = _mm512_permutexvar_epi32(parts, _mm512_packus_epi16(low, high));
    lingnan_put_one(_mm512_castsi512_si128(all), s->count, out);
    if (pixels < 4) return;
    lingnan_put_one(_mm512_extracti32x4_epi32(all, 1), s->count, out + s->out_step);
    lingnan_put_one(_mm512_extracti32x4_epi32(all, 2), s->count, out + 2 * s->out_step);
    lingnan_put_one(_mm512_extracti32x4_epi32(all, 3), s->count, out + 3 * s->out_step);
}

/* Some windows of `runs` runs from `at` on; windows: a constant, so that the sums stay in
 * registers. */
static inline __attribute__((always_inline)) void lingnan_tile(
    const lingnan_strip *s, const int windows, const uint8_t *const *rows, int32_t runs,
    int32_t length, int32_t at, uint8_t *out)
{
    const int32_t width = (s->count + 3) / 4 * 4;
    const __mmask16 lanes = (__mmask16)((1u << width) - 1);
    const int8_t *w = s->weight;
    __m512i sums[8];
    for (int i = 0; i < windows; ++i) sums[i] = _mm512_loadu_si512(s->start);
    for (int32_t run = 0; run < runs; ++run) {
        const uint8_t *x = rows[run] + at;
        for (const uint8_t *const end = x + length; x != end; x += 4, w += 4 * width) {
            const __m512i ws = _mm512_maskz_loadu_epi32(lanes, w);
            for (int i = 0; i < windows; ++i) {
                int32_t four;
                memcpy(&four, x + i * s->step, 4);
                sums[i] = _mm512_dpbusd_epi32(sums[i], _mm512_set1_epi32(four), ws);
            }
        }
    }
    for (int i = 0; i < windows; i += 4)
        lingnan_put(sums + i, windows < 4 ? 1 : 4, s, out + i * s->out_step);
}

static inline void lingnan_strip_sums(const lingnan_strip s, const uint8_t *const *rows,
                                      int32_t runs, int32_t length, uint8_t *out)
{
    int32_t i = 0, at = 0;
    for (; i + 8 <= s.pixels; i += 8, at += 8 * s.step)
        lingnan_tile(&s, 8, rows, runs, length, at, out + i * s.out_step);
    for (; i + 4 <= s.pixels; i += 4, at += 4 * s.step)
        lingnan_tile(&s, 4, rows, runs, length, at, out + i * s.out_step);
    for (; i < s.pixels; ++i, at += s.step)
        lingnan_tile(&s, 1, rows, runs, length, at, out + i * s.out_step);
}

/* columns: a constant where it is 3, so that the weights stay in registers; pixels: 4 or 1. */
static inline __attribute__((always_inline)) void lingnan_columns(
    const lingnan_strip *s, const int pixels, const uint8_t *x, int32_t column, const int columns,
    uint8_t *out)
{
    __m512i sums[4];
    for (int i = 0; i < pixels; ++i) sums[i] = _mm512_loadu_si512(s->start);
    for (int at = 0; at < columns; ++at)
        for (int i = 0; i < pixels; ++i)
            sums[i] = _mm512_dpbusd_epi32(
                sums[i], _mm512_loadu_si512(x + i * s->step + at * column),
                _mm512_loadu_si512(s->weight + at * column));
    lingnan_put(sums, pixels, s, out);
}

static inline void lingnan_depthwise_strip(const lingnan_strip s, const uint8_t *x, int32_t column,
                                           int32_t columns, uint8_t *out)
{
    int32_t i = 0;
    for (; columns == 3 && i + 4 <= s.pixels; i += 4, x += 4 * s.step, out += 4 * s.out_step)
        lingnan_columns(&s, 4, x, column, 3, out);
    for (; i < s.pixels; ++i, x += s.step, out += s.out_step)
        lingnan_columns(&s, 1, x, column, columns, out);
}
