//! Organisations and projects: rows that are made when something of theirs comes.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::Store;
use super::error::StoreError;
use crate::model::owner::Owner;

impl Store {
    /// Returns the name of a project.
    pub fn project_name(&self, project: i64) -> Result<String, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT name FROM project WHERE id = ?1")?;
            Ok(query.query_row([project], |row| row.get(0))?)
        })
    }
}

/// Returns the rows of an organisation and its project; makes them when they are missing.
pub(super) fn make(tx: &Transaction<'_>, owner: &Owner) -> Result<(i64, i64), StoreError> {
    if let Some(found) = find(tx, owner)? {
        return Ok(found);
    }
    tx.execute("INSERT INTO organisation (name) VALUES (?1) ON CONFLICT DO NOTHING", [owner.organisation.as_str()])?;
    tx.execute(
        "INSERT INTO project (organisation_id, name) SELECT id, ?2 FROM organisation WHERE name = ?1",
        [owner.organisation.as_str(), owner.project.as_str()],
    )?;
    find(tx, owner)?.ok_or_else(|| StoreError::Damaged(format!("the project {owner} cannot be made")))
}

/// Returns the rows of an organisation and its project, if both are there.
pub(super) fn find(connection: &Connection, owner: &Owner) -> Result<Option<(i64, i64)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT organisation.id, project.id FROM project JOIN organisation ON organisation.id = organisation_id
         WHERE organisation.name = ?1 AND project.name = ?2",
    )?;
    let names = [owner.organisation.as_str(), owner.project.as_str()];
    Ok(query.query_row(names, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Returns the rows of the projects of this name, in the organisation of this name; of all where no name is given.
pub(super) fn projects(
    connection: &Connection,
    organisation: Option<&str>,
    project: Option<&str>,
) -> Result<Vec<i64>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT project.id FROM project JOIN organisation ON organisation.id = organisation_id
         WHERE (?1 IS NULL OR organisation.name = ?1) AND (?2 IS NULL OR project.name = ?2) ORDER BY project.id",
    )?;
    let rows = query.query_map(params![organisation, project], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
