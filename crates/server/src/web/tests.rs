use super::*;

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

fn fault(change: impl FnOnce(&mut Config)) -> String {
    WebPlan::read(&config(change)).expect_err("must refuse").to_string()
}

const OPEN: ([u8; 4], u16) = ([0, 0, 0, 0], 8080);

fn with_acme(config: &mut Config) {
    (config.acme.domains, config.acme.contact, config.acme.terms_agreed) = (vec!["Contact.example.net".into()], Some("it@example.net".into()), true);
}

#[test]
fn the_clear_is_for_this_machine_and_for_proxies_that_are_named() {
    let plan = WebPlan::read(&Config::default()).expect("loopback");
    assert_eq!((plan.cookies, plan.front.tls), (Cookies::PlainLoopback, false));
    let words = fault(|config| config.web.listen = OPEN.into());
    assert!(["web.tls_certificate_file", "acme.domains", "web.behind_proxy", "127.0.0.1"].iter().all(|way| words.contains(way)), "{words}");
    assert!(fault(|config| config.web.public_url = Some("https://contact.example".into())).contains("nothing here speaks https"));
    assert!(fault(|config| config.web.public_url = Some("http://contact.example".into())).contains("must begin with https://"));
    assert!(fault(|config| (config.web.listen, config.web.behind_proxy) = (OPEN.into(), vec!["10.0.0.0/8".into()])).contains("web.public_url"));
    assert!(fault(|config| config.web.behind_proxy = vec!["ten".into()]).contains("web.behind_proxy"));
    for wide in ["0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/7", "::/0", "2000::/3", "fd00::/15"] {
        let words = fault(|config| config.web.behind_proxy = vec!["10.0.0.2".into(), wide.into()]);
        assert!(words.contains(&format!("web.behind_proxy {wide} is more")), "{words}");
    }
    let proxy = config(|config| (config.web.listen, config.web.behind_proxy, config.web.public_url) = (OPEN.into(), vec!["10.0.0.0/8".into()], Some("https://contact.example/".into())));
    let plan = WebPlan::read(&proxy).expect("behind a proxy");
    assert_eq!((plan.cookies, plan.public_url.as_deref()), (Cookies::Secure, Some("https://contact.example")));
}

#[test]
fn a_certificate_comes_from_files_or_is_fetched() {
    assert!(fault(|config| config.web.tls_key_file = Some("key.pem".into())).contains("give both"));
    let files = |config: &mut Config| (config.web.tls_certificate_file, config.web.tls_key_file) = (Some("chain.pem".into()), Some("key.pem".into()));
    let plan = WebPlan::read(&config(|config| {
        files(config);
        config.web.listen = OPEN.into();
    }))
    .expect("own files");
    assert!(plan.front.tls && plan.cookies == Cookies::Secure);
    assert!(fault(|config| {
        files(config);
        with_acme(config);
    })
    .contains("keep one"));
    let plan = WebPlan::read(&config(with_acme)).expect("fetched");
    let Carrier::Acme(acme) = &plan.carrier else { panic!("{:?}", plan.carrier) };
    assert_eq!((acme.names().as_str(), acme.contact.as_str(), acme.by_http), ("contact.example.net", "mailto:it@example.net", false));
    assert_eq!(plan.public_url.as_deref(), Some("https://contact.example.net"));
    let without = |change: fn(&mut Config)| {
        fault(|config| {
            with_acme(config);
            change(config);
        })
    };
    assert!(without(|config| config.acme.terms_agreed = false).contains("acme.terms_agreed"));
    assert!(without(|config| config.acme.eab_key_id = Some("kid-1".into())).contains("acme.eab_key_file"));
    assert!(without(|config| config.acme.contact = None).contains("acme.contact"));
    assert!(without(|config| config.acme.directory_url = "http://acme.example".into()).contains("https://"));
    for name in ["*.example.net", "localhost", "192.0.2.1", "a b.example", "https://a.example", "a..example"] {
        assert!(fault(|config| {
            with_acme(config);
            config.acme.domains = vec![name.into()];
        })
        .contains("acme.domains"), "{name}");
    }
}

#[test]
fn browsers_are_told_to_stay_with_https() {
    let told = |seconds, below| WebPlan::read(&config(|config| (config.web.hsts_seconds, config.web.hsts_subdomains) = (seconds, below))).expect("reads").front.transport_security;
    let said = |own, others| Some(TransportSecurity { own: HeaderValue::from_static(own), others: HeaderValue::from_static(others) });
    assert_eq!(told(31_536_000, true), said("max-age=31536000; includeSubDomains", "max-age=31536000"));
    assert_eq!(told(60, false), said("max-age=60", "max-age=60"));
    assert_eq!(told(0, true), None);
}

#[test]
fn measurements_are_for_this_machine_and_for_networks_that_are_named() {
    let read = |config: &Config| MetricsPlan::read(config, &WebPlan::read(config).expect("a plan"));
    assert!(read(&Config::default()).is_ok());
    let open = config(|config| config.metrics.listen = ([0, 0, 0, 0], 9464).into());
    assert!(read(&open).expect_err("open").to_string().contains("metrics.allow_networks"));
    let named = config(|config| (config.metrics.listen, config.metrics.allow_networks) = (([0, 0, 0, 0], 9464).into(), vec!["10.0.0.0/8".into()]));
    assert!(read(&named).is_ok());
    assert!(read(&config(|config| config.metrics.tls = true)).expect_err("no certificate").to_string().contains("metrics.tls"));
}
