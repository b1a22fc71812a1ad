from django.urls import URLPattern, URLResolver, include, path

from labeling.views import (
    agreement,
    bulk,
    documents,
    evidence,
    history,
    home,
    jobs,
    past,
    people,
    projects,
    queues,
    review,
    set_aside,
    taxonomy,
)

app_name = "labeling"

# Everything of one project. Each line below stands under p/<slug>/.
of_project: list[URLPattern | URLResolver] = [
    # the project and its people
    path("", projects.show_project, name="project"),
    path("settings/", projects.change_settings, name="settings"),
    path("settings/queues/", queues.show_queues, name="queues"),
    path("settings/queues/<slug:reason>/", queues.change_queue, name="change-queue"),
    path("people/", people.show_people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/<int:pk>/role/", people.change_role, name="change-role"),
    path("people/<int:pk>/remove/", people.remove, name="remove-person"),
    path("agreement/", agreement.show_agreement, name="agreement"),
    path("history/", history.show_history, name="history"),
    # taxonomy, documents, jobs
    path("taxonomy/", taxonomy.show_taxonomy, name="taxonomy"),
    path("taxonomy/upload/", jobs.upload_taxonomy, name="upload-taxonomy"),
    path("taxonomy/export.<slug:format_>", taxonomy.export_taxonomy, name="export-taxonomy"),
    path("taxonomy/<int:pk>/", taxonomy.show_label, name="label"),
    path("taxonomy/<int:pk>/edit/", taxonomy.edit_label, name="edit-label"),
    path("documents/", documents.show_documents, name="documents"),
    path("documents/upload/", jobs.upload_documents, name="upload-documents"),
    path("documents/gold.<slug:format_>", documents.export_gold, name="export-gold"),
    path("documents/<int:pk>/comment/", set_aside.comment_on_document, name="comment-on-document"),
    path("documents/found.<slug:format_>", documents.export_found, name="export-found"),
    path("documents/views/", documents.save_view, name="save-view"),
    path("documents/views/<int:pk>/delete/", documents.delete_view, name="delete-view"),
    path("documents/<int:pk>/", documents.show_document, name="document"),
    path("jobs/<int:pk>/", jobs.show_job, name="job"),
    # review
    path("review/", review.show_desk, name="review"),
    path("review/next/", review.take_next, name="review-next"),
    path("review/ahead/", review.look_ahead, name="look-ahead"),
    path("review/undo/", review.undo, name="undo"),
    path("review/skipped/", review.restore_skipped, name="restore-skipped"),
    path("review/labels/", review.send_labels, name="review-labels"),
    path("review/labels/usage/", review.send_usage, name="label-usage"),
    path("review/bulk/", bulk.show_bulk, name="bulk"),
    path("review/bulk/give/", bulk.give, name="bulk-give"),
    path("review/bulk/undo/", bulk.undo, name="bulk-undo"),
    path("review/<int:pk>/", review.show_task, name="task"),
    path("review/<int:pk>/annotate/", review.annotate, name="annotate"),
    path("review/<int:pk>/skip/", set_aside.skip, name="skip"),
    path("review/<int:pk>/snooze/", set_aside.snooze, name="snooze"),
    path("review/<int:pk>/escalate/", set_aside.escalate, name="escalate"),
    path("review/<int:pk>/comment/", set_aside.comment, name="comment"),
    path("review/<int:pk>/answer/", set_aside.answer, name="answer"),
    path("review/<int:pk>/take-back/", set_aside.take_back, name="take-back"),
    path("review/<int:pk>/evidence/", evidence.show_evidence, name="evidence"),
    path("review/<int:pk>/evidence/again/", evidence.gather_again, name="gather-again"),
    path("review/<int:pk>/definitions/", past.show_definitions, name="definitions"),
    path("review/recap/", past.show_recap, name="recap"),
    path("review/past/", past.show_last, name="past"),
    path("review/past/<int:pk>/", past.show_past, name="past-one"),
    path("review/settle/", set_aside.settle, name="settle"),
    path("review/notes/", set_aside.show_notes, name="notes"),
    path("review/<int:pk>/heartbeat/", review.heartbeat, name="heartbeat"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/new/", projects.create_project, name="new-project"),
    path("help/", home.show_help, name="help"),
    path("p/<slug:slug>/", include(of_project)),
]
