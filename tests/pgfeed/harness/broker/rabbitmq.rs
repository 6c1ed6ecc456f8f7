//! A private RabbitMQ. It ends with its owner, however that ends: its Erlang shell reads a pipe that only we hold.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pgfeed::cluster::{Guard, Patience};

use super::free_port;
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
        let path = |name: &str| self.dir.join(name);
        // Without the daemon that tells which node is where: nobody looks for this one.
        let erlang = format!("-start_epmd false -erl_epmd_port {} +S 1:1", self.distribution_port);
        let running = Pgfeed::command(Command::new(server()))
            .env("RABBITMQ_NODENAME", format!("pgfeed-{}@localhost", self.port))
            .env("RABBITMQ_MNESIA_BASE", path("data"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang)
            // The Erlang shell reads stdin, and the node ends with it.
            .env("RABBITMQ_ALLOW_INPUT", "1")
            .stdin_open()
            .deadline(DEADLINE)
            .spawn();
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

/// The script that starts a node as whoever runs it. (What Debian has on the PATH becomes another user.)
fn server() -> PathBuf {
    let mut dirs = vec![
        PathBuf::from("/usr/lib/rabbitmq/bin"),
        "/opt/homebrew/opt/rabbitmq/sbin".into(),
        "/usr/local/opt/rabbitmq/sbin".into(),
    ];
    dirs.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let found = dirs.iter().map(|dir| dir.join("rabbitmq-server")).find(|path| Path::exists(path));
    found.expect("rabbitmq-server is not installed: scripts/need test installs it")
}
