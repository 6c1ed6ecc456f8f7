//! Precedence, defaults and secrecy of settings.

use super::*;
use proptest::prelude::*;

fn options(dbname: &str) -> Options {
    let dbname = (!dbname.is_empty()).then(|| dbname.to_owned());
    Options { dbname, application_name: "pgfeed test".to_owned(), ..Options::default() }
}

fn resolved(options: &Options, variables: &[(&str, &str)]) -> Settings {
    Settings::resolve(options, &Environment::of(variables)).unwrap()
}

#[test]
fn defaults_are_the_local_socket_and_the_name_of_the_user() {
    let settings = resolved(&options(""), &[]);
    assert_eq!(settings.target(), "database \"app\" on socket /tmp/.s.PGSQL.5432 as \"app\"");
    assert_eq!(settings.timeout, Some(Duration::from_secs(10)));
    assert_eq!(settings.application_name, "pgfeed test");
    assert_eq!(settings.encryption, Encryption::Never);
    let probes = settings.keepalive.probes.unwrap();
    assert_eq!(
        (probes.idle, probes.interval, probes.count),
        (Some(Duration::from_secs(30)), Some(Duration::from_secs(10)), Some(3))
    );
    assert_eq!(settings.keepalive.user_timeout, Some(Duration::from_secs(60)));
}

#[test]
fn timeouts_come_from_everywhere() {
    assert_eq!(resolved(&options(""), &[("PGCONNECT_TIMEOUT", "3")]).timeout, Some(Duration::from_secs(3)));
    assert_eq!(resolved(&options("connect_timeout=0"), &[("PGCONNECT_TIMEOUT", "3")]).timeout, None);
    let mut flagged = options("");
    flagged.connect_timeout = Some(Duration::from_millis(250));
    assert_eq!(resolved(&flagged, &[("PGCONNECT_TIMEOUT", "3")]).timeout, Some(Duration::from_millis(250)));
    flagged.dbname = Some("connect_timeout=7".to_owned());
    assert_eq!(resolved(&flagged, &[]).timeout, Some(Duration::from_secs(7)));
}

#[test]
fn tcp_user_timeout_is_in_milliseconds_and_zero_leaves_it_to_the_system() {
    let settings = resolved(&options("tcp_user_timeout=5000 keepalives_idle=0 keepalives_count=0"), &[]);
    assert_eq!(settings.keepalive.user_timeout, Some(Duration::from_secs(5)));
    assert_eq!(settings.keepalive.probes.as_ref().unwrap().idle, None);
    assert_eq!(settings.keepalive.probes.unwrap().count, None);
    assert_eq!(
        resolved(&options("keepalives=0 tcp_user_timeout=0"), &[]).keepalive,
        Keepalive { probes: None, user_timeout: None }
    );
}

#[test]
fn what_cannot_be_honoured_is_refused_by_name() {
    let env = Environment::of(&[]);
    for (given, said) in [
        ("gssencmode=require", "gssencmode in -d cannot be honoured: GSSAPI encryption is not supported"),
        ("client_encoding=latin1", "client_encoding in -d cannot be honoured: pgfeed always talks UTF-8 to the server"),
        ("sslmod=x", "-d: unknown key \"sslmod\""),
        (
            "target_session_attrs=master",
            "target_session_attrs in -d is not one of any, read-write, read-only, primary, standby, prefer-standby",
        ),
        ("port=x", "port in -d is not a number from 1 to 65535"),
        ("connect_timeout=soon", "connect_timeout in -d is not a number"),
        (
            "postgres://u:p@ss@h/db",
            "-d: an @ in the user, password or database of a URI must be written as %40 (and / as %2F)",
        ),
    ] {
        assert_eq!(Settings::resolve(&options(given), &env).unwrap_err().to_string(), said);
    }
    assert!(
        Settings::resolve(&options("gssencmode=prefer krbsrvname=x client_encoding=UTF8 sslcompression=0"), &env)
            .is_ok()
    );
    let error = Settings::resolve(&options(""), &Environment::of(&[("PGREQUIREAUTH", "scram-sha-256")])).unwrap_err();
    assert!(error.to_string().starts_with("PGREQUIREAUTH cannot be honoured"));
    let error = Settings::resolve(&options(""), &Environment::of(&[("PGPORT", "S3cret")])).unwrap_err();
    assert_eq!(error.to_string(), "PGPORT is not a number from 1 to 65535");
}

proptest! {
    #[test]
    fn a_password_is_never_shown(tail in "[a-zA-Z0-9 %'=:/?#\\\\]{0,12}", key in "[a-z_]{1,20}", value in "\\PC{0,10}") {
        let password = format!("S3CRET{tail}");
        let quoted = format!("'{}'", password.replace('\\', "\\\\").replace('\'', "\\'"));
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let extra = format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
        for given in [
            format!("host=h password={quoted}"),
            format!("host=h password={quoted} {key}={extra}"),
            format!("host=h password={password} {key}=1"),
            format!("postgres://u:{encoded}@h/db"),
            format!("postgres://u:{encoded}@h:x/db"),
            format!("postgres://u:{password}@h@i/db"),
            format!("postgres://u:{password}@h/db?{key}={key}"),
        ] {
            let shown = match Settings::resolve(&options(&given), &Environment::of(&[("PGPASSWORD", &password)])) {
                Ok(settings) => format!("{settings:?} {}", settings.target()),
                Err(error) => format!("{error} {error:?}"),
            };
            prop_assert!(!shown.contains("S3CRET"), "{}", shown);
            prop_assert!(!shown.contains(&encoded), "{}", shown);
        }
    }
}
