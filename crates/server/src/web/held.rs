//! The certificate that this node serves now: put in by whoever reads or fetches it, taken by each handshake, asked about by health and
//! measurements.

use std::sync::{Arc, PoisonError, RwLock};

use clarion_domain::time::Instant;
use clarion_tls::Certificate;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Default)]
struct State {
    served: Option<Certificate>,
    fault: Option<String>,
}

/// Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<RwLock<State>>);

/// How things stand, for health and measurements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateStatus {
    /// Whole days until it expires, negative when it has; `None` when there is none.
    pub days_left: Option<i64>,
    /// Why the last reading or fetching failed.
    pub fault: Option<String>,
}

impl Held {
    pub fn served(&self) -> Option<Certificate> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).served.clone()
    }

    /// From now on this one; what is connected stays so.
    pub fn put(&self, certificate: Certificate) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = State { served: Some(certificate), fault: None };
    }

    /// What is served stays. Says whether this is another fault than before.
    pub fn failed(&self, fault: String) -> bool {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = state.fault.as_ref() != Some(&fault);
        state.fault = Some(fault);
        is_new
    }

    /// What failed before is well again.
    pub fn well(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).fault = None;
    }

    pub fn status(&self, now: Instant) -> CertificateStatus {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        CertificateStatus { days_left: state.served.as_ref().map(|served| days_left(served, now)), fault: state.fault.clone() }
    }
}

pub fn days_left(certificate: &Certificate, now: Instant) -> i64 {
    (certificate.not_after_ms - now.ms()).div_euclid(DAY_MS)
}

impl CertificateStatus {
    /// One line for `/healthz`.
    pub fn words(&self) -> String {
        let days = match self.days_left {
            None => "certificate: none yet".to_owned(),
            Some(days) if days < 0 => "certificate: expired".to_owned(),
            Some(days) => format!("certificate: {days} days left"),
        };
        self.fault.as_ref().map_or_else(|| days.clone(), |fault| format!("{days}; {fault}"))
    }
}
