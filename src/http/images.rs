//! Images: upload by multipart, preview.

use super::{
    App,
    error::{Error, Problem},
    extract::Segment,
    sessions::location,
};
use axum::{
    Json,
    extract::{Multipart, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use healthsync_events::{ImageId, ImageUpload, Refusal, SessionId, limits::MAX_IMAGE_BYTES};

/// Uploads an image: DICOM, PNG or JPEG, recognised by content. What becomes of it is told by `image.ready`
/// or `image.rejected`.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/images", tag = "images",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    request_body(content_type = "multipart/form-data", description = "One part named `file`, at most 64 MiB"),
    responses((status = 201, description = "Durable: {image, seq}"),
              (status = 413, description = "Too large", body = Problem),
              (status = 422, description = "No part named `file`", body = Problem)))]
pub async fn upload(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    mut form: Multipart,
) -> Result<Response, Error> {
    let too_large = || Refusal::TooLarge { what: "the image".into(), limit: MAX_IMAGE_BYTES as u64 };
    let malformed = |status: StatusCode| {
        if status == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { Refusal::invalid("body", "is not multipart") }
    };
    while let Some(field) = form.next_field().await.map_err(|e| malformed(e.status()))? {
        if field.name() != Some("file") {
            continue;
        }
        let bytes = field.bytes().await.map_err(|e| malformed(e.status()))?.to_vec();
        let (image, receipt) = app.sessions.store_image(id, ImageUpload { bytes }).await?;
        let preview = location(&format!("/api/v1/sessions/{id}/images/{image}/preview"));
        let body = Json(serde_json::json!({ "image": image, "seq": receipt.seq }));
        return Ok((StatusCode::CREATED, [(header::LOCATION, preview)], body).into_response());
    }
    Err(Refusal::invalid("file", "is missing").into())
}

/// The preview of an image that is ready: PNG, at most 1,024 pixels on its longer side.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/images/{image}/preview", tag = "images",
    params(("id" = String, Path, description = "Session identifier (UUID)"),
           ("image" = String, Path, description = "Image identifier (UUID)")),
    responses((status = 200, description = "The preview", content_type = "image/png"),
              (status = 404, description = "No such image, or it is not ready", body = Problem)))]
pub async fn preview(
    State(app): State<App>,
    Segment((id, image)): Segment<(SessionId, ImageId)>,
) -> Result<Response, Error> {
    let png = app.sessions.image_preview(id, image).await?;
    // An image never changes, and belongs to no shared cache.
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=86400, immutable")];
    Ok((headers, png).into_response())
}
