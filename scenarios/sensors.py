"""Sensor profiles: everything that the propagation and detection equations need to know of an instrument.

One file of ``catalogue/sensors`` is one profile. Grades of the numbers (A measured by others ... E
engineering estimate) stand beside them in the files.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scenarios.base import (
    Decibel,
    Degrees,
    Fraction,
    Interval,
    Model,
    Name,
    NonNegative,
    Orientation,
    Point3,
    Positive,
    Text,
)


class Coverage(Model):
    """What a sensor covers, in its own axes; azimuth may cross its nose or go all the way round."""

    range_m: Interval
    azimuth_deg: Interval = (-180.0, 180.0)
    elevation_deg: Interval


class _Profile(Model):
    """What all kinds have: when it looks, what it covers, how long it computes."""

    name: Name
    title: Text
    source: Text
    scan_period_s: Positive = Field(le=60.0, description="time between two looks at the same place")
    processing_latency_s: NonNegative = Field(
        default=0.0, le=10.0, description="time of validity to hand-over to the network"
    )
    field_of_view: Coverage
    angles: Literal["sensor"] = Field(
        default="sensor", description="azimuth and elevation are reported in the sensor's own axes"
    )
    boresight_sigma_deg: NonNegative = Field(
        default=0.0, le=10.0, description="standard deviation of the mount's constant alignment error, drawn once a run"
    )
    false_alarms_per_scan: NonNegative = Field(
        default=0.0, le=500.0, description="mean number of false detections a scan"
    )
    classes: tuple[Name, ...] = Field(default=(), max_length=16, description="names that the sensor can tell apart")
    class_confidence: Fraction = Field(default=0.8, description="probability of the right class at high signal")


class RadarProfile(_Profile):
    """A pulse-Doppler radar with track-while-scan (radar equation in its coherent dwell form)."""

    kind: Literal["radar"]
    frequency_hz: Positive
    average_power_w: Positive
    gain_transmit_db: Decibel
    gain_receive_db: Decibel
    dwell_s: Positive = Field(le=10.0, description="coherent processing interval on one beam position")
    dwells_integrated: int = Field(default=1, ge=1, le=4096, description="N, dwells summed without phase")
    noise_figure_db: NonNegative
    losses_db: NonNegative
    bandwidth_hz: Positive
    beamwidth_azimuth_deg: Positive = Field(le=360.0)
    beamwidth_elevation_deg: Positive = Field(le=180.0)
    false_alarm_probability: Positive = Field(le=0.1, description="per resolution cell, of thermal noise")
    swerling: Literal[0, 1, 3] | None = Field(default=None, description="overrides the target's own fluctuation case")
    angle_slope: Positive = Field(default=1.6, description="k_m of sigma = beamwidth / (k_m sqrt(2 SNR))")
    range_floor_m: NonNegative = 0.0
    azimuth_floor_deg: NonNegative = 0.0
    elevation_floor_deg: NonNegative = 0.0
    range_rate_floor_mps: NonNegative = 0.0
    range_rate_limit_mps: Positive = Field(default=100.0, description="largest unambiguous radial speed")
    doppler_notch_mps: NonNegative = Field(
        default=0.0, description="nothing is detected below this radial speed over ground"
    )
    clutter_improvement_db: NonNegative = Field(
        default=35.0, description="suppression of ground clutter by Doppler filtering"
    )
    sidelobe_floor_db: Decibel = -60.0
    polarisation: Literal["horizontal", "vertical"] = "vertical"
    micro_doppler_margin_db: NonNegative = Field(
        default=15.0, description="SNR above the detection threshold that classification by micro-Doppler needs"
    )


class PanTilt(Model):
    """A head that turns one narrow camera: it obeys cues of the node, and searches by itself without one."""

    slew_rate_degps: Positive = Field(le=720.0, description="largest rate of each axis, degrees a second")
    settle_s: NonNegative = Field(default=0.0, le=10.0, description="after a slew, until the picture stands still")
    home_deg: tuple[Degrees, Degrees] = Field(
        default=(0.0, 5.0), description="azimuth, elevation; middle of the search"
    )
    search_width_deg: NonNegative = Field(
        default=0.0, le=360.0, description="azimuths searched in steps of one field while there is no cue; 0: stare"
    )
    search_dwell_s: Positive = Field(default=0.5, le=60.0, description="time for one step of the search, slew included")
    cue_latency_s: NonNegative = Field(default=0.05, le=10.0, description="from hearing a cue to the first movement")
    cue_hold_s: Positive = Field(default=2.0, le=60.0, description="age at which a cue is no longer obeyed")


class CameraProfile(_Profile):
    """A staring set of identical pinhole cameras side by side (one camera: ``cameras: 1``), or one on a head.

    With ``pan_tilt`` the field of view is all that the head can be turned to; one look covers ``hfov_deg`` x
    ``vfov_deg`` of it.
    """

    kind: Literal["eo", "ir"]
    cameras: int = Field(
        default=1, ge=1, le=64, description="cameras of the set; together they cover the field of view"
    )
    hfov_deg: Positive = Field(le=175.0, description="horizontal field of one camera")
    vfov_deg: Positive = Field(le=175.0)
    pixels_horizontal: int = Field(ge=16, le=20_000)
    pixels_vertical: int = Field(ge=16, le=20_000)
    exposure_s: Positive = Field(le=1.0)
    frame_rate_hz: Positive = Field(le=1000.0, description="of the camera; scans are taken every scan_period_s")
    wavelength_m: Positive = Field(le=2e-5, description="middle of the band, for extinction")
    bearing_sigma_px: Positive = Field(default=0.5, description="centroid error")
    stabilisation_sigma_deg: NonNegative = Field(default=0.02, description="jitter of the line of sight")
    size_sigma_fraction: Positive = Field(default=0.2, description="relative error of the angular size")
    px_half_sky: Positive = Field(default=3.0, description="pixels on target for Pd 0.5 against clear sky")
    px_half_clutter: Positive = Field(default=8.0, description="pixels on target for Pd 0.5 against ground and trees")
    px_slope: float = Field(
        default=6.0, ge=2.0, le=20.0, description="exponent k of the pixel criterion Pd = 1 / (1 + (p50 / p)^k)"
    )
    contrast_threshold: Positive = Field(default=0.05, description="EO: apparent contrast at which Pd falls to half")
    dusk_factor: Fraction = Field(default=0.4, description="EO: contrast that is left at dusk")
    night_factor: Fraction = Field(default=0.02, description="EO: contrast that is left at night")
    netd_k: Positive = Field(default=0.05, description="IR: noise-equivalent temperature difference")
    snr_threshold: Positive = Field(default=5.0, description="IR: signal to noise needed in a pixel")
    extinction_per_km: NonNegative = Field(default=0.3, description="IR: clear-air extinction in its band")
    recognition_px: Positive = Field(default=12.0, description="pixels on target for a right class with half certainty")
    pan_tilt: PanTilt | None = Field(default=None, description="none: the cameras stare")

    @model_validator(mode="after")
    def _head_fits(self) -> CameraProfile:
        if self.pan_tilt is None:
            return self
        if self.cameras != 1:
            raise ValueError(f"cameras = {self.cameras}: must be 1 with pan_tilt (a head turns one camera)")
        reach, (azimuth, elevation) = self.field_of_view, self.pan_tilt.home_deg
        if self.vfov_deg > reach.elevation_deg[1] - reach.elevation_deg[0]:
            raise ValueError("vfov_deg: must be at most the height of field_of_view.elevation_deg")
        if self.hfov_deg > reach.azimuth_deg[1] - reach.azimuth_deg[0]:
            raise ValueError("hfov_deg: must be at most the width of field_of_view.azimuth_deg")
        inside = reach.azimuth_deg[0] <= azimuth <= reach.azimuth_deg[1]
        if not inside or not reach.elevation_deg[0] <= elevation <= reach.elevation_deg[1]:
            raise ValueError(f"pan_tilt.home_deg = [{azimuth:g}, {elevation:g}]: must lie inside field_of_view")
        return self


class AcousticProfile(_Profile):
    """A microphone array: level against noise, bearing from the array's aperture."""

    kind: Literal["acoustic"]
    microphones: int = Field(ge=2, le=1024)
    array_diameter_m: Positive = Field(le=50.0)
    band_hz: Interval
    detection_threshold_db: Decibel
    self_noise_dba: Decibel = Field(default=20.0, description="noise floor of the microphones")
    vehicle_noise_rejection_db: NonNegative = Field(
        default=0.0, description="what the array takes off its own vehicle's coherent noise instead of 10 lg M"
    )
    wind_noise_db_per_mps: NonNegative = Field(default=2.0, description="rise of the noise per m/s of wind above 3 m/s")
    bearing_floor_deg: Positive = Field(default=3.0, le=90.0)
    elevation_floor_deg: Positive = Field(default=4.0, le=90.0)


