//! The HTTP client of everything that this server asks of others: it follows no redirect and goes through no proxy, so that it ends
//! where it was told to go or nowhere.

use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);

/// A client whose whole exchange takes `timeout` at most.
pub(crate) fn client(timeout: Duration) -> reqwest::ClientBuilder {
    // The first client of the process installs it; for the others it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(timeout).connect_timeout(CONNECT).redirect(reqwest::redirect::Policy::none()).no_proxy()
}
