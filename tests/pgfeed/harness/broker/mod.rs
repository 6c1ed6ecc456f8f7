//! Message brokers of the tests: the real ones, private, on ports of their own.

pub mod rabbitmq;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports on which nobody listens, and none twice. They are not among those that the system gives to whoever connects, so that
/// they stay free until the broker has started.
pub fn free_ports<const N: usize>() -> [u16; N] {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(7);
    let ports = std::iter::repeat_with(|| {
        let number = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        u16::try_from(20_000 + number % 10_000).expect("it is below 30,000")
    });
    let free = ports.take(10_000).filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.take(N).collect::<Vec<_>>().try_into().expect("there are free ports")
}
