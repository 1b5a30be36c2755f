//! The portal's door to identity providers: it sends nothing itself, and the engine asks for it.

use std::pin::Pin;
use std::sync::Arc;

use clarion_edge::{ProviderAnswer, ProviderDoor, ProviderRequest};
use clarion_engine::provider::Provider;
use clarion_store::Store;

pub fn door(store: &Store) -> Option<ProviderDoor> {
    let provider = Provider::new(store).inspect_err(|error| tracing::error!(%error, "identity providers cannot be asked")).ok()?;
    let provider = Arc::new(provider);
    Some(ProviderDoor(Arc::new(move |request: ProviderRequest| -> Pin<Box<dyn Future<Output = Result<ProviderAnswer, String>> + Send>> {
        let provider = provider.clone();
        Box::pin(async move {
            let (status, body) = provider.ask(&request.url, &request.form, &request.authorization).await.map_err(|error| error.to_string())?;
            Ok(ProviderAnswer { status, body })
        })
    })))
}
