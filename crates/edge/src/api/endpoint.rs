//! What each endpoint of the table carries: the right that it needs, and whether a POST may be repeated.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use clarion_domain::tenancy::role::Right;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa_axum::router::UtoipaMethodRouter;

use super::Api;
use super::body::{BULK_LENGTH_BYTES_MAX, BodyLimit};
use super::caller::Caller;
use super::once::once;
use super::problem::Problem;

/// Keys under which the document remembers what an endpoint carries, until it is finished.
pub const RIGHT: &str = "x-right";
pub const ONCE: &str = "x-once";

/// Endpoints that change nothing, and need `right`. A POST among them is a question whose body may hold personal
/// data: its answer is never kept, and asking twice does no harm.
pub fn read(right: Right, routes: UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    guarded(right, false, routes)
}

/// Endpoints that change something, and need `right`. A POST takes an `Idempotency-Key`.
pub fn write(right: Right, (schemas, paths, router): UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    guarded(right, true, (schemas, paths, router.route_layer(from_fn(once))))
}

/// As `write`, for an endpoint that takes ten thousand people at once.
pub fn write_bulk(right: Right, (schemas, paths, router): UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    let roomy = |mut request: Request, next: Next| async move {
        request.extensions_mut().insert(BodyLimit(BULK_LENGTH_BYTES_MAX));
        next.run(request).await
    };
    guarded(right, true, (schemas, paths, router.route_layer(from_fn(once)).route_layer(from_fn(roomy))))
}

/// As `write`, for an endpoint that reads a body too large to hold and keeps its `Idempotency-Key` itself.
pub fn write_streaming(right: Right, routes: UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    guarded(right, true, routes)
}

fn guarded(right: Right, once: bool, (schemas, mut paths, router): UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    for item in paths.paths.values_mut() {
        for operation in operations(item) {
            operation.extensions = Some(ExtensionsBuilder::new().add(RIGHT, right.as_str()).add(ONCE, once).build());
        }
    }
    let check = from_fn(move |caller: Caller, request: Request, next: Next| async move {
        caller.require(right)?;
        Ok::<Response, Problem>(next.run(request).await)
    });
    (schemas, paths, router.route_layer(check))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}
