"""What a quirk's `where` is compared with: the route, ids in the path, metadata in the body."""

from collections.abc import Mapping

from local.openai.http.messages import SmallRequest


def quirk_target(
    request: SmallRequest, route: str, arguments: Mapping[str, str]
) -> dict[str, object]:
    target: dict[str, object] = {"route": route, "method": request.method, "path": request.path}
    if request.mimetype == "application/json" and b'"metadata"' in request.get_data():
        metadata = request.json_body().get("metadata")
        target |= metadata if isinstance(metadata, dict) else {}
    if upload := request.files.get("file"):
        target |= {"filename": upload.filename, "purpose": request.form.get("purpose")}
    return target | request.args.to_dict() | dict(arguments)
