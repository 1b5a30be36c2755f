//! A name server for a few domains, as small as it can be.

use std::net::SocketAddr;

/// Each domain has servers of SIP over UDP at these ports, the first before the second; its own name has an address too.
pub async fn serve(domains: Vec<(&'static str, Vec<u16>)>) -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut buffer = [0; 1_500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&answer(&buffer[..length], &domains), from).await;
        }
    });
    address
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = text.split('.').flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes())).collect();
    bytes.push(0);
    bytes
}

fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = name(owner);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
    bytes.extend_from_slice(&(data.len() as u16).to_be_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn answer(query: &[u8], domains: &[(&str, Vec<u16>)]) -> Vec<u8> {
    let end = query[12..].iter().position(|byte| *byte == 0).expect("a name") + 12 + 5;
    let asked = &query[12..end - 4];
    let kind = u16::from_be_bytes([query[end - 4], query[end - 3]]);
    let plain = |text: &str| asked.to_ascii_lowercase() == name(text);
    let mut records = Vec::new();
    for (domain, ports) in domains {
        let (service, host) = (format!("_sip._udp.{domain}"), format!("a.{domain}"));
        if kind == 35 && plain(domain) {
            // Order 10, preference 1, flags "s", SIP+D2U.
            let mut data = vec![0, 10, 0, 1, 1, b's', 7];
            data.extend_from_slice(b"SIP+D2U\0");
            data.extend_from_slice(&name(&service));
            records.push(record(domain, 35, &data));
        } else if kind == 33 && plain(&service) {
            for (priority, port) in (1u16..).zip(ports) {
                let mut data = priority.to_be_bytes().to_vec();
                data.extend_from_slice(&[0, 0]);
                data.extend_from_slice(&port.to_be_bytes());
                data.extend_from_slice(&name(&host));
                records.push(record(&service, 33, &data));
            }
        } else if kind == 1 && (plain(&host) || plain(domain)) {
            records.push(record(if plain(&host) { &host } else { domain }, 1, &[127, 0, 0, 1]));
        }
    }
    let mut bytes = query[..2].to_vec();
    bytes.extend_from_slice(&[0x85, 0x80, 0, 1]);
    bytes.extend_from_slice(&(records.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 0]);
    bytes.extend_from_slice(&query[12..end]);
    bytes.extend(records.into_iter().flatten());
    bytes
}
