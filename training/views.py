from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from inference import deployments
from labeling import jobs
from labeling.access import PersonRequest, admin_page
from labeling.models import Project
from training import (
    curves,
    decided,
    gate_limits,
    model_cards,
    outlook,
    plateaus,
    recipes,
    registry,
    schedule,
    tasks,
)
from training.forms import GatesForm, TrainForm
from training.models import ModelVersion

SHOWN = 20  # versions, deployments and runs listed


def models_page(
    request: PersonRequest,
    project: Project,
    *,
    form: TrainForm | None = None,
    gates_form: GatesForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render what serves, what could, and what the next run would learn."""
    served = list(project.deployments.select_related("deployed_by")[:SHOWN])
    versions = list(project.model_versions.select_related("run", "parent")[:SHOWN])
    live = next((each for each in served if each.until is None and each.role == "champion"), None)
    names = registry.names_of(project, [each.bundle for each in served])
    ahead = outlook.look(project, worker_alive=jobs.worker_alive())
    edition = recipes.edition_of(project)
    form = form or TrainForm.of(edition)
    context = {
        "project": project,
        "live": live,
        "decided": decided.parts(project) if live else [],
        "champion": registry.version_of(project, live.bundle) if live else None,
        "versions": versions,
        "served": [(each, names.get(each.bundle)) for each in served],
        "may_roll_back": deployments.previous(project) is not None,
        "outlook": ahead,
        "duration": ahead.duration(recipes.usable(edition)) if not form.is_bound else None,
        "runs": project.runs.select_related("requested_by").defer("report", "curve")[:SHOWN],
        "recipe": recipes.usable(edition),
        "trials": project.trials.all()[:SHOWN],
        "plateaus": plateaus.plateaus(project),
        "form": form,
        "gates_form": gates_form or GatesForm(initial=gate_limits.of(project)),
    }
    return render(request, "training/models.html", context, status=status)


@require_safe
@admin_page
def show_models(request: PersonRequest, project: Project) -> HttpResponse:
    return models_page(request, project)


@require_POST
@admin_page
def start_training(request: PersonRequest, project: Project) -> HttpResponse:
    """Save the recipe; unless that is all that was asked, ask for a run and go to its page."""
    form = TrainForm(request.POST)
    if not form.is_valid():
        return models_page(request, project, form=form, status=422)
    only_save = "only_save" in request.POST
    refusal = "" if only_save else outlook.look(project, worker_alive=jobs.worker_alive()).refusal
    if refusal:
        messages.error(request, refusal)
        return models_page(request, project, form=form, status=409)
    recipe, now = form.recipe_over(recipes.edition_of(project)), timezone.now()
    after, seen = form.cleaned_data["train_after"], form.cleaned_data["seen"]
    try:
        recipes.save(project, recipe, train_after=after, actor=request.user, now=now, seen=seen)
    except recipes.ChangedMeanwhile as changed:
        messages.error(request, str(changed))
        return models_page(request, project, form=form.over(changed.edition), status=409)
    if only_save:
        messages.success(request, "Saved. The next run follows it.")
        return redirect("training:models", project.slug)
    try:
        run = schedule.request(project, actor=request.user, now=now, parameters=recipe.as_json())
    except schedule.AlreadyTraining as error:
        return redirect("training:run", project.slug, error.run.pk)
    transaction.on_commit(lambda: tasks.train.delay(run.pk), robust=True)
    return redirect("training:run", project.slug, run.pk)


@require_POST
@admin_page
def change_gates(request: PersonRequest, project: Project) -> HttpResponse:
    """Set where the gates open, for runs to come."""
    form = GatesForm(request.POST)
    if not form.is_valid():
        return models_page(request, project, gates_form=form, status=422)
    gate_limits.change(project, form.cleaned_data, actor=request.user, now=timezone.now())
    messages.success(request, "Saved. Runs that end from now on are judged by them.")
    return redirect("training:models", project.slug)


@require_safe
@admin_page
def show_run(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    """Show a run: the moving part alone for htmx, the whole page otherwise."""
    runs = project.runs.select_related("requested_by", "snapshot__taxonomy_version")
    run = get_object_or_404(runs, pk=pk)
    curve = curves.last_stage(run.curve)
    context = {
        "project": project,
        "run": run,
        "lines": list(
            filter(
                None,
                (
                    curves.line("Hit@5 on validation", curve, "hit_at_5"),
                    curves.line("Loss", curve, "loss"),
                ),
            )
        ),
        "versions": run.model_versions.all(),
    }
    template = "training/_run.html" if request.htmx else "training/run.html"
    return render(request, template, context)


@require_POST
@admin_page
def cancel_run(request: PersonRequest, project: Project, pk: int) -> HttpResponse:
    run = get_object_or_404(project.runs, pk=pk)
    if not schedule.cancel(run, actor=request.user, now=timezone.now()):
        messages.info(request, "It is over already, or being cancelled.")
    return redirect("training:run", project.slug, run.pk)


@require_safe
@admin_page
def send_card(request: PersonRequest, project: Project, number: int) -> HttpResponse:  # noqa: ARG001
    """Send a version's model card as a file to keep."""
    versions = project.model_versions.select_related(
        "project", "parent", "run", "snapshot__taxonomy_version"
    )
    version = get_object_or_404(versions, number=number)
    name = f"{project.slug}-model-{number}.md"
    return HttpResponse(
        model_cards.card(version),
        content_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@admin_page
def promote(request: PersonRequest, project: Project, number: int) -> HttpResponse:
    """Make a version the champion; its gates decide."""
    version = get_object_or_404(ModelVersion, project=project, number=number)
    try:
        registry.promote(version, actor=request.user, now=timezone.now())
    except registry.GatesShut as shut:
        for reason in shut.reasons:
            messages.error(request, reason)
        return models_page(request, project, status=409)
    messages.success(request, f"{version} serves now. Open documents are being predicted again.")
    return redirect("training:models", project.slug)


@require_POST
@admin_page
def roll_back(request: PersonRequest, project: Project) -> HttpResponse:
    """Let the former champion serve again."""
    try:
        deployments.roll_back(
            project, serving=request.POST.get("serving", ""), actor=request.user, now=timezone.now()
        )
    except deployments.CannotRollBack as error:
        messages.error(request, str(error))
        return models_page(request, project, status=409)
    messages.success(request, "The former champion serves again.")
    return redirect("training:models", project.slug)
