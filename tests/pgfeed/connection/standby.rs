//! A primary among standbys: which of them is taken, and what is said of a standby that is not wanted.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::sync::OnceLock;

use pgfeed::cluster::Shutdown;

use super::servers::notify;
use crate::harness::{Pgfeed, Server, own_server};

/// A server in recovery. It follows nobody, which a client cannot see.
fn new_standby() -> Server {
    let server = own_server();
    let cluster = server.cluster();
    let mut client = postgres::Client::connect(&cluster.socket_url("postgres"), postgres::NoTls).unwrap();
    client.batch_execute("CREATE TABLE t (id int PRIMARY KEY)").unwrap();
    cluster.halt(Shutdown::Fast).unwrap();
    let (owner, signal) = (fs::metadata(cluster.data_dir()).unwrap(), cluster.data_dir().join("standby.signal"));
    fs::write(&signal, "").unwrap();
    chown(&signal, Some(owner.uid()), Some(owner.gid())).unwrap();
    cluster.launch().unwrap();
    server
}

/// A primary and a standby.
pub fn pair() -> &'static (Server, Server) {
    static PAIR: OnceLock<(Server, Server)> = OnceLock::new();
    PAIR.get_or_init(|| (own_server(), new_standby()))
}

fn dir(server: &Server) -> String {
    server.cluster().socket_dir().display().to_string()
}

/// A conninfo for these servers, in this order.
fn string(servers: &[&Server], wanted: &str) -> String {
    let hosts: Vec<_> = servers.iter().map(|server| dir(server)).collect();
    format!("host={} user=postgres dbname=postgres target_session_attrs={wanted}", hosts.join(","))
}

#[test]
fn the_kind_that_is_wanted_is_found_in_either_order() {
    let (primary, standby) = pair();
    for (wanted, found) in [
        ("read-write", primary),
        ("primary", primary),
        ("standby", standby),
        ("read-only", standby),
        ("prefer-standby", standby),
    ] {
        for order in [[primary, standby], [standby, primary]] {
            // A notification cannot be sent on a standby; the connection is what counts.
            let run = notify(&string(&order, wanted)).args(["-v"]).run();
            run.code(i32::from(std::ptr::eq(found, standby))).stderr_has(&format!("on socket {}/", dir(found)));
        }
    }
    for order in [[primary, standby], [standby, primary]] {
        notify(&string(&order, "any")).args(["-v"]).run().stderr_has(&format!("on socket {}/", dir(order[0])));
    }
    let only = notify(&string(&[primary], "prefer-standby")).args(["-v"]).run().ok();
    only.stderr_has(&format!("on socket {}/", dir(primary)));
    notify(&string(&[standby, primary], "any")).env("PGTARGETSESSIONATTRS", "read-write").run().code(1);
}

#[test]
fn only_servers_of_another_kind_are_told_why_they_will_not_do() {
    let (primary, standby) = pair();
    let hint = "\n  hint: target_session_attrs asks for another kind of server: name it among the hosts too\n";
    for (server, wanted, why) in [
        (standby, "read-write", "it is a standby, and takes no writes"),
        (standby, "primary", "it is a standby"),
        (primary, "standby", "it is not a standby"),
        (primary, "read-only", "it is not read-only"),
    ] {
        notify(&string(&[server], wanted)).run().code(3).stderr_has(&format!(": {why}{hint}"));
    }
}

#[test]
fn a_primary_that_is_read_only_by_default_is_no_place_to_write() {
    let (primary, _) = pair();
    let database = primary.database();
    database.sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name()));
    let string =
        |wanted: &str| string(&[primary], wanted).replace("dbname=postgres", &format!("dbname={}", database.name()));
    notify(&string("read-write")).run().code(3).stderr_has(": its sessions are read-only by default\n");
    notify(&string("read-only")).run().ok();
    notify(&string("primary")).run().ok();
}

#[test]
fn a_standby_says_why_nothing_can_be_sent_heard_or_installed() {
    let (_, standby) = pair();
    let on_standby = |command: &[&str]| Pgfeed::new(command).args(["-d", &string(&[standby], "any")]).run();
    let listen =
        on_standby(&["listen", "x"]).code(1).stderr_has("cannot execute LISTEN during recovery\n  sqlstate: 25006");
    listen.stderr_has(
        "hint: this server is a standby, and LISTEN works on a primary only: add target_session_attrs=read-write",
    );
    let notify = on_standby(&["notify", "x"]).code(1).stderr_has("sqlstate: 25006");
    notify.stderr_has("hint: this server is a standby, and NOTIFY works on a primary only");
    on_standby(&["install-trigger", "t"]).code(1).stderr_has("in a read-only transaction\n  sqlstate: 25006");
}

#[test]
fn a_primary_is_waited_for() {
    let standby = new_standby();
    let run = notify(&string(&[&standby], "read-write")).args(["--wait-server", "30s"]).spawn();
    run.wait_stderr("it is a standby, and takes no writes; waiting for it");
    let mut client = postgres::Client::connect(&standby.cluster().socket_url("postgres"), postgres::NoTls).unwrap();
    client.batch_execute("SELECT pg_promote()").unwrap();
    run.finish().ok();
}
