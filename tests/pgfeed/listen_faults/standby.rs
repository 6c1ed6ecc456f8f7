//! A standby, which cannot be listened to.

use std::fs::File;
use std::thread;

use pgfeed::cluster::Shutdown;
use postgres::{Client, NoTls};

use super::{described, received, send, stop, wait_number};
use crate::harness::{own_server, wait_until};

#[test]
fn a_standby_is_told_apart_and_waited_for_until_it_is_promoted() {
    let server = own_server();
    let database = server.database();
    let (cluster, url) = (server.cluster(), database.url());
    cluster.halt(Shutdown::Fast).unwrap();
    File::create(cluster.data_dir().join("standby.signal")).unwrap();
    thread::scope(|scope| {
        // It returns when the server takes writes.
        let launched = scope.spawn(|| cluster.launch());
        let mut client = None;
        wait_until("the standby takes connections", || {
            client = Client::connect(&url, NoTls).ok();
            client.is_some()
        });
        let hint = "this server is a standby, and LISTEN works on a primary only: add target_session_attrs=read-write";
        described(&url).run().code(1).stderr_is(&format!(
            "pgfeed: error: cannot execute LISTEN during recovery\n  sqlstate: 25006\n  hint: {hint}\n"
        ));
        let hint = "this server is a standby, and NOTIFY works on a primary only";
        database.pgfeed(["notify", "c", "x"]).run().code(1).stderr_has(hint).stderr_has("25006");
        let run = described(&url).args(["--wait-server", "30s"]).spawn();
        run.wait_stderr("cannot execute LISTEN during recovery; trying again");
        client.unwrap().batch_execute("SELECT pg_promote()").unwrap();
        launched.join().unwrap().unwrap();
        run.wait_stderr("listening on c");
        send(&mut database.client(), 1..=2);
        wait_number(&run, 2);
        assert_eq!(received(&stop(run)), [1, 2]);
    });
}
