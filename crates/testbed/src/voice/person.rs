//! The people behind the pretend carrier, and its call centre's agents.

use std::sync::Arc;
use std::time::Duration;

use clarion_sip::call::CallEvent;
use clarion_sip::cause::HangUp;
use clarion_sip::endpoint::{Call, IncomingCall};
use clarion_sip::media::{Key, LegConfig, MediaEngine, MediaEvent, MediaLeg, Repeat};
use tokio::sync::mpsc;

use super::{CallFate, Tone, Transfer, VoiceCarrierConfig};

/// Longer than any call of a test or the demo.
const FOREVER: Duration = Duration::from_secs(3_600);
const BEEP: Tone = Tone { hz: 1_000, lasts: Duration::from_millis(400) };
/// Whoever does not wait for an agent hangs up after this.
const PERSON_WAITS: Duration = Duration::from_millis(500);
/// A machine that hears nothing worth keeping hangs up.
const MACHINE_RECORDS: Duration = Duration::from_secs(4);

/// Lives through one call; true when sound was heard after the answer.
pub(super) async fn live(mut incoming: IncomingCall, fate: CallFate, config: &VoiceCarrierConfig, media: &MediaEngine, transferred: impl Fn(&str)) -> bool {
    if let Some((status, words)) = config.people_refuse.map(|status| (status, "Refused")).or(fate.refusal()) {
        if config.people_refuse.is_none() && fate != CallFate::Dead {
            incoming.ring();
        }
        let mut call = incoming.reject(status, words);
        while call.event().await.is_some() {}
        return false;
    }
    if !config.rings_after.is_zero() {
        tokio::select! {
            () = gone(&mut incoming) => return false,
            () = tokio::time::sleep(config.rings_after) => {}
        }
    }
    incoming.ring();
    let rings = if fate == CallFate::LetsRing { FOREVER } else { config.ring };
    tokio::select! {
        () = gone(&mut incoming) => return false,
        () = tokio::time::sleep(rings) => {}
    }
    if let Some(may_answer) = &config.may_answer {
        tokio::select! {
            () = gone(&mut incoming) => return false,
            permit = may_answer.acquire() => match permit {
                Ok(permit) => permit.forget(),
                Err(_) => return false,
            }
        }
    }
    let Ok((leg, heard)) = media.open_leg(LegConfig::default()) else { return false };
    let call = incoming.answer(leg.local().clone());
    talk(call, leg, heard, fate, config, transferred).await
}

/// Says it, and returns how long that takes.
fn say(leg: &MediaLeg, sounds: Vec<Arc<[i16]>>) -> Duration {
    let samples: usize = sounds.iter().map(|sound| sound.len()).sum();
    if samples > 0 {
        leg.play(sounds, Repeat::Once);
    }
    Duration::from_millis(samples as u64 / 8)
}

/// What is said at the answer.
fn words(fate: CallFate, config: &VoiceCarrierConfig) -> Vec<Arc<[i16]>> {
    match fate {
        CallFate::Machine => config.machine_greets.iter().cloned().chain([BEEP.samples()]).collect(),
        _ => config.person_says.iter().cloned().collect(),
    }
}

async fn gone(incoming: &mut IncomingCall) {
    while let Some(event) = incoming.event().await {
        if matches!(event, CallEvent::Ended(_)) {
            return;
        }
    }
}

async fn talk(mut call: Call, leg: MediaLeg, mut heard: mpsc::Receiver<MediaEvent>, fate: CallFate, config: &VoiceCarrierConfig, transferred: impl Fn(&str)) -> bool {
    let mut sound = false;
    let mut acts = tokio::time::Instant::now() + config.patience;
    loop {
        tokio::select! {
            event = call.event() => match event {
                Some(CallEvent::Answered { media, .. }) => {
                    leg.connect(media);
                    let said = say(&leg, words(fate, config));
                    if fate == CallFate::Machine {
                        acts = tokio::time::Instant::now() + said + MACHINE_RECORDS;
                    }
                }
                Some(CallEvent::MediaChanged(media)) => leg.connect(media),
                Some(CallEvent::TransferWanted { target }) => match config.transfers {
                    Some(goes_on) => {
                        transferred(&target);
                        call.accept_transfer();
                        match goes_on {
                            Transfer::Told(status) => {
                                call.tell_transfer(180);
                                call.tell_transfer(status);
                            }
                            Transfer::ToldAfter(rings, status) => {
                                call.tell_transfer(180);
                                tokio::time::sleep(rings).await;
                                call.tell_transfer(status);
                            }
                            Transfer::PersonGone => {
                                call.tell_transfer(180);
                                tokio::time::sleep(PERSON_WAITS).await;
                                call.hang_up(HangUp::default());
                            }
                            Transfer::HungUp => call.hang_up(HangUp::default()),
                            Transfer::Silent => {}
                        }
                    }
                    None => call.refuse_transfer(),
                },
                Some(CallEvent::Ended(_)) | None => return sound,
                Some(_) => {}
            },
            event = heard.recv() => sound |= matches!(event, Some(MediaEvent::FirstAudio { .. })),
            () = tokio::time::sleep_until(acts) => {
                match fate.key().and_then(Key::from_char) {
                    Some(key) => leg.send_keys(&[key]),
                    None => call.hang_up(HangUp::default()),
                }
                acts += FOREVER;
            }
        }
    }
}

/// An agent picks up, talks for a while and hangs up; true when they heard the person's side.
pub(super) async fn agent(mut incoming: IncomingCall, config: &VoiceCarrierConfig, media: &MediaEngine) -> bool {
    if !config.agent_rings.is_zero() {
        incoming.ring();
        tokio::select! {
            () = gone(&mut incoming) => return false,
            () = tokio::time::sleep(config.agent_rings) => {}
        }
    }
    if let Some(status) = config.agents_refuse {
        let mut call = incoming.reject(status, "No agent");
        while call.event().await.is_some() {}
        return false;
    }
    let Ok((leg, mut heard)) = media.open_leg(LegConfig::default()) else { return false };
    let mut call = incoming.answer(leg.local().clone());
    let mut sound = false;
    let ends = tokio::time::Instant::now() + config.talk;
    loop {
        tokio::select! {
            event = call.event() => match event {
                Some(CallEvent::Answered { media, .. }) => {
                    leg.connect(media);
                    say(&leg, config.agent_says.iter().cloned().collect());
                }
                Some(CallEvent::MediaChanged(media)) => leg.connect(media),
                Some(CallEvent::Ended(_)) | None => return sound,
                Some(_) => {}
            },
            event = heard.recv() => sound |= matches!(event, Some(MediaEvent::FirstAudio { .. })),
            () = tokio::time::sleep_until(ends) => {
                call.hang_up(HangUp::default());
                while call.event().await.is_some() {}
                return sound;
            }
        }
    }
}
