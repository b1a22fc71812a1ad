"""Hold a run in this process, carry it out, and write down how it ended."""

import logging
import shutil

from django.db import OperationalError
from django.utils import timezone

from inference.bundle import BundleCorrupt
from inference.encode import EncoderUnavailable
from labeling.models import TaxonomyVersion
from training import runs, schedule
from training.curation import TooLittleGold
from training.models import ModelVersion, TrainingRun
from training.progress import Cancelled, Heartbeat, HoldLost, Progress
from training.trainers.recipes import BadRecipe

logger = logging.getLogger(__name__)

Status = TrainingRun.Status


def carry_out(run_id: int, progress_of: type[Progress] = Progress) -> TrainingRun | None:
    """Claim the run, execute it under a heartbeat and end it; None when it is not to be had.

    Whatever goes wrong is written into the run in words; what serves changes only by promotion.
    """
    run = schedule.claim(run_id, process=schedule.this_process(), now=timezone.now())
    if run is None:
        return None
    progress = progress_of(run)
    try:
        with Heartbeat(progress):
            runs.execute(run, progress)
    except HoldLost:
        logger.warning("Run %s is held by another process now; this one stops.", run.pk)
        return None
    except Cancelled:
        _end(run, Status.CANCELLED)
    except TaxonomyVersion.DoesNotExist:
        _end(run, Status.FAILED, "The project has no published taxonomy.")
    except (BadRecipe, TooLittleGold, EncoderUnavailable, BundleCorrupt) as error:
        _end(run, Status.FAILED, str(error))
    except OperationalError:
        logger.exception("Run %s stops: the database does not answer. It will be resumed.", run.pk)
        return None
    except Exception as error:
        logger.exception("Run %s failed", run.pk)
        _end(run, Status.FAILED, f"{type(error).__name__}: {error}"[:2000])
    run.refresh_from_db()
    return run


def _end(run: TrainingRun, status: str, error: str = "") -> None:
    if schedule.finish(run, status, now=timezone.now(), error=error):
        shutil.rmtree(runs.folder(run), ignore_errors=True)


def version_of(run: TrainingRun) -> ModelVersion | None:
    """Return the version that *run* registered, or None."""
    return run.model_versions.order_by("-number").first()
