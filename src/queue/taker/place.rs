//! Where a row stands in its table: a `ctid`, which the driver has no type for.

use std::error::Error;

use bytes::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::connection::ask::Value;

/// A `tid` as the server sends it: block and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place([u8; 6]);

impl<'a> FromSql<'a> for Place {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TID
    }
}

impl ToSql for Place {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TID
    }

    to_sql_checked!();
}

impl Value for Vec<Place> {
    fn sql_type(&self) -> Type {
        Type::TID_ARRAY
    }

    fn plain(&self) -> &(dyn ToSql + Sync) {
        self
    }
}