class Band(Model):
    """One receive band."""

    low_hz: Positive
    high_hz: Positive


class RadioFrequencyProfile(_Profile):
    """A direction finder: link budget, chance of meeting a hop, bearing."""

    kind: Literal["rf"]
    bands: tuple[Band, ...] = Field(min_length=1, max_length=16)
    instantaneous_bandwidth_hz: Positive
    dwell_s: Positive = Field(le=10.0, description="stay on one tuning; bands wider than the receiver are stepped")
    gain_db: Decibel
    noise_figure_db: NonNegative
    losses_db: NonNegative = 0.0
    detection_threshold_db: Decibel
    aperture_m: Positive = Field(description="diameter of the direction-finding array")
    bearing_floor_deg: Positive = Field(le=90.0)
    decodes_remote_id: bool = False


SensorProfile = Annotated[
    RadarProfile | CameraProfile | AcousticProfile | RadioFrequencyProfile, Field(discriminator="kind")
]


class SensorMount(Model):
    """One sensor of a fit: its name, its profile, and where it sits on hull or turret (forward, left, up)."""

    name: Name
    profile: Name
    on: Literal["hull", "turret"] = "turret"
    position_m: Point3
    orientation_deg: Orientation = Orientation()


class SensorFit(Model):
    """A named set of sensors that a platform carries."""

    name: Name
    title: Text
    sensors: tuple[SensorMount, ...] = Field(max_length=32)
