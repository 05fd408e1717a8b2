/* A classifier that learns on the device: the nearest mean of a class (prototypical networks).
 *
 * The features are a quantised network's output. Learning a sample is an addition; memory is the
 * caller's: no malloc, no floats. `edge_deploy/fewshot/head.py` gives the same integers.
 */
#ifndef LINGNAN_PROTOTYPES_H
#define LINGNAN_PROTOTYPES_H

#include <stdint.h>

#define LINGNAN_MOST_FEATURES 4096 /* distances then fit 32 bits */
#define LINGNAN_MOST_FACTOR 65536
#define LINGNAN_MOST_SAMPLES 65536 /* of a class: sums then fit 32 bits */

typedef struct {
    uint32_t *sums;    /* room_classes x features, all zero at the start */
    uint64_t *squares; /* room_classes, all zero at the start */
    uint32_t *counts;  /* room_classes, all zero at the start */
    int32_t features, classes, room_classes;
} lingnan_prototypes;

typedef struct {
    int32_t nearest;   /* class, the first of equals; -1 where nothing was learned */
    uint32_t distance; /* squared, in sixteenths of a squared step */
    uint32_t second;   /* to the second nearest class; UINT32_MAX where there is one class only */
} lingnan_answer;

/* 0, or -1 where the label is neither known nor the next new one, or its room is full. */
int lingnan_learn(lingnan_prototypes *head, const uint8_t *sample, int32_t label);
lingnan_answer lingnan_answer_of(const lingnan_prototypes *head, const uint8_t *sample);

/* The distance beyond which a sample is of no learned class: factor / 256 times the learned samples'
 * mean distance from the mean of their class without them. Of at most LINGNAN_MOST_FACTOR.
 * UINT64_MAX where no class has two samples. Ask once after learning, then compare. */
uint64_t lingnan_limit(const lingnan_prototypes *head, uint32_t factor);

#endif
