//! A backlog of changes into another table, here and in another database.

use crate::{Bench, RUNS, median, report};

const EVENTS: usize = 100_000;

/// Inserts, and updates of the same rows; beside a copy of all of them in one statement.
pub fn run(bench: &Bench) {
    let mut client = bench.client("postgres");
    let tables = "CREATE TABLE movies_copy (id int PRIMARY KEY, title text NOT NULL, year int, rating numeric(3, 1))";
    client
        .batch_execute("CREATE TABLE movies (id int PRIMARY KEY, title text NOT NULL, year int, rating numeric(3, 1))")
        .unwrap();
    client.batch_execute(tables).unwrap();
    bench.make_database("other");
    bench.client("other").batch_execute(tables).unwrap();
    let mut install = bench.pgfeed(&["-q", "install-trigger", "movies", "--queue", "movies"]);
    assert!(install.output().unwrap().status.success());
    for (what, database) in [("the same database", "postgres"), ("another database", "other")] {
        let to = bench.table_url(database, "movies_copy");
        let mut inserts = Vec::new();
        let mut updates = Vec::new();
        for _ in 0..RUNS {
            client.batch_execute("TRUNCATE movies; TRUNCATE pgfeed.queue_movies").unwrap();
            bench.client(database).batch_execute("TRUNCATE movies_copy").unwrap();
            let fill = format!(
                "INSERT INTO movies SELECT n, 'movie ' || n, 1900 + n % 120, n % 100 / 10.0 FROM generate_series(1, {EVENTS}) n"
            );
            client.batch_execute(&fill).unwrap();
            inserts.push(bench.drain("movies", EVENTS, &to));
            client.batch_execute("UPDATE movies SET rating = 9.9 - rating").unwrap();
            updates.push(bench.drain("movies", EVENTS, &to));
        }
        report(&format!("100,000 inserts; updates, into {what}"), "/s", &mut inserts, &mut updates, ">= 40k/s both");
        println!("{:<56} {:>10.0} /s", "  of these the slower", median(&mut inserts).min(median(&mut updates)));
    }
}
