"""The one source of every setting: its key, type, range, default and meaning.

A study's ``config/config.yaml`` is read into :class:`StudyConfig`. Unknown keys are refused, values out of range are
refused, and every refusal is one line that names the file, the key, what was found and what is allowed. Nothing here
imports torch, so that the workflow can check a configuration in a fraction of a second.
"""

from bkind3d.config.errors import InputError
from bkind3d.config.experiment import (
    MODEL_REVISION,
    PREDICTION_REVISION,
    TRAINING_REVISION,
    WITHOUT_EFFECT,
    ActionsConfig,
    EvaluationConfig,
    ExperimentConfig,
    JointsConfig,
    LabelledTrainingConfig,
    LossConfig,
    MethodDescription,
    ModelConfig,
    NamingConfig,
    PairTrainingConfig,
    PredictionConfig,
    TrainingConfig,
)
from bkind3d.config.files import check_values, read_bytes, read_text, read_values
from bkind3d.config.methods import DEFAULT_METHOD, find_settings, list_methods
from bkind3d.config.network import (
    HUB_PREFIX,
    PACKAGED,
    PACKAGED_ENCODER,
    RATE_PRESET,
    VOLUME_PRESET,
    HeatmapModelConfig,
    OrderedCamerasConfig,
    VolumeModelConfig,
)
from bkind3d.config.recordings import BoardConfig, CalibrationConfig, FramesConfig, LocationConfig, SurveyConfig, read_boards
from bkind3d.config.rooms import DEFAULT_ROOM, ROOMS, Room
from bkind3d.config.sections import NAME_PATTERN, Section, parse_section, read_section
from bkind3d.config.simulation import ANIMALS, AnimalKind, SimulatedRig, SimulatedSession, SimulatedSubject, SimulationConfig
from bkind3d.config.study import (
    EXPORT_FORMATS,
    ExportConfig,
    KinematicsConfig,
    MovementsConfig,
    PaperTableConfig,
    ReportConfig,
    StudyConfig,
)
