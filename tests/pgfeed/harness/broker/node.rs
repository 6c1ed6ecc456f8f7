//! How a private node of RabbitMQ is started, in a folder of its own, by the tests and by the measurements.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The script that starts a node as whoever runs it. (What Debian has on the PATH becomes another user.)
pub fn server() -> PathBuf {
    let mut dirs = vec![
        PathBuf::from("/usr/lib/rabbitmq/bin"),
        "/opt/homebrew/opt/rabbitmq/sbin".into(),
        "/usr/local/opt/rabbitmq/sbin".into(),
    ];
    dirs.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let found = dirs.iter().map(|dir| dir.join("rabbitmq-server")).find(|path| Path::exists(path));
    found.expect("rabbitmq-server is not installed: scripts/need test installs it")
}

/// The variables of a node whose configuration and data are in a folder. It ends with its stdin, which its Erlang shell reads.
pub fn environment(dir: &Path, port: u16, distribution_port: u16, erlang: &str) -> Vec<(&'static str, OsString)> {
    let path = |name: &str| dir.join(name).into_os_string();
    // Without the daemon that tells which node is where: nobody looks for this one.
    let erlang = format!("-start_epmd false -erl_epmd_port {distribution_port} {erlang}");
    vec![
        ("RABBITMQ_NODENAME", format!("pgfeed-{port}@localhost").into()),
        ("RABBITMQ_MNESIA_BASE", path("data")),
        ("RABBITMQ_LOGS", "-".into()),
        ("RABBITMQ_LOG_BASE", path("log")),
        ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins")),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
        ("RABBITMQ_DIST_PORT", distribution_port.to_string().into()),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang.into()),
        ("RABBITMQ_ALLOW_INPUT", "1".into()),
    ]
}
