use super::*;

fn front(tls: bool, proxies: &[&str], forwarded_by: ForwardedBy) -> Front {
    let proxies = AllowedNetworks(proxies.iter().map(|network| network.parse().expect("a network")).collect());
    Front { tls, proxies, forwarded_by, public_url: Some("https://contact.example".into()), transport_security: None }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().expect("a value"));
    }
    headers
}

fn seen(front: &Front, peer: &str, pairs: &[(&'static str, &str)]) -> String {
    match front.arrival(peer.parse().expect("an address"), &headers(pairs)) {
        Arrival::Refused => "refused".into(),
        Arrival::Unencrypted => "unencrypted".into(),
        Arrival::LetIn { address, encrypted } => format!("{address}{}", if encrypted { "" } else { " in the clear" }),
    }
}

#[test]
fn nobodys_word_is_taken_unless_the_operator_named_them() {
    let told: [(&str, &str); 3] = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.1;proto=http"), ("x-forwarded-proto", "http")];
    assert_eq!(seen(&front(true, &[], ForwardedBy::XForwarded), "127.0.0.1", &told), "127.0.0.1");
    assert_eq!(seen(&front(true, &["10.0.0.0/8"], ForwardedBy::XForwarded), "203.0.113.9", &told), "203.0.113.9");
    assert_eq!(seen(&front(false, &[], ForwardedBy::XForwarded), "127.0.0.1", &told), "127.0.0.1 in the clear");
    // A header that this proxy does not write came through it from a stranger.
    assert_eq!(seen(&front(false, &["10.0.0.0/8"], ForwardedBy::XForwarded), "10.0.0.1", &[("forwarded", "for=198.51.100.1;proto=http")]), "10.0.0.1");
    assert_eq!(seen(&front(false, &["10.0.0.0/8"], ForwardedBy::Forwarded), "10.0.0.1", &[("x-forwarded-for", "198.51.100.1")]), "10.0.0.1");
}

#[test]
fn plain_http_is_for_this_machine_and_named_proxies() {
    let proxy = front(false, &["10.0.0.0/8"], ForwardedBy::XForwarded);
    assert_eq!(seen(&proxy, "203.0.113.9", &[]), "refused");
    assert_eq!(seen(&proxy, "127.0.0.1", &[]), "127.0.0.1 in the clear");
    assert_eq!(seen(&proxy, "::ffff:10.0.0.1", &[("x-forwarded-for", "203.0.113.9")]), "203.0.113.9", "IPv4 over an IPv6 socket");
    assert_eq!(seen(&proxy, "10.0.0.1", &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "http")]), "unencrypted");
    assert_eq!(seen(&proxy, "10.0.0.1", &[("x-forwarded-proto", "http")]), "unencrypted");
    assert_eq!(seen(&proxy, "10.0.0.1", &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")]), "203.0.113.9");
}

#[test]
fn a_way_is_followed_outwards_as_far_as_it_is_believed() {
    let proxies = front(false, &["10.0.0.0/8", "2001:db8:1::/48"], ForwardedBy::XForwarded);
    let told = |value: &str| seen(&proxies, "10.0.0.1", &[("x-forwarded-for", value)]);
    assert_eq!(told("1.1.1.1, 203.0.113.9"), "203.0.113.9", "what stands before it is the stranger's own word");
    assert_eq!(told("1.1.1.1, 203.0.113.9, 10.0.0.2"), "203.0.113.9", "two proxies");
    assert_eq!(told("203.0.113.9:4711"), "203.0.113.9");
    assert_eq!(told("[2001:db8:9::1]:4711"), "2001:db8:9::1");
    assert_eq!(told("2001:db8:9::1"), "2001:db8:9::1");
    assert_eq!(told("unknown"), "10.0.0.1");
    assert_eq!(told("203.0.113.9, unknown"), "10.0.0.1");
    assert_eq!(told(""), "10.0.0.1");
    let lines = seen(&proxies, "10.0.0.1", &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9")]);
    assert_eq!(lines, "203.0.113.9", "the last line is the nearest proxy's");
    let mut bytes = HeaderMap::new();
    bytes.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff\xe9, 203.0.113.9").expect("a value"));
    assert_eq!(proxies.arrival("10.0.0.1".parse().expect("an address"), &bytes), Arrival::LetIn { address: "203.0.113.9".parse().expect("an address"), encrypted: true }, "bytes that are no text hide nobody");
}

#[test]
fn between_two_proxies_plain_http_may_be_spoken() {
    let proxies = front(false, &["10.0.0.0/8"], ForwardedBy::XForwarded);
    let told = |addresses: &str, protos: &str| seen(&proxies, "10.0.0.1", &[("x-forwarded-for", addresses), ("x-forwarded-proto", protos)]);
    assert_eq!(told("203.0.113.9, 10.0.0.2", "https"), "203.0.113.9", "the inner passes the outer's word on");
    assert_eq!(told("203.0.113.9, 10.0.0.2", "https, http"), "203.0.113.9", "each adds its own");
    assert_eq!(told("203.0.113.9, 10.0.0.2", "http, http"), "unencrypted");
    assert_eq!(told("203.0.113.9, 10.0.0.2", "http, https"), "unencrypted");
    assert_eq!(told("203.0.113.9, 10.0.0.2", "http"), "unencrypted");
    assert_eq!(told("1.1.1.1, 203.0.113.9", "http, https"), "203.0.113.9", "a stranger's own word counts for nothing");
    assert_eq!(told("203.0.113.9", "http, https"), "203.0.113.9");
}

#[test]
fn reads_the_header_of_the_standard() {
    let proxies = front(false, &["10.0.0.0/8"], ForwardedBy::Forwarded);
    let told = |value: &str| seen(&proxies, "10.0.0.1", &[("forwarded", value)]);
    assert_eq!(told("for=192.0.2.60;proto=https;by=203.0.113.43"), "192.0.2.60");
    assert_eq!(told("For=\"[2001:db8:cafe::17]:4711\";proto=https"), "2001:db8:cafe::17");
    assert_eq!(told("for=1.1.1.1, for=\"192.0.2.60:1\";host=\"a,b;c\""), "192.0.2.60", "signs within quotes part nothing");
    assert_eq!(told("for=192.0.2.60;Proto=HTTP"), "unencrypted");
    assert_eq!(told("for=_hidden"), "10.0.0.1");
    assert_eq!(told("for=\"192.0.2.60"), "192.0.2.60");
    assert_eq!(told(";;=,,"), "10.0.0.1");
    for forged in ["for=\"", "for=\"1.1.1.1, for=2.2.2.2", "x=\";for=1.1.1.1"] {
        assert_eq!(told(&format!("{forged}, for=192.0.2.60;proto=http")), "unencrypted", "a quote left open: {forged}");
        assert_eq!(told(&format!("{forged}, for=192.0.2.60;proto=https")), "192.0.2.60", "{forged}");
        let lines = seen(&proxies, "10.0.0.1", &[("forwarded", forged), ("forwarded", "for=192.0.2.60")]);
        assert_eq!(lines, "192.0.2.60", "on a line of its own: {forged}");
    }
    // Plain http between two proxies, with and without a word of the outer one.
    assert_eq!(told("for=192.0.2.60;proto=https, for=10.0.0.2;proto=http"), "192.0.2.60");
    assert_eq!(told("for=192.0.2.60, for=10.0.0.2;proto=http"), "192.0.2.60");
    assert_eq!(told("for=192.0.2.60;proto=http, for=10.0.0.2;proto=https"), "unencrypted");
    assert_eq!(told("for=1.1.1.1;proto=http, for=192.0.2.60;proto=https"), "192.0.2.60", "a stranger's own word about it counts for nothing");
}

#[test]
fn pages_are_led_to_https_and_programs_are_refused() {
    let asked = |method: &str, path: &str| to_https(Some("https://contact.example/"), &Request::builder().method(method).uri(path).body(axum::body::Body::empty()).expect("a request"));
    let page = asked("GET", "/campaigns?page=2");
    assert_eq!((page.status(), page.headers()[header::LOCATION].to_str().expect("text")), (StatusCode::PERMANENT_REDIRECT, "https://contact.example/campaigns?page=2"));
    for (method, path) in [("POST", "/sign-in"), ("GET", "/api/v1/campaigns"), ("DELETE", "/x")] {
        assert_eq!(asked(method, path).status(), StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn every_answer_is_harmless_and_what_travels_encrypted_says_to_stay_so() {
    use tower::ServiceExt;
    let said = TransportSecurity { own: HeaderValue::from_static("max-age=60; includeSubDomains"), others: HeaderValue::from_static("max-age=60") };
    let front = Front { transport_security: Some(said), ..front(true, &[], ForwardedBy::XForwarded) };
    let own = axum::routing::get(|headers: HeaderMap, client: axum::Extension<Client>| async move { ([(header::CONTENT_SECURITY_POLICY, "script-src 'self'")], format!("{} {}", headers[header::HOST].to_str().expect("text"), client.address)) });
    let router = behind(Router::new().route("/own", own), front);
    let ask = async |host: &str, path: &str| {
        let mut request = Request::builder().uri(format!("https://{host}{path}")).body(axum::body::Body::empty()).expect("a request");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 9], 4000))));
        router.clone().oneshot(request).await.expect("an answer")
    };
    let (own, none) = (ask("contact.example:8443", "/own").await, ask("CONTACT.example", "/none").await);
    assert_eq!(own.headers()[header::CONTENT_SECURITY_POLICY], "script-src 'self'", "a page's own policy stays");
    for answer in [&own, &none] {
        assert_eq!((&answer.headers()[header::STRICT_TRANSPORT_SECURITY], &answer.headers()[header::X_CONTENT_TYPE_OPTIONS]), (&HeaderValue::from_static("max-age=60; includeSubDomains"), &HeaderValue::from_static("nosniff")));
    }
    for host in ["links.northwind.example", "contact.example.northwind.example:8443", "below.contact.example"] {
        assert_eq!(ask(host, "/none").await.headers()[header::STRICT_TRANSPORT_SECURITY], "max-age=60", "{host}: whose hosts below are not the operator's");
    }
    assert_eq!(none.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
    let body = axum::body::to_bytes(own.into_body(), 1_000).await.expect("a body");
    assert_eq!(body, "contact.example:8443 203.0.113.9", "HTTP/2 says the host in the address");
}
