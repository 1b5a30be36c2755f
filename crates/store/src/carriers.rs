//! Trunks, the routes that choose one, and what each node says of its connections.

mod route;
mod status;
mod transfer_target;
mod trunk;
mod webhook;

pub use route::{NewRoute, RouteRecord};
pub use status::{TrunkStatus, report_status};
pub use transfer_target::{NewTransferTarget, TARGET_CAPACITY_MAX, TransferTargetRecord};
pub use trunk::{NewTrunk, TrunkRecord};
pub use webhook::WebhookError;
