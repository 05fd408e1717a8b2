/* Convolutions of machines that take sixteen channels at once (LINGNAN_WIDE). Rows of the input are
 * laid once, with their padding, as the machine takes them, so that no window needs a case of its
 * own; a strip is what one output row has of sixteen output channels. */
#include "lingnan_edge.h"

#ifdef LINGNAN_WIDE
#include "lingnan_wide.h"

static int32_t columns(const lingnan_conv *p)
{
    return (p->out_w - 1) * p->stride_w + p->kernel_w;
}

/* Bytes of an input row that any window reaches. */
static int32_t reached(const lingnan_conv *p)
{
    const int32_t wide = columns(p) - p->pad_left;
    return (wide < p->in_w ? wide : p->in_w) * p->in_c;
}

static void lay(const lingnan_conv *p, const uint8_t *from, uint8_t *row)
{
    const int32_t before = p->pad_left * p->in_c, bytes = reached(p);
    const int zero = p->zero_point ^ LINGNAN_FLIP;
    memset(row, zero, (size_t)before);
    lingnan_copy(from, bytes, row + before);
    memset(row + before + bytes, zero, (size_t)(columns(p) * p->in_c - before - bytes));
}

/* Whether rows can be read where they are. */
static int is_laid(const lingnan_conv *p)
{
    return !LINGNAN_FLIP && p->pad_left == 0 && columns(p) <= p->in_w &&
           p->run == p->kernel_w * p->in_c;
}

static lingnan_strip strip_of(const lingnan_conv *p, int32_t first)
{
    const int32_t left = p->out_c - first;
    const lingnan_strip s = {.weight = p->weight + first * p->row,
                             .start = p->start + first,
                             .scale = p->scale + first,
                             .zero_point = p->rescale.zero_point,
                             .count = left < LINGNAN_BLOCK ? left : LINGNAN_BLOCK,
                             .pixels = p->out_w,
                             .step = p->stride_w * p->in_c,
                             .out_step = p->out_c};
    return s;
}

void lingnan_conv_rows(const lingnan_conv *p, const uint8_t *in, uint8_t *out)
{
    const uint8_t *rows[LINGNAN_MOST_ROWS];
    uint8_t *const room = p->room + p->pitch; /* behind a row of padding */
    const int as_they_are = is_laid(p);
    int32_t next = 0; /* of the input, to be laid */
    memset(p->room, p->zero_point ^ LINGNAN_FLIP, (size_t)p->pitch);
    for (int32_t y = 0; y < p->out_h; ++y, out += p->out_w * p->out_c) {
        for (int32_t k = 0; k < p->kernel_h; ++k) {
            const int32_t at = y * p->stride_h - p->pad_top + k;
            const uint8_t *const from = in + at * p->in_w * p->in_c;
            const int inside = at >= 0 && at < p->in_h;
            uint8_t *const row = inside ? room + at % p->kernel_h * p->pitch : p->room;
            rows[k] = inside && as_they_are ? from : row;
            if (!inside || as_they_are || at < next) continue;
            lay(p, from, row);
            next = at + 1;
        }
        for (int32_t first = 0; first < p->out_c; first += LINGNAN_BLOCK)
            lingnan_strip_sums(strip_of(p, first), rows, p->kernel_h, p->run, out + first);
    }
}

/* Of depthwise layers four rows stand together, four bytes an input value, the last of them and
 * those that the kernel has not meeting weights of zero. */
void lingnan_depthwise_rows(const lingnan_conv *p, const uint8_t *in, uint8_t *out)
{
    const int32_t channels = p->in_c, before = 4 * p->pad_left * channels, bytes = reached(p);
    const int32_t all = 4 * columns(p) * channels, zero = p->zero_point ^ LINGNAN_FLIP;
    uint8_t *const padding = p->room + p->pitch;
    memset(padding, p->zero_point, (size_t)bytes);
    memset(p->room, zero, (size_t)before);
    for (int32_t y = 0; y < p->out_h; ++y, out += p->out_w * channels) {
        const uint8_t *rows[3];
        for (int32_t k = 0; k < 3; ++k) {
            const int32_t row = k < p->kernel_h ? k : p->kernel_h - 1;
            const int32_t at = y * p->stride_h - p->pad_top + row;
            rows[k] = at >= 0 && at < p->in_h ? in + at * p->in_w * channels : padding;
        }
        lingnan_together(rows, bytes, p->room + before);
        memset(p->room + before + 4 * bytes, zero, (size_t)(all - before - 4 * bytes));
        for (int32_t first = 0; first < channels; first += LINGNAN_BLOCK) {
            if (channels > LINGNAN_BLOCK && first + LINGNAN_BLOCK > channels)
                first = channels - LINGNAN_BLOCK; /* some twice */
            lingnan_strip s = strip_of(p, first);
            s.weight = p->weight + 4 * first;
            s.step *= 4;
            lingnan_depthwise_strip(s, p->room + 4 * first, 4 * channels, p->kernel_w,
                                    out + first);
        }
    }
}
#endif
