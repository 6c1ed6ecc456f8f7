//! `pgfeed serve`.

use crate::sql::DEFAULT_SCHEMA;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::units;

const EXAMPLES: &str = "\
Examples:
  pgfeed serve orders users                  a page at http://127.0.0.1:8080/
  pgfeed serve --queue events                show a queue; every event stays in it
  pgfeed serve chat --publish                what somebody sends, everybody sees
  pgfeed serve messages --publish-to 'messages(body)'     the same, kept in a table
  pgfeed serve orders --bind 0.0.0.0:8080 --token-file token --origin https://app.example.com

Routes:
  /           a page that shows the feed
  /ws         a WebSocket; with --publish, what a client sends on it is published
  /sse        server-sent events, for EventSource; ids, and Last-Event-ID, resume it
  /publish    POST a message, with --publish or --publish-to
  /feed.json  what is served here
  /healthz    200, and 503 while the database is away
  /metrics    for Prometheus

/ws and /sse take ?channel=, ?table= and ?op=, each more than once, and send the JSON of
listen. ?recent=N begins with the last N events, ?last_event_id=ID goes on behind the one
with that event_id; what is not held any more is told with a gap record.

The token is asked for in the header Authorization: Bearer TOKEN, or of a WebSocket as
the second of the subprotocols pgfeed and TOKEN.";

/// Fan a feed out to browsers over WebSocket and SSE
///
/// One connection to the database feeds any number of clients. A client that does not read is dropped, and may come back.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    /// Channels, spelled exactly as they are notified (1 to 63 bytes)
    #[arg(value_name = "CHANNEL", required_unless_present = "queue", conflicts_with = "queue")]
    pub channels: Vec<String>,

    /// Show the events of this queue instead, and take none
    #[arg(long, value_name = "QUEUE")]
    pub queue: Option<String>,

    /// Schema of pgfeed's own objects
    #[arg(long, value_name = "SCHEMA", default_value = DEFAULT_SCHEMA, requires = "queue")]
    pub schema: String,

    /// Address and port to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", help_heading = "Clients")]
    pub bind: String,

    /// File with the token that clients must know; needed unless --bind is an address of this machine only
    #[arg(long, value_name = "FILE", help_heading = "Clients")]
    pub token_file: Option<PathBuf>,

    /// Pages of these origins may use this server too, which answers to their host names; such as https://app.example.com
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', help_heading = "Clients")]
    pub origin: Vec<String>,

    /// Let clients send: a message becomes a notification on their channel, or with --queue an event
    #[arg(long, help_heading = "Clients")]
    pub publish: bool,

    /// Let clients send: a message becomes a row of TABLE, whose trigger tells everybody
    #[arg(long, value_name = "TABLE(COLUMN)", conflicts_with = "publish", help_heading = "Clients")]
    pub publish_to: Option<String>,

    /// Most clients at a time
    #[arg(long, value_name = "N", default_value = "1000", value_parser = units::count, help_heading = "Clients")]
    pub clients: u64,

    /// Ask a silent server, and silent clients, this often whether they are still there; 0 never asks
    #[arg(long, value_name = "DUR", default_value = "30s", value_parser = units::interval_or_never, help_heading = "Clients")]
    pub heartbeat: Duration,
}
