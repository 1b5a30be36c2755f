//! Answers that are more than a JSON body: something made, a file that is streamed.

use std::future::Future;

use axum::Json;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_store::StoreError;
use serde::Serialize;

/// 201 with the address of what was made.
pub fn made<T: Serialize>(address: String, body: T) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, format!("/api/v1{address}"))], Json(body)).into_response()
}

/// A CSV file, in parts: `part` gives the next one and the cursor of the one after it.
pub fn csv<C, F>(file_name: &str, part: impl Fn(Option<C>) -> F + Send + 'static) -> Response
where
    C: Send + 'static,
    F: Future<Output = Result<(String, Option<C>), StoreError>> + Send + 'static,
{
    let parts = futures_util::stream::try_unfold((Some(None), part), |(next, part)| async move {
        let Some(cursor) = next else { return Ok(None) };
        let (text, cursor) = part(cursor).await.inspect_err(|error| tracing::error!(%error, "a file broke off while it was sent"))?;
        Ok::<_, StoreError>(Some((text, (cursor.map(Some), part))))
    });
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\""))];
    (headers, Body::from_stream(parts)).into_response()
}
