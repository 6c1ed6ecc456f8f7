//! Message brokers of the tests: the real ones, private, on ports of their own.

pub mod rabbitmq;

use std::net::{Ipv4Addr, TcpListener};

/// Ports that nobody listens on. They are not among those that the system gives to whoever connects, so that they stay free
/// until the broker has started.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let start = u16::try_from(std::process::id() % 10_000).expect("it is below 10,000");
    let free = (0..10_000)
        .map(|n| 20_000 + (start * 7 + n) % 10_000)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.take(N).collect::<Vec<_>>().try_into().expect("there are free ports")
}
