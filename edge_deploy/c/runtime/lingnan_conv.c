/* Convolutions, two windows at a time; those that do not lie ready are gathered into columns. */
#include "lingnan_dot.h"

/* One window of `channels` channels, padding as the zero point, to `row` bytes. */
static void gather(const lingnan_conv *p, const uint8_t *in, int32_t channels, int32_t top,
                   int32_t left, uint8_t *column)
{
    const int32_t bytes = p->kernel_w * channels;
    const int whole = channels == p->in_c && left >= 0 && left + p->kernel_w <= p->in_w;
    uint8_t *to = column;
    for (int32_t y = top; y < top + p->kernel_h; ++y) {
        if (y < 0 || y >= p->in_h) {
            memset(to, p->zero_point, (size_t)bytes);
        } else if (whole) {
            memcpy(to, in + (y * p->in_w + left) * p->in_c, (size_t)bytes);
        } else {
            for (int32_t x = 0; x < p->kernel_w; ++x)
                if (left + x < 0 || left + x >= p->in_w)
                    memset(to + x * channels, p->zero_point, (size_t)channels);
                else
                    memcpy(to + x * channels, in + (y * p->in_w + left + x) * p->in_c,
                           (size_t)channels);
        }
        to += p->run ? p->run : bytes; /* what lies between meets weights of zero */
    }
}

/* One group of channels: where it reads, and whether a window inside the picture can be read where
 * it lies. */
typedef struct {
    const lingnan_conv *p;
    const uint8_t *in;
    uint8_t *scratch;
    int32_t channels;
    int direct;
} source;

/* The window of pixel x of row y, and the one beside it. */
static inline lingnan_windows windows(const source *s, int32_t y, int32_t x)
{
    const lingnan_conv *const p = s->p;
    const int32_t top = y * p->stride_h - p->pad_top, left = x * p->stride_w - p->pad_left;
    const int32_t step = p->stride_w * p->in_c; /* bytes */
    const int32_t room = (p->in_w - left) * p->in_c - p->run; /* that the window may move right */
    const int ready = s->direct && top >= 0 && top + p->kernel_h <= p->in_h && left >= 0;
    const int32_t pixels = p->out_w - x;
    lingnan_windows v = {{0}, pixels > 1 ? 2 : 1, 1, p->row, 0};
    if (ready && room >= (v.count - 1) * step) {
        v.at[0] = s->in + (top * p->in_w + left) * p->in_c;
        v.at[1] = v.count > 1 ? v.at[0] + step : v.at[0];
        v.runs = p->kernel_h;
        v.length = p->run;
        v.pitch = p->in_w * p->in_c;
        return v;
    }
    v.at[0] = v.at[1] = s->scratch;
    gather(p, s->in, s->channels, top, left, s->scratch);
    if (v.count > 1) {
        v.at[1] += p->row;
        gather(p, s->in, s->channels, top, left + p->stride_w, s->scratch + p->row);
    }
    return v;
}

static void group(const lingnan_conv *p, const uint8_t *in, uint8_t *out, uint8_t *scratch,
                  int32_t at)
{
    const lingnan_rescale rescale = p->rescale; /* a copy: bytes written may alias p */
    const int32_t channels = p->in_c / p->groups, rows = p->out_c / p->groups;
    const int32_t padded = (rows + 3) / 4 * 4, out_c = p->out_c, row = p->row, out_w = p->out_w;
    const int8_t *const weight = p->weight + at * padded * row;
    const source s = {p, in + at * channels, scratch, channels,
                      p->groups == 1 && p->run && (LINGNAN_DIRECT || p->kernel_h == 1)};
    out += at * rows;
    for (int32_t y = 0; y < p->out_h; ++y)
        for (int32_t x = 0; x < out_w;) {
            const lingnan_windows v = windows(&s, y, x);
            for (int32_t first = 0; first < rows; first += LINGNAN_BLOCK) {
                const int32_t left = rows - first, wide = padded - first;
                const int32_t count = left < LINGNAN_BLOCK ? left : LINGNAN_BLOCK;
                const int32_t width = wide < LINGNAN_BLOCK ? wide : LINGNAN_BLOCK;
                int32_t sums[2 * LINGNAN_BLOCK];
                lingnan_dot_block(weight + first * row, width, &v, sums);
                for (int32_t i = 0; i < v.count; ++i)
                    lingnan_rescale_block(&rescale, sums + i * LINGNAN_BLOCK, at * rows + first,
                                          count, out + first + i * out_c);
            }
            x += v.count;
            out += v.count * out_c;
        }
}

void lingnan_conv2d(const lingnan_conv *p, const uint8_t *in, uint8_t *out, uint8_t *scratch)
{
#ifdef LINGNAN_SMLAD
    if (p->nine) {
        lingnan_conv_nine(p, in, out);
        return;
    }
#endif
#ifdef LINGNAN_WIDE
    if (p->room) {
        lingnan_conv_rows(p, in, out);
        return;
    }
#endif
    for (int32_t at = 0; at < p->groups; ++at) group(p, in, out, scratch, at);
}
