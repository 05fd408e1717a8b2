#include "lingnan_prototypes.h"

enum { FRACTION = 4 };

int lingnan_learn(lingnan_prototypes *head, const uint8_t *sample, int32_t label)
{
    if (label < 0 || label > head->classes || label >= head->room_classes)
        return -1;
    if (head->counts[label] == LINGNAN_MOST_SAMPLES)
        return -1;
    uint32_t *sums = head->sums + (int64_t)label * head->features;
    for (int32_t at = 0; at < head->features; at++) {
        sums[at] += sample[at];
        head->squares[label] += (uint32_t)sample[at] * sample[at];
    }
    head->counts[label]++;
    if (label == head->classes)
        head->classes++;
    return 0;
}

static uint32_t distance_of(const uint32_t *sums, uint32_t count, const uint8_t *sample, int32_t n)
{
    uint32_t total = 0;
    for (int32_t at = 0; at < n; at++) {
        /* the mean to a quarter of a step, rounded half up; 8 * 255 * 65536 + 65536 < 2^32 */
        int32_t mean = (int32_t)((2 * FRACTION * sums[at] + count) / (2 * count));
        int32_t away = mean - FRACTION * sample[at];
        total += (uint32_t)(away * away);
    }
    return total;
}

lingnan_answer lingnan_answer_of(const lingnan_prototypes *head, const uint8_t *sample)
{
    lingnan_answer answer = {-1, UINT32_MAX, UINT32_MAX};
    for (int32_t label = 0; label < head->classes; label++) {
        const uint32_t *sums = head->sums + (int64_t)label * head->features;
        uint32_t distance = distance_of(sums, head->counts[label], sample, head->features);
        if (answer.nearest < 0 || distance < answer.distance) {
            answer.second = answer.nearest < 0 ? UINT32_MAX : answer.distance;
            answer.distance = distance;
            answer.nearest = label;
        } else if (distance < answer.second) {
            answer.second = distance;
        }
    }
    return answer;
}

uint64_t lingnan_limit(const lingnan_prototypes *head, uint32_t factor)
{
    uint64_t total = 0, learned = 0;
    for (int32_t label = 0; label < head->classes; label++) {
        const uint32_t *sums = head->sums + (int64_t)label * head->features;
        uint64_t n = head->counts[label], square = 0;
        if (n < 2)
            continue;
        for (int32_t at = 0; at < head->features; at++)
            square += (uint64_t)sums[at] * sums[at]; /* 4096 * (255 * 65536)^2 < 2^60 */
        uint64_t scatter = head->squares[label] - square / n; /* <= n * 4096 * 128^2: 2^42 */
        total += FRACTION * FRACTION * scatter * n / (n - 1) * n / (n - 1);
        learned += n;
    }
    return learned ? total / learned * factor / 256 : UINT64_MAX;
}
