"""The indicators of positioning, by their ids in the guide."""

from __future__ import annotations

from positioning.acceptance import (
    car_radar,
    chiplets,
    coldstart,
    coupled,
    drives,
    fusion,
    odometry,
    radar,
    recorded_offset,
    scenes,
    spinning_radar,
    static,
    streets,
    sync,
    variance,
    video,
    video_energy,
    video_link,
    video_pace,
    video_tracks,
)

EXPERIMENTS = (
    *streets.EXPERIMENTS,
    *odometry.EXPERIMENTS,
    *static.EXPERIMENTS,
    *drives.EXPERIMENTS,
    *variance.EXPERIMENTS,
    *coupled.EXPERIMENTS,
    *coldstart.EXPERIMENTS,
    *scenes.EXPERIMENTS,
    *radar.EXPERIMENTS,
    *spinning_radar.EXPERIMENTS,
    *car_radar.EXPERIMENTS,
    *recorded_offset.EXPERIMENTS,
    *fusion.EXPERIMENTS,
    *sync.EXPERIMENTS,
    *video.EXPERIMENTS,
    *video_tracks.EXPERIMENTS,
    *video_pace.EXPERIMENTS,
    *video_link.EXPERIMENTS,
    *video_energy.EXPERIMENTS,
    *chiplets.EXPERIMENTS,
)
