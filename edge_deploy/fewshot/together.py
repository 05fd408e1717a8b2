"""Samples asked together teach the head as well: self-training on what it named itself.

Of some samples at once each is named by the nearest mean, and joins that class; the means move and
the samples are named again (k-means that starts from the learned samples; Ren et al., ICLR 2018).
It is `Head.learn` alone, so that a target which has the head has this too. It needs samples of the
learned classes only, each about as often: a stranger would pull a mean away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_deploy.fewshot.episodes import Episode, taught

TURNS = 4


def named_together(episode: Episode, turns: int = TURNS) -> NDArray[np.int64]:
    """(M,) the class of each asked sample; fewer turns where nothing changes any more."""
    found = taught(episode).distances(episode.asked).argmin(1)
    for _ in range(turns):
        head = taught(episode)
        for sample, label in zip(episode.asked, found.tolist(), strict=True):
            head.learn(sample, label)
        before, found = found, head.distances(episode.asked).argmin(1)
        if np.array_equal(before, found):
            break
    return np.asarray(found, np.int64)
