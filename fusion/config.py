"""What can be set in the tracker: each value with its unit, default and the reason for the default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Backend = Literal["numba", "filterpy"]


@dataclass(frozen=True)
class MotionConfig:
    """Models of the IMM, from calm to hard: see ``kernels.motion``."""

    acceleration_intensity: tuple[float, ...] = (0.1, 2.0, 24.0)
    """m^2/s^3, one a model. A Singer target of sigma a, an axis, and correlation tau looks like ``2 a^2 tau``:
    0.2 m/s^2 over 1 s for a hovering multirotor, 1 m/s^2 for steady flight in gusts, wide circles and soaring birds,
    5.5 m/s^2 over 0.4 s for an FPV (3-9.5 over three axes, physics 6)."""
    stationary: tuple[float, ...] = (0.35, 0.4, 0.25)
    """Share of time in each model: engagements are mostly transits, interrupted by short hard turns."""
    sojourn_s: float = 1.5
    """Mean time between jumps of model: FPV accelerations decorrelate within 0.6-1.7 s (physics 6)."""
    correlation_s: tuple[float, ...] = (0.0, 0.0, 0.4)
    """One a model: how long its acceleration lasts (Singer), 0 for white acceleration; empty: all are white."""

    def __post_init__(self) -> None:
        """Refuse models that are not described in full."""
        q, shares, lasting = self.acceleration_intensity, self.stationary, self.correlation_s
        if len(shares) != len(q) or len(lasting) not in (0, len(q)):
            raise ValueError(
                f"motion: {len(q)} acceleration_intensity, {len(shares)} stationary, {len(lasting)} correlation_s: "
                "must be one of each a model (correlation_s may be empty: all white)"
            )

    @property
    def correlations_s(self) -> tuple[float, ...]:
        """The correlation time of every model [s]."""
        return self.correlation_s or (0.0,) * len(self.acceleration_intensity)


@dataclass(frozen=True)
class SensorConfig:
    """How sensors are believed."""

    speed_of_sound_mps: float = 340.3
    """At 15 deg C (physics 3.1); 10 K off is 1.8 per cent, 0.15 deg of lag on a 50 m/s crossing target."""
    lag_acceleration_mps2: float = 5.0
    """Acceleration that the target may have had while its sound travelled (FPV rms 3-9.5, decorrelated in ~1 s)."""
    pose_memory_s: float = 7.0
    """An alignment or clock error does not average out over the filter's memory: its variance in R is multiplied by
    the number of looks that the sensor had at the track within this time (at least 1: for one that never misses this
    is ``max(1, pose_memory_s / scan_period_s)``), so that the filtered result keeps it. Shorter, cameras alone are
    believed so far that a heading 2.5 sigma off locks close targets into the wrong assignment. Errors of poses are
    considered exactly (``kernels.consider``)."""
    ranged_pose_memory_s: float = 2.0
    """The same for a track whose range is measured, which no bearing can pull to another target: the track of a calm
    one remembers 2 to 4 s of a 4 Hz radar."""
    alignment_sigma_rad: float = 0.0009
    """Constant error of a sensor's axes on its platform after calibration, about any axis: 0.05 deg. It counts
    for ``pose_memory_s``. Sensors without a platform are surveyed in and have none."""
    alignment_share: float = 0.2
    """The same over the sensor's own azimuth sigma: coarse sensors are calibrated on common targets no better."""
    tilt_share: float = 0.4
    """Pitch and roll sigma over heading sigma: gravity is known better than north (levels 0.02-0.05 deg against
    0.05-0.2 deg of heading, physics 5); pose messages carry the heading's alone."""
    default_range_m: float = 6000.0
    """Extent of a field of view that gives no range limit: launches happen within 6 km."""
    default_range_rate_mps: float = 60.0
    """Half extent of range rate where none is given: the fastest threat flies 50 m/s."""
    minimum_clutter_per_scan: float = 0.02
    """A described clutter of zero is a belief, not a fact: one unexplained detection in 50 looks is allowed."""


