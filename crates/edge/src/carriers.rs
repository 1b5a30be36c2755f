//! Trunks with their state, routes that choose one, and senders.

pub mod list;
pub mod route;
pub mod sender;
mod sip_form;
pub mod transfer_target;
pub mod trunk;
mod trunk_form;

use clarion_domain::carriers::trunk::TrunkState;
use maud::Markup;

use crate::page::chip::{Tone, chip, live_chip};
use crate::page::icon::Icon;

pub fn state_chip(state: TrunkState) -> Markup {
    match state {
        TrunkState::Up => chip(Tone::Good, Icon::Check, "Up"),
        TrunkState::Degraded => chip(Tone::Warn, Icon::Warning, "Degraded"),
        TrunkState::Connecting => live_chip("Connecting"),
        TrunkState::Waiting => chip(Tone::Warn, Icon::Clock, "Waiting"),
        TrunkState::Refused => chip(Tone::Bad, Icon::Cross, "Refused"),
        TrunkState::Disabled => chip(Tone::Calm, Icon::Pause, "Disabled"),
    }
}
