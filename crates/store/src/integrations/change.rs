//! Changing, disconnecting and deleting integrations.

use catchment_core::{Error, ErrorKind, IntegrationId, Result};
use serde_json::{Value as Json, json};

use super::{Integration, IntegrationChange, Status, Success, canonical, no_integration, secrets::Sealed};
use crate::{
    audit,
    db::{Twice, Tx, values},
    scope::{Scoped, mine},
    time, tokens,
};

/// Rows that go in one transaction when an integration with much history is deleted: others
/// write in between.
const BATCH: u32 = 5_000;

const UPDATE: &str =
    "UPDATE integrations SET name = $2, description = $3, settings = $4, status = $5, revision = $6, errors = $7,
                             last_error = $8, updated_at = $9, changes = changes + 1,
                             next_check = CASE WHEN $5 = 'disconnected' THEN NULL ELSE coalesce(next_check, $9) END
     WHERE id = $1";

const SUCCEEDED: &str = concat!(
    "UPDATE integrations SET last_used = $4, last_sync = coalesce($5, last_sync), errors = 0, last_error = NULL,
                             status = CASE WHEN status = 'disconnected' THEN status ELSE 'active' END,
                             changes = changes + 1
     WHERE ",
    mine!(),
    " AND id = $3"
);

const FAILED: &str = concat!(
    "UPDATE integrations SET errors = errors + 1, last_error = $4,
                             status = CASE WHEN status = 'disconnected' THEN status
                                           WHEN status IN ('expired', 'revoked') AND $5 NOT IN ('expired', 'revoked')
                                           THEN status ELSE $5 END,
                             changes = changes + 1
     WHERE ",
    mine!(),
    " AND id = $3"
);

const CANCEL_QUEUED: &str = "UPDATE jobs SET state = 'cancelled', ended_at = $2, revision = revision + 1
     WHERE integration = $1 AND state = 'queued'";

const CANCEL_RUNNING: &str = "UPDATE jobs SET cancel_requested = true, revision = revision + 1
     WHERE integration = $1 AND state = 'running' AND NOT cancel_requested";

const DELETE_ENTRIES: &str = "DELETE FROM entries WHERE integration = $1
     AND entry IN (SELECT entry FROM entries WHERE integration = $1 LIMIT $2)";

const DELETE_JOB_FILES: &str = "DELETE FROM job_files WHERE (job, entry) IN
     (SELECT job_files.job, job_files.entry FROM jobs JOIN job_files ON job_files.job = jobs.id
      WHERE jobs.integration = $1 LIMIT $2)";

impl Scoped {
    /// Changes an integration: with `expect`, only if it still has this revision.
    ///
    /// One that is expired or revoked does not become active by a change, unless it signs in by its
    /// secrets and one of them is replaced: what was granted can only be granted again.
    ///
    /// # Errors
    /// `Conflict` when the revision is another one: the context pair `revision` says which.
    pub async fn update(
        &self,
        id: IntegrationId,
        expect: Option<i64>,
        mut change: IntegrationChange,
    ) -> Result<Integration> {
        let sealed = self.sealed_or_erased(id, std::mem::take(&mut change.secrets)).await?;
        let work = async || {
            let mut tx = self.write().await?;
            let before = self.to_change(&mut tx, id).await?;
            if expect.is_some_and(|expect| expect != before.revision) {
                return Err(changed_meanwhile(&before));
            }
            let after = self.changed(&mut tx, before, &change, &sealed).await?;
            tx.commit().await?;
            Ok(after)
        };
        // Where a revision is expected, a second time finds another one.
        self.store.db.retried(Twice::Harmful, work).await
    }

    /// Erases its secrets and tokens, forgets who is on the way to authorize it, cancels its jobs that wait and asks those that run to stop. Settings
    /// and history stay.
    pub async fn disconnect(&self, id: IntegrationId) -> Result<Integration> {
        let work = async || {
            let mut tx = self.write().await?;
            let before = self.to_change(&mut tx, id).await?;
            let after = self.disconnected(&mut tx, before).await?;
            self.note_change(&mut tx, &after, "integration.disconnect", &json!({})).await?;
            tx.commit().await?;
            Ok(after)
        };
        self.store.db.retried(Twice::Harmless, work).await
    }

    /// Deletes an integration and everything of it but the audit log. It is disconnected first;
    /// a long history then goes a few thousand rows at a time, so that others can write in
    /// between. If this is cut short, what is left can be deleted again.
    pub async fn delete(&self, id: IntegrationId) -> Result<()> {
        let disconnect = async || {
            let mut tx = self.write().await?;
            let before = self.to_change(&mut tx, id).await?;
            self.disconnected(&mut tx, before).await?;
            tx.commit().await
        };
        self.store.db.retried(Twice::Harmless, disconnect).await?;
        for history in [DELETE_ENTRIES, DELETE_JOB_FILES] {
            let batch = async || {
                let mut tx = self.write().await?;
                self.to_change(&mut tx, id).await?;
                let gone = tx.run(history, values![id, BATCH]).await?;
                tx.commit().await?;
                Ok(gone)
            };
            while self.store.db.retried(Twice::Harmless, batch).await? == u64::from(BATCH) {}
        }
        let work = async || {
            let mut tx = self.write().await?;
            let last = self.to_change(&mut tx, id).await?;
            let detail = json!({ "vendor": last.vendor, "name": last.name });
            self.note_change(&mut tx, &last, "integration.delete", &detail).await?;
            tx.run("DELETE FROM integrations WHERE id = $1", values![id]).await?;
            tx.commit().await
        };
        self.store.db.retried(Twice::Harmful, work).await
    }