@dataclass(frozen=True)
class AssociationConfig:
    """Gates and joint association."""

    gate_probability: float = 0.9997
    """One true detection in 3000 is gated out."""
    work_limit: float = 6e6
    """Multiplications that the exact sums of one scan may take (about 2 ms of one core: a cluster of 13 tracks that all
    share 13 detections); beyond, the least likely pairs are left out (``kernels.association``)."""
    max_cells: int = 1 << 20
    """Memory of one exact sum, in numbers (8 MiB)."""
    formation: int = 3
    """Tracks: a cluster of the gate graph with so many confirmed ones may have a member that has no track yet, and
    teaches registration nothing."""
    crowd: int = 8
    """Tracks: so many that want one plot are seen as the sensor is described to see. Among fewer, two that the
    sensor cannot tell apart for seconds would starve each other."""


@dataclass(frozen=True)
class ClutterConfig:
    """Map of crowded clutter, for sensors that measure range."""

    enabled: bool = True
    memory_s: float = 1.0
    """Ten looks of a fast radar know a mean of 2.5 to 20 per cent; debris and birds move on within seconds."""
    least_cell_m: float = 50.0
    """A crowd round a target is some tens of metres wide; a formation's members are each a target for one look."""
    least_known: float = 0.8
    """Share of the memory that speaks of a crowd in full: before, a formation first seen is one."""
    crowd: float = 0.5
    """Unexplained detections a look from which a track has to be seen as often as the sensor is described to see: two
    weak targets side by side are fewer."""
    suspicion: float = 0.05
    """Unexplained detections a look from which a track that is seen rarely may live on others' plots."""
    least_share: float = 0.6
    """Of the looks that should see a track: where there is suspicion, one seen less often loses its range's support."""
    keep_support: float = 0.2
    """Part of what this sensor gave to the support that is left after such a look: a target has a few of them, a false
    track has them all."""
    doubt: float = 0.7
    """Missed looks that a track in a crowd is taken to have had: three plots in a row, or five of seven, are enough."""
    cell_share: float = 0.02
    """Of the range extent: at 5 km a cell of 100 m is as wide as two sigmas of azimuth."""


@dataclass(frozen=True)
class DetectabilityConfig:
    """Levels of detection probability that a track may have for a sensor, and how fast they change."""

    level_factors: tuple[float, ...] = (0.02, 0.35, 0.7, 1.0)
    """Hidden, poor, fair, as described (times the described probability)."""
    ranged_prior: tuple[float, ...] = (0.10, 0.10, 0.20, 0.60)
    """Radar: terrain masks, fading and long range take a part of the looks."""
    bearing_prior: tuple[float, ...] = (0.60, 0.15, 0.15, 0.10)
    """Cameras, microphones and direction finders see most of what is in their field only when it is near."""
    memory_s: float = 3.0
    """A drone crosses a gap in a tree line within a few seconds; after that the past says little."""


@dataclass(frozen=True)
class ExistenceConfig:
    """Birth, life and death of tracks."""

    birth_rate_per_s: float = 0.2
    """New targets in one sensor's field of view; with 50 clutter plots a scan a first plot is then worth 0.001."""
    mean_life_s: float = 120.0
    """An existing target leaves or lands about once in two minutes."""
    confirm_existence: float = 0.95
    confirm_hits: float = 2.7
    """Three associated detections (their probabilities summed): two random plots in a row are common in clutter."""
    confirm_age_s: float = 0.2
    """A fast camera gives three hits in 0.1 s from one flicker; three looks of a fast radar take so long."""
    delete_unproven_s: float = 8.0
    """A tentative track that is not proven, or one whose place has no support, for so long makes room for a
    better beginning."""
    support_s: float = 3.0
    """A measured range supports a track's place so long: 3 s of a wrong velocity of 10 m/s are the reported limit."""
    coast_after_s: float = 1.0
    """Without a detection for so long a confirmed track coasts (two to four looks of a search radar)."""
    delete_existence: float = 1e-6
    """A tentative track below is clutter, however it began."""
    delete_lone_share: float = 0.15
    """A track that nothing followed is dropped when its existence is down to this share of its start: two
    missed looks of a good sensor. Real clutter makes as many of them a scan as it makes plots."""
    delete_confirmed_existence: float = 0.001
    delete_rms_m: float = 150.0
    """Position so uncertain that no gate can find the target again without taking clutter."""
    delete_tentative_s: float = 4.0
    """A tentative track without a detection for so long was clutter."""


