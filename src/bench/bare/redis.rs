//! Redis Streams by redis alone: entries as the sink's, in transactions as the sink's, since without one a trouble in the middle
//! leaves later entries in front of earlier ones.

use std::fs;
use std::path::Path;

use redis::{Client, Connection, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo};
use redis::{ClientTlsConfig, TlsCertificates};

use super::sample::{Sample, nth};
use super::{Bare, Kind, Run, failed};
use crate::error::{Error, Result};
use crate::feed::sink::address::Host;
use crate::feed::sink::redis as sink;
use crate::feed::sink::redis::options::{Options, Place, filled};
use crate::feed::sink::registry::Acknowledgement;
use crate::feed::sink::target::Target;
use crate::feed::sink::tls::Tls;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: sink::KIND.schemes,
    name: "redis alone",
    how: "XADD in pipelines of 100, each a transaction (MULTI, EXEC) as the sink's",
    open,
};

/// Commands that are sent together.
const PIPELINE: u64 = 100;

struct Publisher {
    connection: Connection,
    stream: String,
    maxlen: Option<u64>,
    bodies: Vec<Vec<u8>>,
    /// The stream that the sink has made, which nobody else knows.
    sinks: Option<String>,
}

fn open(target: Target, sample: &Sample) -> Result<Box<dyn Bare>> {
    let options = Options::of(target, Acknowledgement::Needed)?;
    let bodies = sample.map(|item, _| Ok(options.body.of(item)))?;
    let (maxlen, names) = match &options.place {
        Place::Stream { name, maxlen } => {
            (*maxlen, sample.map(|_, event| Ok(filled(name, event).map_err(Error::failed)?.into_owned()))?)
        }
        Place::Channel(_) => (None, Vec::new()),
    };
    let sinks = names.into_iter().next().filter(|name| name.contains(&*sample.queue));
    let connection = connect(&options)?;
    Ok(Box::new(Publisher { connection, stream: sample.place.clone(), maxlen, bodies, sinks }))
}

/// Connects to the first host that accepts.
fn connect(options: &Options) -> Result<Connection> {
    let mut refused = Error::connection("it has no address");
    for host in &options.address.hosts {
        let connected = client(options, host).and_then(|client| {
            let connection = client.get_connection_with_timeout(options.within).map_err(|error| failed(&error))?;
            connection.set_read_timeout(Some(options.within)).map_err(|error| failed(&error))?;
            Ok(connection)
        });
        match connected {
            Ok(connection) => return Ok(connection),
            Err(error) => refused = error,
        }
    }
    Err(refused.doing(format!("connecting to {}", options.shown)))
}

fn client(options: &Options, Host { name: host, port }: &Host) -> Result<Client> {
    let (host, port) = (host.clone(), *port);
    let mut who = RedisConnectionInfo::default().set_db(i64::from(options.database));
    if let Some(user) = &options.address.user {
        who = who.set_username(user.expose());
    }
    if let Some(password) = &options.address.password {
        who = who.set_password(password.expose());
    }
    let with = |address: ConnectionAddr| -> Result<ConnectionInfo> {
        Ok(address.into_connection_info().map_err(|error| failed(&error))?.set_redis_settings(who))
    };
    let client = match &options.tls {
        None => Client::open(with(ConnectionAddr::Tcp(host, port))?),
        Some(tls) => {
            let address = ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
            Client::build_with_tls(with(address)?, certificates(tls)?)
        }
    };
    client.map_err(|error| failed(&error))
}

fn certificates(tls: &Tls) -> Result<TlsCertificates> {
    let read = |path: &Path| fs::read(path).map_err(|error| Error::connection(format!("{}: {error}", path.display())));
    let client_tls = match &tls.identity {
        Some((cert, key)) => Some(ClientTlsConfig { client_cert: read(cert)?, client_key: read(key)? }),
        None => None,
    };
    Ok(TlsCertificates { client_tls, root_cert: tls.ca.as_deref().map(read).transpose()? })
}

impl Bare for Publisher {
    fn publish(&mut self, count: u64, run: &Run) -> Result<()> {
        for first in (0..count).step_by(PIPELINE as usize) {
            let last = count.min(first + PIPELINE);
            let mut pipe = redis::pipe();
            pipe.atomic();
            for number in first..last {
                let entry = pipe.cmd("XADD").arg(&self.stream);
                if let Some(maxlen) = self.maxlen {
                    entry.arg("MAXLEN").arg("~").arg(maxlen);
                }
                let id = format!("{}:{number}", self.stream);
                entry.arg("*").arg("id").arg(id).arg("body").arg(nth(&self.bodies, number));
            }
            let added: Vec<String> = pipe.query(&mut self.connection).map_err(|error| failed(&error))?;
            if !run.count(added.len() as u64) {
                break;
            }
        }
        Ok(())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let mut remove = redis::cmd("DEL");
        remove.arg(&self.stream).arg(&self.sinks);
        // With a server that is gone they stay: they have the name of the schema.
        let _: redis::RedisResult<()> = remove.query(&mut self.connection);
    }
}
