//! Measures submit and response over loopback: one client session against the crate's own server, each on
//! a thread of its own. `cargo run --release -p clarion-smpp --example loopback [messages] [window]`

use clarion_smpp::client::{ClientConfig, Event, Outcome, Session, Submission};
use clarion_smpp::pdu::{Address, ShortMessage};
use clarion_smpp::server::{Listener, ServerConfig, SmscEvent};
use std::time::Instant;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

async fn serve(listener: Listener) -> Result<(), Failure> {
    let (smsc, mut events) = listener.accept().await?.binding().await?.accept();
    let mut next_id = 0u64;
    while let Some(batch) = events.recv().await {
        smsc.respond(batch.into_iter().filter_map(|event| match event {
            SmscEvent::Submit { id, .. } => {
                next_id += 1;
                Some((id, Ok(format!("{next_id:016x}"))))
            }
            _ => None,
        }));
    }
    Ok(())
}

fn message() -> Box<ShortMessage> {
    Box::new(ShortMessage {
        source: Address::alphanumeric("CLARION"),
        destination: Address::international("+447700900123"),
        registered_delivery: 1,
        short_message: b"Your appointment is on Tuesday at 10:30. Reply STOP to opt out.".to_vec(),
        ..ShortMessage::default()
    })
}

/// CPU time of this thread in microseconds, from the kernel's own book-keeping.
fn thread_cpu_micros() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat
        .split(' ')
        .next()
        .and_then(|nanos| nanos.parse::<u64>().ok())
        .unwrap_or_default()
        / 1_000
}

async fn send(address: String, messages: u64, window_max: usize) -> Result<(), Failure> {
    let mut config = ClientConfig::new(address, "bench", "secret");
    config.link.window_max = window_max;
    let (session, mut events) = Session::bind(&config).await?;
    let (start, cpu) = (Instant::now(), thread_cpu_micros());
    let submitter = session.submitter.clone();
    tokio::spawn(async move {
        for first in (0..messages).step_by(500) {
            let tokens = first..(first + 500).min(messages);
            let batch = tokens
                .map(|token| Submission {
                    token,
                    segments: 1,
                    message: message(),
                })
                .collect();
            if submitter.submit_when_room(batch).await.is_err() {
                return;
            }
        }
    });
    let (mut accepted, mut batches) = (0, 0u64);
    while accepted < messages {
        let batch = events.recv().await.ok_or("the session ended early")?;
        batches += 1;
        let is_accepted = |event: &&Event| {
            matches!(
                event,
                Event::SubmitResult {
                    outcome: Outcome::Accepted { .. },
                    ..
                }
            )
        };
        accepted += batch.iter().filter(is_accepted).count() as u64;
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), thread_cpu_micros() - cpu);
    let rate = messages as f64 / seconds;
    let per_message = cpu as f64 / messages as f64;
    println!(
        "{messages} messages, window {window_max}: {rate:.0} a second, {per_message:.2} µs of the client's CPU each, {:.0} events a batch",
        messages as f64 / batches as f64
    );
    Ok(())
}

fn main() -> Result<(), Failure> {
    let argument = |at| {
        std::env::args()
            .nth(at)
            .and_then(|text: String| text.parse::<u64>().ok())
    };
    let (messages, window) = (argument(1).unwrap_or(1_000_000), argument(2).unwrap_or(256));
    let server = runtime()?;
    let listener = server.block_on(Listener::bind("127.0.0.1:0", None, ServerConfig::default()))?;
    let address = listener.local_addr()?.to_string();
    let serving = std::thread::spawn(move || server.block_on(serve(listener)));
    runtime()?.block_on(send(address, messages, window as usize))?;
    serving.join().map_err(|_| "the server failed")?
}