@dataclass(frozen=True)
class ReportConfig:
    """Which confirmed tracks are worth reporting."""

    max_rms_m: float = 35.0
    """Bearing-only and coasting tracks are reported up to this position error (root of the trace): with a GOSPA
    cutoff of 50 m, p = 2, an assigned track costs its squared error and a missing one 50^2 / 2 = 35.4^2."""
    min_existence: float = 0.5
    """Below, a reported track is more often false than true."""


@dataclass(frozen=True)
class BirthConfig:
    """First state of a new track."""

    across_speed_mps: float = 20.0
    """Sigma of the unmeasured sideways velocity: a 50 m/s crossing target is 2.5 sigma."""
    climb_speed_mps: float = 8.0
    """Sigma of the unmeasured vertical velocity: dives of 20-30 m/s are rare at first sight."""
    unexplained: float = 0.1
    """A detection starts a track only if at least this part of it is not explained by tracks."""
    least_existence: float = 0.01
    """A pair of plots less likely than this starts no track."""
    seed_looks: float = 2.5
    """A plot waits for a second one over two more looks of its sensor: at Pd 0.7 nine of ten come by then."""
    seed_life_s: tuple[float, float] = (0.25, 4.0)
    """Least and longest wait: other sensors look in between; after 4 s a target may be anywhere."""
    least_ground: float = 0.1
    """Existence of a first plot grows with its range, as the ground does that targets come over; false plots come at
    all ranges alike. A drone that rises from behind the next trees is still a tenth as likely as the mean one."""
    seed_spent: float = 0.5
    """A seed that belongs to a track with this probability is not kept for another."""
    seed_acceleration_intensity: float = 15.0
    """m^2/s^3 while a seed waits: a turning drone (``MotionConfig``); the velocity's own prior is far wider."""
    max_speed_mps: float = 90.0
    """A pair of plots faster than this is no drone, and a track without a range that surely is was fed by others'
    bearings."""
    most_seeds: int = 4096
    """Two and a half looks of a radar with 1600 false plots each; beyond, the oldest give way."""
    spare_existence: float = 0.05
    """Prior that a formation has a member without a track: until the next look, when it is asked again."""
    spare_room: tuple[float, float] = (10.0, 3.0)
    """m, m/s: sigmas of place and velocity beyond the spread of the members that have tracks."""
    spare_doubt: float = 0.01
    """A tentative track in the formation that is likelier than this is the one that was missing."""
    seed_cells: int = 1 << 16
    """Memory of the exact sum over seeds, in numbers: a formation of twelve seen for the first time fits."""
    elevation_prior_rad: tuple[float, float] = (0.07, 0.10)
    """Mean and sigma of the elevation where a ranging sensor measures none: low drones, 4 +- 6 deg."""
    bearing_memory_s: float = 0.5
    """Unexplained bearings wait so long for a crossing one: a 30 m/s target moves 15 m meanwhile."""
    min_baseline_m: float = 15.0
    """Closer places see one direction only; their intersection has no range."""
    max_cross_rms_m: float = 120.0
    """A track that starts worse than this is lost before its bearings have made it better."""
    target_speed_mps: float = 20.0
    """Sigma of each velocity component of a track started from crossing bearings."""
    max_bearing_sigma_rad: float = 0.009
    """0.5 deg. Coarser bearings (sound, radio) meet anywhere along the way: two arrays that hear two different
    drones cross in a third place, and nothing in their elevations says no."""
    crossing_existence: float = 0.02
    """Prior that a consistent crossing is a target and not a ghost, at ``crossing_reach_m`` and beyond."""
    crossing_reach_m: float = 150.0
    """Two bearings meet by chance as likely in every piece of their angles, targets come in every piece of ground: the
    nearer a crossing, and the less parallel its bearings, the less ground it stands for. ``r1 r2 / sin`` of this
    squared is a crossing in front of two vehicles; far below, one of them stands in the other's line of sight."""
    crossing_rms_share: float = 0.5
    """Of the shorter range: a crossing less certain is no place, but a direction."""
    drone_size_m: float = 0.4
    """Assumed extent where only an angular size gives the range (0.3-0.5 m drones)."""
    size_memory_s: float = 2.0
    """Looks of a lone camera within this time share one error of the assumed size: the filter's own memory."""
    blind_range_m: float = 200.0
    """Range assumed by a lone camera that gives no size, with half of it as sigma."""
    angular_rate_rad_s: float = 0.15
    """Sigma of the apparent angular speed of a target in a lone camera, which may itself pan."""


