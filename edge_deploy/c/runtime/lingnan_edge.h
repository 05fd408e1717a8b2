/* Integer kernels of Lingnan's generated networks. C99, no malloc; no floats, but on machines with
 * wide registers (LINGNAN_WIDE), where float32 rounds.
 *
 * Activations are uint8_t in (height, width, channel) order; weights are int8_t, in the order that
 * lingnan_dot.h says, or lingnan_wide.h.
 */
#ifndef LINGNAN_EDGE_H
#define LINGNAN_EDGE_H

#include <stdint.h>

/* Which instructions are used: those of the target that the compiler is told of. */
#if defined(__ARM_FEATURE_SIMD32) && !defined(LINGNAN_PLAIN)
#define LINGNAN_SMLAD 1
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(LINGNAN_PLAIN)
#define LINGNAN_NEON 1
#elif defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
    !defined(LINGNAN_PLAIN)
#define LINGNAN_VNNI 1
#endif
#if defined(LINGNAN_NEON) || defined(LINGNAN_VNNI)
#define LINGNAN_WIDE 1
#endif

/* Four weights of each of four channels, in the order that the machine takes them. */
#if defined(LINGNAN_NEON) && !defined(__ARM_FEATURE_DOTPROD)
#define LINGNAN_PAIRS 1
#define LINGNAN_QUAD(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P) \
    A, B, E, F, I, J, M, N, C, D, G, H, K, L, O, P
#else
#define LINGNAN_QUAD(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P) \
    A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P
#endif

#if defined(__GNUC__) && defined(LINGNAN_WIDE)
#define LINGNAN_ALIGNED __attribute__((aligned(64)))
#elif defined(__GNUC__)
#define LINGNAN_ALIGNED __attribute__((aligned(16)))
#else
#define LINGNAN_ALIGNED
#endif

enum { LINGNAN_MOST_ROWS = 16 }; /* of a kernel that lingnan_conv_rows takes */
enum { LINGNAN_HALF_UP, LINGNAN_HALF_EVEN, LINGNAN_FLOAT32, LINGNAN_TABLE };

/* From int32 accumulators to uint8: the proven form that the generator found.
 * half-up: (sum * multiplier + offset) >> shift, plus 1 where the sum is an exception of its
 * channel; offset holds bias, one half and zero point, so that sums start at 0.
 * half-even and float32: bias is added first, shifts are a channel's own. */
typedef struct {
    const int32_t *multiplier;
    const int64_t *offset;
    const int32_t *bias;
    const uint8_t *shifts;
    const int32_t *exceptions;      /* of all channels, `most` each */
    const uint8_t *exception_counts; /* of each channel; null where no channel has any */
    uint8_t form, shift, most, zero_point;
} lingnan_rescale;

/* One output channel of a 3 x 3 layer of one channel, where a multiplier and an offset are all:
 * its taps in pairs, low half first: (0, 2), (3, 5), (6, 8), (1, 4), (7, nothing). */
typedef struct {
    uint32_t taps[5];
    int32_t multiplier;
    int64_t offset;
} lingnan_nine;

typedef struct {
    int32_t in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, groups;
    int32_t row;        /* bytes of a channel's weights, a multiple of four */
    int32_t run;        /* bytes of a kernel row in them, a multiple of four; 0 where it is none */
    uint8_t zero_point; /* of the input, which stands for padding */
    const int8_t *weight;
    const lingnan_nine *nine;  /* instead of weights, of SMLAD alone */
#ifdef LINGNAN_WIDE
    /* For lingnan_conv_rows and lingnan_depthwise_rows, in whole sixteens; null where the layer is
     * none of theirs. */
    const int32_t *start; /* what sums start at */
    const float *scale;   /* of their rounding */
    uint8_t *room;        /* `pitch` bytes for each kernel row and one of padding */
    int32_t pitch;
#endif
    lingnan_rescale rescale;
} lingnan_conv;

typedef struct {
    int32_t size, multiplier_a, multiplier_b, offset;
    const uint8_t *table;     /* form LINGNAN_TABLE: 65536 values */
    const int16_t *exceptions; /* a, b, correction */
    uint8_t form, shift, exception_count;
} lingnan_add;

typedef struct {
    int32_t in_h, in_w, channels, out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
} lingnan_pool;

/* scratch: 2 * row bytes, at an address divisible by four; unused where windows lie ready. */
void lingnan_conv2d(const lingnan_conv *p, const uint8_t *in, uint8_t *out, uint8_t *scratch);
void lingnan_conv_nine(const lingnan_conv *p, const uint8_t *in, uint8_t *out); /* has p->nine */
void lingnan_conv_rows(const lingnan_conv *p, const uint8_t *in, uint8_t *out); /* has p->room */
void lingnan_depthwise(const lingnan_conv *p, const uint8_t *in, uint8_t *out);
void lingnan_depthwise_rows(const lingnan_conv *p, const uint8_t *in, uint8_t *out); /* so too */
void lingnan_global_average(const lingnan_rescale *r, int32_t pixels, int32_t channels,
                            const uint8_t *in, uint8_t *out);
void lingnan_sum(const lingnan_add *p, const uint8_t *a, const uint8_t *b, uint8_t *out);
void lingnan_max_pool(const lingnan_pool *p, const uint8_t *in, uint8_t *out);
void lingnan_upsample(int32_t h, int32_t w, int32_t c, int32_t factor_h, int32_t factor_w,
                      const uint8_t *in, uint8_t *out);
/* Copies one input of a concatenation to its channels of every pixel. */
void lingnan_place(int32_t pixels, int32_t channels, int32_t out_channels, const uint8_t *in,
                   uint8_t *out);
/* (height * width, channel) to (channel, height * width). */
void lingnan_flatten(int32_t pixels, int32_t channels, const uint8_t *in, uint8_t *out);
void lingnan_lookup(int32_t size, const uint8_t *table, const uint8_t *in, uint8_t *out);
/* h, w, c: of the shallow side. by_channel: (channel, (row, column)) is the deep order. */
void lingnan_to_depth(int32_t h, int32_t w, int32_t c, int32_t block, int by_channel,
                      const uint8_t *in, uint8_t *out);
void lingnan_to_space(int32_t h, int32_t w, int32_t c, int32_t block, int by_channel,
                      const uint8_t *in, uint8_t *out);

#endif
