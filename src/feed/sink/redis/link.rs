//! A connection to a Redis server: who one is, and commands in transactions.

use redis::{Cmd, ServerError, Value};

use super::options::{Options, Place};
use super::wire::Wire;
use crate::feed::sink::patience::Patience;

/// The longest value that a server takes unless it is configured otherwise, in bytes.
pub const LONGEST: usize = 512 << 20;

/// Why there is no connection.
pub enum Failed {
    /// The server does not accept who we are, or what we ask for, and says why.
    NotAccepted(String),
    /// Anything else.
    Unavailable(String),
}

/// A connection that commands can be sent over.
pub struct Link {
    pub wire: Wire,
    /// The longest value that the server takes, in bytes.
    pub longest: usize,
}

impl Link {
    /// Connects, and says who we are.
    pub fn open(options: &Options, patience: Patience) -> Result<Self, Failed> {
        let mut wire = Wire::open(options, patience).map_err(Failed::Unavailable)?;
        let mut needed = Vec::new();
        if let Some(password) = &options.address.password {
            let mut auth = redis::cmd("AUTH");
            if let Some(user) = &options.address.user {
                auth.arg(user.expose());
            }
            auth.arg(password.expose());
            needed.push(auth);
        }
        if options.database != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(options.database);
            needed.push(select);
        }
        // Who may not use transactions would add events one by one, and then be told that nothing was done.
        if let Place::Stream { .. } = options.place {
            needed.extend([redis::cmd("MULTI"), redis::cmd("EXEC")]);
        }
        for command in needed {
            if let Value::ServerError(error) = ask(&mut wire, &command).map_err(Failed::Unavailable)? {
                return Err(if is_a_mistake(&error) { Failed::NotAccepted } else { Failed::Unavailable }(text(&error)));
            }
        }
        // Both may be forbidden.
        ask(&mut wire, redis::cmd("CLIENT").arg("SETNAME").arg("pgfeed")).map_err(Failed::Unavailable)?;
        let limit = ask(&mut wire, redis::cmd("CONFIG").arg("GET").arg("proto-max-bulk-len"));
        let longest = redis::from_redis_value::<(String, usize)>(limit.map_err(Failed::Unavailable)?);
        Ok(Self { wire, longest: longest.map_or(LONGEST, |(_, longest)| longest) })
    }

    /// Does all of the commands or none, and returns their replies.
    ///
    /// # Errors
    /// Why none was done; or that nothing is known.
    pub fn transaction(&mut self, commands: &[u8], count: usize) -> Result<Vec<Value>, Undone> {
        let mut all = redis::cmd("MULTI").get_packed_command();
        all.extend_from_slice(commands);
        redis::cmd("EXEC").write_packed_command(&mut all);
        self.wire.send(&all).map_err(Undone::Unknown)?;
        let mut refused = None;
        for place in 0..=count {
            if let Value::ServerError(error) = self.wire.reply().map_err(Undone::Unknown)? {
                // In front of the replies to the commands is that to MULTI.
                refused.get_or_insert((place.checked_sub(1), error));
            }
        }
        match self.wire.reply().map_err(Undone::Unknown)? {
            Value::Array(replies) if replies.len() == count => Ok(replies),
            // Its own reason is only that there was one before.
            Value::ServerError(error) => Err(match refused {
                Some((place, refused)) => Undone::Nothing(refused, place),
                None => Undone::Nothing(error, None),
            }),
            _ => Err(Undone::Unknown("what the server has answered ends no transaction".to_owned())),
        }
    }

    /// Does the commands one by one, and returns their replies.
    ///
    /// # Errors
    /// That nothing is known.
    pub fn one_by_one(&mut self, commands: &[u8], count: usize) -> Result<Vec<Value>, Undone> {
        self.wire.send(commands).map_err(Undone::Unknown)?;
        (0..count).map(|_| self.wire.reply().map_err(Undone::Unknown)).collect()
    }
}

/// Why commands were not done.
pub enum Undone {
    /// None of them was: the server says why, and perhaps of which, and the connection is good.
    Nothing(ServerError, Option<usize>),
    /// The connection is not good, and they may have been done.
    Unknown(String),
}

fn ask(wire: &mut Wire, command: &Cmd) -> Result<Value, String> {
    wire.send(&command.get_packed_command())?;
    wire.reply()
}

/// Whether the server says this for as long as nobody changes who we are or what we ask for. Anything else passes: a server that
/// has no room for another client, loads its data, or is busy with a script.
fn is_a_mistake(error: &ServerError) -> bool {
    match error.code() {
        "WRONGPASS" | "NOAUTH" | "NOPERM" => true,
        // "DB index is out of range", "invalid DB index", "invalid password" and "AUTH <password> called without any password
        // configured" (before Redis 6: "Client sent AUTH, but no password is set"), "unknown command".
        "ERR" => error.details().is_some_and(|details| {
            ["DB index", "invalid password", "AUTH", "unknown command"].iter().any(|words| details.contains(words))
        }),
        _ => false,
    }
}

/// An error as the server has said it.
pub fn text(error: &ServerError) -> String {
    match error.details() {
        Some(details) => format!("{} {details}", error.code()),
        None => error.code().to_owned(),
    }
}