@dataclass(frozen=True)
class RegistrationConfig:
    """What constant errors of platforms and sensors are expected, and how far a faulty one may be off."""

    enabled: bool = True
    heading_sigma_rad: float = 0.00087
    """0.05 deg, where the pose states no sigma: a pose that claims to be exact is good for a survey-grade heading."""
    position_sigma_m: float = 0.5
    """The same of its position: differential GNSS."""
    range_sigma_share: float = 0.1
    """Constant range offset over the sensor's own range sigma: delays are calibrated to a tenth of a cell."""
    clock_sigma_s: float = 0.002
    """Stamps are taken by software on a disciplined clock; hardware stamps are a thousand times better (physics 5)."""
    faulty_heading_sigma_rad: float = 0.0087
    """0.5 deg: a magnetic or badly aligned heading; the 0.6 deg that must be found are 1.2 sigma."""
    faulty_tilt_sigma_rad: float = 0.0052
    """0.3 deg: a sensor head knocked or mounted askew; also for the alignment of a sensor on its platform."""
    faulty_position_sigma_m: float = 10.0
    """GNSS without correction, with multipath."""
    faulty_clock_sigma_s: float = 0.05
    """A forgotten latency: exposure, transfer and detection of a camera take 20-100 ms."""
    faulty_range_sigma_m: float = 15.0
    """A wrong cable delay or range gate."""
    pose_walk_s: float = 100.0
    """In so long a pose's error walks by sqrt(2) of its sigma: GNSS and inertial errors last about a minute."""
    alignment_walk_s: float = 7200.0
    """Alignments and clocks creep with temperature, over hours."""
    memory_s: float = 120.0
    """What was learnt fades: a wrong association is forgiven, and a bias that jumps is found again."""
    solve_every_s: float = 1.0
    """The estimates are solved and applied so often: a solution costs the cube of their number."""
    clear_share: float = 0.95
    """Only a detection that belongs to its track with more than this probability is used: in a swarm the others speak
    of somebody else's place, and all of them of the same heading."""
    start_sigma_m: float = 100.0
    start_sigma_mps: float = 30.0
    """A track's filter starts so wide that the track's own place, which knows of the biases, says nothing."""
    max_tracks: int = 32
    """Tracks used at a time: more add little to what 32 say of a few dozen biases."""


@dataclass(frozen=True)
class TrackerConfig:
    """Everything that can be set in ``fusion.tracker.Tracker``."""

    motion: MotionConfig = field(default_factory=MotionConfig)
    sensors: SensorConfig = field(default_factory=SensorConfig)
    association: AssociationConfig = field(default_factory=AssociationConfig)
    clutter: ClutterConfig = field(default_factory=ClutterConfig)
    detectability: DetectabilityConfig = field(default_factory=DetectabilityConfig)
    existence: ExistenceConfig = field(default_factory=ExistenceConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    birth: BirthConfig = field(default_factory=BirthConfig)
    registration: RegistrationConfig = field(default_factory=RegistrationConfig)
    capacity: int = 256
    """Tracks held at a time, tentative ones included; beyond, the least likely tentative one gives way."""
    max_sensors: int = 64
