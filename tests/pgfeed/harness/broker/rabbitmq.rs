//! A private RabbitMQ. It ends with its owner, however that ends: its Erlang shell reads a pipe that only we hold.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pgfeed::cluster::{Guard, Patience};

use super::{free_port, node};
use crate::connection::certificates::{Certificate, authority};
use crate::harness::{Pgfeed, Running, Signal, temp_dir};

/// Starting takes 4 s on an idle machine.
const DEADLINE: Duration = Duration::from_secs(120);
/// A user and the password, and a user who shows a certificate.
pub const USER: &str = "somebody";
pub const PASSWORD: &str = "S3cret-Password";
pub const CERTIFIED: &str = "certified";
/// A user who may write nothing.
pub const READER: &str = "reader";
/// The largest message that it takes, in bytes.
pub const MOST_BYTES: usize = 500_000;

/// A broker.
pub struct RabbitMq {
    guard: Option<Guard>,
    dir: PathBuf,
    port: u16,
    tls_port: u16,
    distribution_port: u16,
    certificate: Certificate,
    running: Option<Running>,
    evaluated: u32,
}

/// The broker that all tests of this process share: each has exchanges and queues of its own. Nothing drops it.
pub fn shared() -> &'static RabbitMq {
    static SHARED: OnceLock<RabbitMq> = OnceLock::new();
    SHARED.get_or_init(RabbitMq::start_new)
}

/// Another one, for tests that stop, kill and block it: one test at a time.
pub fn own() -> MutexGuard<'static, RabbitMq> {
    static OWN: OnceLock<Mutex<RabbitMq>> = OnceLock::new();
    let own = OWN.get_or_init(|| Mutex::new(RabbitMq::start_new()));
    let mut broker = own.lock().unwrap_or_else(PoisonError::into_inner);
    // As a test that failed may have left it.
    if broker.running.is_none() {
        broker.start();
    }
    broker.eval("rabbit_alarm:clear_alarm({resource_limit, memory, node()})");
    broker
}

impl RabbitMq {
    fn start_new() -> Self {
        let [port, tls_port, distribution_port] = [(); 3].map(|()| free_port());
        let dir = temp_dir().join(format!("pgfeed-rabbitmq-{}-{port}", std::process::id()));
        let guard = Guard::start(&dir, Patience::Throwaway).expect("a folder for RabbitMQ");
        let certificate = authority().server("DNS:localhost");
        let mut broker = Self {
            guard: Some(guard),
            dir,
            port,
            tls_port,
            distribution_port,
            certificate,
            running: None,
            evaluated: 0,
        };
        broker.configure();
        broker.start();
        for (user, writes) in [(USER, ".*"), (CERTIFIED, ".*"), (READER, "^$")] {
            broker.eval(&format!(
                "rabbit_auth_backend_internal:add_user(<<\"{user}\">>, <<\"{PASSWORD}\">>, <<\"test\">>), \
                 rabbit_auth_backend_internal:set_permissions(<<\"{user}\">>, <<\"/\">>, <<\".*\">>, <<\"{writes}\">>, <<\".*\">>, <<\"test\">>)"
            ));
        }
        broker
    }

    fn configure(&self) {
        let Self { port, tls_port, certificate: Certificate { certificate, key }, .. } = self;
        let (certificate, key, root) = (certificate.display(), key.display(), authority().root());
        let configuration = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nlisteners.ssl.1 = 127.0.0.1:{tls_port}\n\
             ssl_options.cacertfile = {}\nssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n\
             ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\nssl_cert_login_from = common_name\n\
             auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL\nmax_message_size = {MOST_BYTES}\n",
            root.display()
        );
        std::fs::write(self.dir.join("rabbitmq.conf"), configuration).unwrap();
        std::fs::write(self.dir.join("enabled_plugins"), "[rabbitmq_auth_mechanism_ssl].\n").unwrap();
    }

    /// Starts it, with the data that it had.
    pub fn start(&mut self) {
        // The Erlang shell reads stdin, and the node ends with it. One scheduler is enough for tests.
        let node = Pgfeed::command(Command::new(node::server())).stdin_open().deadline(DEADLINE);
        let environment = node::environment(&self.dir, self.port, self.distribution_port, "+S 1:1");
        let running = environment.into_iter().fold(node, |node, (name, value)| node.env(name, value)).spawn();
        self.guard.as_mut().expect("it is there until the drop").watch(running.pid()).unwrap();
        running.wait_stdout_line(|line| line.contains("Server startup complete"));
        self.running = Some(running);
    }

    /// Kills it, as `kill -9`.
    pub fn kill(&mut self) {
        drop(self.running.take().expect("it is running").kill());
        self.guard.as_mut().expect("it is there until the drop").watch_nothing().unwrap();
    }

    /// Stops or continues its process.
    pub fn signal(&self, signal: Signal) {
        self.running.as_ref().expect("it is running").signal(signal);
    }

    /// Evaluates an Erlang expression in it, and waits until that is done.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) {
        self.evaluated += 1;
        let running = self.running.as_mut().expect("it is running");
        running.write_stdin(&format!("{expression}, io:format(\"~s ~b~n\", [evaluated, {}]).\n", self.evaluated));
        let done = format!("evaluated {}", self.evaluated);
        running.wait_stdout_line(|line| line.ends_with(&done));
    }

    /// Its URL, without parameters.
    pub fn url(&self) -> String {
        format!("amqp://127.0.0.1:{}", self.port)
    }

    /// The same over TLS, with what the certificate is for.
    pub fn tls_url(&self, login: &str) -> String {
        format!("amqps://{login}localhost:{}", self.tls_port)
    }

    /// Its port without TLS.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.running = None;
        if let Some(guard) = self.guard.take() {
            guard.finish().unwrap();
        }
    }
}