    /// Notes that it works: what failed before is forgotten, and unless it was disconnected it is
    /// active.
    pub async fn succeeded(&self, id: IntegrationId, at: Success) -> Result<()> {
        let now = time::now();
        let synced = (at == Success::Synced).then_some(now);
        let [organization, user] = self.mine();
        let values = [organization, user, id.into(), now.into(), synced.into()];
        self.mark(id, SUCCEEDED, &values, Twice::Harmless).await
    }

    /// Notes that it failed, and how it stands now. What was disconnected stays so, and one whose
    /// credential has run out or was withdrawn is not in `Error` because it fails once more. No
    /// secrets in the message.
    pub async fn failed(&self, id: IntegrationId, status: Status, message: &str) -> Result<()> {
        let [organization, user] = self.mine();
        let values = [organization, user, id.into(), message.into(), status.as_str().into()];
        self.mark(id, FAILED, &values, Twice::Harmful).await
    }

    async fn mark(
        &self,
        id: IntegrationId,
        sql: &'static str,
        values: &[crate::db::Value<'_>],
        twice: Twice,
    ) -> Result<()> {
        let work = async || {
            let mut tx = self.write().await?;
            if tx.run(sql, values.iter().cloned()).await? == 0 {
                return Err(no_integration(id));
            }
            tx.commit().await
        };
        self.store.db.retried(twice, work).await
    }

    async fn changed(
        &self,
        tx: &mut Tx,
        before: Integration,
        change: &IntegrationChange,
        sealed: &[Sealed],
    ) -> Result<Integration> {
        let status = change.status.filter(|status| *status != Status::Active || may_work_again(&before, sealed));
        let (mut after, what) = self.applied(tx, &before, change, status, sealed).await?;
        if what.is_empty() && after == before {
            return Ok(before);
        }
        self.write_row(tx, &mut after).await?;
        self.note_change(tx, &after, "integration.update", &json!({ "changed": what })).await?;
        Ok(after)
    }

    /// The integration with a change and a status, of which the secrets are written already, and
    /// the names of what is different.
    pub(super) async fn applied(
        &self,
        tx: &mut Tx,
        before: &Integration,
        change: &IntegrationChange,
        status: Option<Status>,
        sealed: &[Sealed],
    ) -> Result<(Integration, Vec<String>)> {
        let mut after = before.clone();
        let mut what = Vec::new();
        if let Some(name) = change.name.as_ref().filter(|name| **name != before.name) {
            after.name.clone_from(name);
            what.push("name".to_owned());
        }
        if let Some(description) = change.description.as_ref().filter(|it| **it != before.description) {
            after.description.clone_from(description);
            what.push("description".to_owned());
        }
        if let Some(settings) = change.settings.as_ref().map(canonical).filter(|it| *it != before.settings) {
            after.settings = settings;
            what.push("settings".to_owned());
        }
        if let Some(status) = status.filter(|status| *status != before.status) {
            after.status = status;
            what.push("status".to_owned());
        }
        if status == Some(Status::Active) {
            (after.errors, after.last_error) = (0, None);
        }
        if !sealed.is_empty() {
            after.secret_fields = self.put(tx, before.id, sealed).await?;
            what.extend(sealed.iter().map(|sealed| sealed.field.clone()));
        }
        Ok((after, what))
    }

    async fn disconnected(&self, tx: &mut Tx, before: Integration) -> Result<Integration> {
        let id = before.id;
        tx.run("DELETE FROM secrets WHERE integration = $1", values![id]).await?;
        tokens::erase(tx, id).await?;
        tx.run("DELETE FROM authorizations WHERE integration = $1", values![id]).await?;
        let mut after =
            Integration { status: Status::Disconnected, errors: 0, last_error: None, grant: None, ..before };
        after.secret_fields = self.put(tx, id, &[]).await?;
        tx.run(CANCEL_QUEUED, values![id, time::now()]).await?;
        tx.run(CANCEL_RUNNING, values![id]).await?;
        self.write_row(tx, &mut after).await?;
        Ok(after)
    }

    /// Writes what a person can set, under the next revision.
    pub(super) async fn write_row(&self, tx: &mut Tx, after: &mut Integration) -> Result<()> {
        let now = time::now();
        (after.revision, after.updated_at) = (after.revision + 1, time::at(now));
        let description = after.description.as_deref();
        let values = values![
            after.id,
            &after.name,
            description,
            after.settings.to_string(),
            after.status.as_str(),
            after.revision,
            after.errors,
            after.last_error.as_deref(),
            now,
        ];
        tx.run(UPDATE, values).await.map(drop)
    }

    async fn note_change(&self, tx: &mut Tx, to: &Integration, action: &str, detail: &Json) -> Result<()> {
        audit::write(tx, &self.scope, Some(&to.tenant.user), action, Some(to.id), detail).await
    }
}

/// Whether something that was filled in can make it work.
fn may_work_again(before: &Integration, sealed: &[Sealed]) -> bool {
    !matches!(before.status, Status::Expired | Status::Revoked)
        || (before.grant.is_none() && sealed.iter().any(|sealed| sealed.sealed.is_some()))
}

fn changed_meanwhile(now: &Integration) -> Error {
    Error::new(ErrorKind::Conflict, "somebody else changed the integration: read it again, then repeat the change")
        .with("integration", now.id)
        .with("revision", now.revision)
}
