use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;

/// A listener without a network: the time of these tests stands still unless everybody waits.
struct Doorbell(mpsc::UnboundedReceiver<(DuplexStream, SocketAddr)>);

impl Listener for Doorbell {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        match self.0.recv().await {
            Some(guest) => guest,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(([127, 0, 0, 1], 80).into())
    }
}

struct Door {
    ring: mpsc::UnboundedSender<(DuplexStream, SocketAddr)>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

fn door(connections_max: usize) -> Door {
    let (ring, doorbell) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let router = Router::new().route("/", get(|| async { "hello" })).route("/take", post(|body: String| async move { format!("took {}", body.len()) }));
    let share = Share { connections_max, exempt: AllowedNetworks(vec!["192.0.2.99".parse().expect("a network")]) };
    let serving = tokio::spawn(serve(Doorbell(doorbell), router, share, async move { stopped.await.expect("told") }));
    Door { ring, stop, serving }
}

impl Door {
    async fn comes(&self, from: &str, words: &str) -> DuplexStream {
        let (mut near, far) = duplex(64 * 1024);
        self.ring.send((far, SocketAddr::new(from.parse().expect("an address"), 4000))).expect("a door");
        near.write_all(words.as_bytes()).await.expect("says it");
        near
    }
}

/// What is said until the end, and after how many seconds that comes.
async fn rest(mut io: DuplexStream) -> (Vec<u8>, u64) {
    let (began, mut said) = (Instant::now(), Vec::new());
    let _reset = io.read_to_end(&mut said).await;
    (said, began.elapsed().as_secs())
}

const WHOLE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn text(said: &[u8]) -> String {
    String::from_utf8_lossy(said).into_owned()
}

#[tokio::test(start_paused = true)]
async fn who_does_not_say_what_they_want_is_let_go() {
    for words in ["", "G", "GET / HTTP/1.1\r\nHost: a\r\n", "PRI * HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
        let (_, seconds) = rest(door(9).comes("192.0.2.1", words).await).await;
        assert_eq!(seconds, HEAD_WITHIN.as_secs(), "{words:?}");
    }
    let (said, seconds) = rest(door(9).comes("192.0.2.1", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await).await;
    assert!(!said.is_empty() && seconds <= 2 * PING_EVERY.as_secs(), "settings and a ping, and no answer to it: {seconds} s");
    let (said, seconds) = rest(door(9).comes("192.0.2.1", WHOLE).await).await;
    assert!(text(&said).starts_with("HTTP/1.1 200") && text(&said).ends_with("hello") && seconds == 0, "{}", text(&said));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_to_a_halt_is_waited_for_no_longer() {
    let head = "POST /take HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n";
    let door = door(9);
    let (said, seconds) = rest(door.comes("192.0.2.1", &format!("{head}ab")).await).await;
    assert!(text(&said).starts_with("HTTP/1.1 400") && seconds == PIECE_WITHIN.as_secs(), "{seconds} s: {}", text(&said));
    let mut slow = door.comes("192.0.2.1", head).await;
    for piece in ["a", "b", "c", "d"] {
        tokio::time::sleep(PIECE_WITHIN - Duration::from_secs(1)).await;
        slow.write_all(piece.as_bytes()).await.expect("says it");
    }
    assert!(text(&rest(slow).await.0).ends_with("took 4"), "slow is not silent");
}

#[tokio::test(start_paused = true)]
async fn one_address_does_not_take_the_places_of_all() {
    let door = door(2);
    let mut held = Vec::new();
    for from in ["192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.99", "192.0.2.99", "192.0.2.99"] {
        held.push(door.comes(from, "GET").await);
    }
    for from in ["192.0.2.1", "2001:db8::3"] {
        let (said, seconds) = rest(door.comes(from, WHOLE).await).await;
        assert!(said.is_empty() && seconds == 0, "{from} has its share");
    }
    for from in ["192.0.2.2", "2001:db8:0:1::1", "192.0.2.99"] {
        assert!(text(&rest(door.comes(from, WHOLE).await).await.0).ends_with("hello"), "{from}");
    }
    drop(held);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(text(&rest(door.comes("192.0.2.1", WHOLE).await).await.0).ends_with("hello"), "places are given back");
}

#[tokio::test(start_paused = true)]
async fn the_silent_do_not_hold_up_the_stop() {
    let door = door(9);
    let (silent, began) = (door.comes("192.0.2.1", "").await, Instant::now());
    tokio::time::sleep(Duration::from_millis(1)).await;
    door.stop.send(()).expect("told");
    door.serving.await.expect("ends");
    assert!(began.elapsed() < Duration::from_secs(1) && rest(silent).await.0.is_empty());
}
