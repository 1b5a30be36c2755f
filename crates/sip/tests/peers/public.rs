//! Public authorities, over the wire: a certificate that chains to one of those that this machine trusts is taken, any other is refused with a word
//! of what to do. The machine's authorities are read once a process from where `SSL_CERT_FILE` says, so the test runs itself again with its own.

use std::path::Path;
use std::process::Command;

use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::endpoint::{Endpoint, EndpointConfig, Trunk};
use clarion_sip::hop::Transport;
use clarion_sip::tls::{TlsClient, Trust};
use clarion_sip::trunk::{Condition, TrunkConfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::away::{answered, condition, dial_to, ended, loopback};
use crate::baresip::telephone_with;
use crate::names;

const FOLDER: &str = "CLARION_TEST_AUTHORITIES";

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority(name: &str, signed_by: Option<&Authority>) -> Authority {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = match signed_by {
        Some(authority) => params.signed_by(&key, &authority.issuer),
        None => params.self_signed(&key),
    };
    Authority { pem: made.expect("a certificate").pem(), issuer: Issuer::new(params, key) }
}

/// A server's certificate with its key, and what leads to the authority.
fn server(name: &str, by: &Authority, chain: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    change(&mut params);
    let made = params.signed_by(&key, &by.issuer).expect("a certificate");
    format!("{}{}{chain}", key.serialize_pem(), made.pem())
}

#[tokio::test]
async fn a_certificate_of_a_public_authority_is_trusted_and_any_other_is_refused_with_what_to_do() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return judged(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (public, stranger) = (authority("Everybody's Root", None), authority("Nobody's Root", None));
    let between = authority("Everybody's Issuer", Some(&public));
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("written");
    write("roots", public.pem.clone());
    write("good", server("agent.example", &between, &between.pem, |_| {}));
    write("expired", server("agent.example", &between, &between.pem, |params| (params.not_before, params.not_after) = (date_time_ymd(2_020, 1, 1), date_time_ymd(2_021, 1, 1))));
    write("early", server("agent.example", &between, &between.pem, |params| params.not_before = date_time_ymd(2_090, 1, 1)));
    write("other", server("other.example", &between, &between.pem, |_| {}));
    write("stranger", server("agent.example", &stranger, "", |_| {}));
    write("broken", server("agent.example", &between, "", |_| {}));
    let mut again = Command::new(std::env::current_exe().expect("this test"));
    again.args(["--exact", "public::a_certificate_of_a_public_authority_is_trusted_and_any_other_is_refused_with_what_to_do", "--nocapture"]);
    again.env("SSL_CERT_FILE", folder.path().join("roots")).env_remove("SSL_CERT_DIR").env(FOLDER, folder.path());
    let done = again.output().expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&done.stderr));
}

/// As the dialler has it: the host by its name, which the certificate must be for, and nobody named whom to trust.
fn over_tls(near: &Endpoint, host: &str, port: u16, trust: Trust) -> Trunk {
    let mut config = TrunkConfig::new(host, Some(port));
    config.transport = Some(Transport::Tls);
    config.tls = Some(TlsClient { server_name: host.to_owned(), trust });
    near.trunk(config).expect("a trunk")
}

async fn judged(folder: &Path) {
    let name_server = names::serve(vec![("agent.example", Vec::new())]).await;
    let mut config = EndpointConfig::new(loopback(0));
    config.name_servers = vec![name_server];
    let near = Endpoint::bind(config).expect("an endpoint");
    let pem = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a certificate");

    let telephone = telephone_with(None, "tls", Some((&pem("good"), "srtp"))).await;
    let trusted = over_tls(&near, "agent.example", telephone.port + 1, Trust::Public);
    condition(&trusted, Condition::Up).await;
    let mut call = dial_to(&trusted, "agent");
    answered(&mut call).await;
    call.hang_up(HangUp::default());
    assert_eq!(ended(&mut call).await.by, EndedBy::Us);
    // A pin or an authority that the operator names stands in the place of the public ones.
    let pinned = over_tls(&near, "agent.example", telephone.port + 1, Trust::PinSha256([7; 32]));
    assert!(condition(&pinned, Condition::Down).await.ends_with("the certificate of agent.example is not the one that was pinned: ask the carrier whether it was renewed, and give the new pin"));

    for (name, why) in [
        ("expired", "the certificate of agent.example has expired: the carrier must renew it; if it has, set this machine's clock"),
        ("early", "the certificate of agent.example is not valid yet: set this machine's clock, or ask the carrier"),
        ("other", "the certificate is not for agent.example but for other.example: give the name that it was made for as the host, or its pin"),
        ("stranger", "the certificate of agent.example comes from an authority that is not trusted: give the carrier's authority (PEM) or the certificate's pin in the settings"),
        ("broken", "the certificate of agent.example comes from an authority that is not trusted: give the carrier's authority (PEM) or the certificate's pin in the settings"),
    ] {
        let telephone = telephone_with(None, "tls", Some((&pem(name), "srtp"))).await;
        let refused = over_tls(&near, "agent.example", telephone.port + 1, Trust::Public);
        assert_eq!(condition(&refused, Condition::Down).await, format!("127.0.0.1:{} cannot be used: {why}", telephone.port + 1), "{name}");
        let end = ended(&mut dial_to(&refused, "agent")).await;
        assert_eq!((end.by, end.reason), (EndedBy::Unreachable, format!("the server cannot be reached: {why}")), "{name}");
    }
    // What speaks no TLS at all is said to.
    let mute = std::net::TcpListener::bind(loopback(0)).expect("a listener");
    let plain = over_tls(&near, "agent.example", mute.local_addr().expect("an address").port(), Trust::Public);
    std::thread::spawn(move || {
        use std::io::Write;
        while let Ok((mut stream, _)) = mute.accept() {
            // A far end that is gone has no use for it.
            let _ = stream.write_all(b"SIP/2.0 400 What\r\n\r\n");
        }
    });
    assert!(condition(&plain, Condition::Down).await.contains("TLS with agent.example did not come about"), "no TLS");
}
