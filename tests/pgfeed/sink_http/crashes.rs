//! The crash harness, into an HTTP endpoint, which loses its connections as well.

use std::cell::Cell;
use std::rc::Rc;

use crate::crash::consumers::{Arrivals, Files};
use crate::crash::runs::Run;
use crate::harness::http::{Http, Reply};
use crate::harness::proxy::{Cut, Proxy};

/// What has come to the endpoint, and how much of it was taken.
struct Endpoint {
    server: Http,
    proxy: Proxy,
    taken: Cell<usize>,
    looks: Cell<u32>,
    is_cut: Rc<Cell<bool>>,
}

/// After so many looks all connections are cut, and so many later new ones are accepted again.
const CUT_AT: u32 = 20;
const AWAY_FOR: u32 = 5;

impl Arrivals for Endpoint {
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.proxy.port())
    }

    fn take(&self) -> Vec<u8> {
        let look = self.looks.get() + 1;
        self.looks.set(look);
        if look == CUT_AT {
            self.proxy.refuse();
            self.proxy.cut(Cut::Reset);
        } else if look == CUT_AT + AWAY_FOR {
            self.proxy.accept();
            self.is_cut.set(true);
        }
        let got = self.server.got();
        let new = got[self.taken.replace(got.len())..].iter();
        new.flat_map(|request| format!("{}\n", request.body).into_bytes()).collect()
    }
}

#[test]
fn kills_lose_nothing_and_keep_the_order_of_every_row() {
    let is_cut = Rc::new(Cell::new(false));
    let tally = Run::new(51, Files::OfSink, 4, 0).check_arrivals(|_| {
        let server = Http::start(|_, _| Reply::status(200));
        let proxy = Proxy::in_front_of_port(server.port());
        let (taken, looks, is_cut) = (Cell::new(0), Cell::new(0), Rc::clone(&is_cut));
        Some(Box::new(Endpoint { server, proxy, taken, looks, is_cut }))
    });
    tally.is_clean();
    assert!(is_cut.get(), "there were fewer looks than {}", CUT_AT + AWAY_FOR);
}
