//! Queries that need no named statement: one round trip, and they work where every transaction may have another session.

use jiff::Timestamp;
use postgres::types::{ToSql, Type};
use postgres::{Error, GenericClient, Row};

use super::{Pooling, statements};

/// A parameter that knows its type, so that the server need not be asked for it first.
pub trait Value: ToSql + Sync {
    /// The type as which it is sent.
    fn sql_type(&self) -> Type;
    /// The same without the type.
    fn plain(&self) -> &(dyn ToSql + Sync);
}

macro_rules! values {
    ($($rust:ty => $sql:ident),* $(,)?) => {$(
        impl Value for $rust {
            fn sql_type(&self) -> Type {
                Type::$sql
            }

            fn plain(&self) -> &(dyn ToSql + Sync) {
                self
            }
        }
    )*};
}

values! {
    bool => BOOL, i32 => INT4, i64 => INT8, u32 => OID, f64 => FLOAT8, &str => TEXT, String => TEXT,
    &String => TEXT, Vec<bool> => BOOL_ARRAY, Vec<i32> => INT4_ARRAY, Vec<i64> => INT8_ARRAY, &[i64] => INT8_ARRAY,
    Vec<Option<f64>> => FLOAT8_ARRAY, Vec<&str> => TEXT_ARRAY, Vec<String> => TEXT_ARRAY, &[String] => TEXT_ARRAY,
    Vec<Option<&str>> => TEXT_ARRAY, Vec<Timestamp> => TIMESTAMPTZ_ARRAY,
}

/// All rows.
pub fn rows(client: &mut impl GenericClient, query: &str, values: &[&dyn Value]) -> Result<Vec<Row>, Error> {
    statements::note(query);
    client.query_typed(query, &typed(values))
}

/// The only row.
pub fn row(client: &mut impl GenericClient, query: &str, values: &[&dyn Value]) -> Result<Row, Error> {
    statements::note(query);
    client.query_typed_one(query, &typed(values))
}

/// The only row, or none.
pub fn maybe_row(client: &mut impl GenericClient, query: &str, values: &[&dyn Value]) -> Result<Option<Row>, Error> {
    statements::note(query);
    client.query_typed_opt(query, &typed(values))
}

/// Executes, and counts the rows.
pub fn execute(client: &mut impl GenericClient, query: &str, values: &[&dyn Value]) -> Result<u64, Error> {
    statements::note(query);
    client.execute_typed(query, &typed(values))
}

/// A query that is asked often.
#[derive(Clone)]
pub enum Question {
    /// Prepared in the session, which must be the one that is asked.
    Prepared(postgres::Statement),
    /// Sent anew each time.
    Text(String),
}

impl Question {
    /// Gets a query ready, in a session that is ours or is not.
    ///
    /// # Errors
    /// What the server says.
    pub fn ready(client: &mut impl GenericClient, pooling: Pooling, query: &str) -> Result<Self, Error> {
        Ok(match pooling {
            Pooling::None => Self::Prepared(client.prepare(query)?),
            Pooling::Transaction => Self::Text(query.to_owned()),
        })
    }

    /// All rows.
    pub fn rows(&self, client: &mut impl GenericClient, values: &[&dyn Value]) -> Result<Vec<Row>, Error> {
        match self {
            Self::Prepared(statement) => client.query(statement, &plain(values)),
            Self::Text(query) => rows(client, query, values),
        }
    }

    /// The only row.
    pub fn row(&self, client: &mut impl GenericClient, values: &[&dyn Value]) -> Result<Row, Error> {
        match self {
            Self::Prepared(statement) => client.query_one(statement, &plain(values)),
            Self::Text(query) => row(client, query, values),
        }
    }

    /// Executes, and counts the rows.
    pub fn execute(&self, client: &mut impl GenericClient, values: &[&dyn Value]) -> Result<u64, Error> {
        match self {
            Self::Prepared(statement) => client.execute(statement, &plain(values)),
            Self::Text(query) => execute(client, query, values),
        }
    }
}

fn typed<'a>(values: &[&'a dyn Value]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value.plain(), value.sql_type())).collect()
}

fn plain<'a>(values: &[&'a dyn Value]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value.plain()).collect()
}
