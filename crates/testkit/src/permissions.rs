//! What a connector with [`Permissions`](catchment_core::Permissions) promises. The fixture's
//! [`rules`](Fixture::rules) have to know permissions; a kind of grant that the vendor does not have is
//! excused with that reason.

use std::{collections::BTreeSet, sync::Arc};

use catchment_core::{Connector, ErrorKind, PageRequest, Permissions, Principal, Result};

use crate::{
    faults::Fault,
    fixture::{Connected, Fixture, listed},
    network::proxied,
    stage::Stage,
    verdict::{Verdict, ensure, must_fail},
    world::{Key, Op},
};

fn asked(connector: &dyn Connector) -> Verdict<&dyn Permissions> {
    connector.permissions().ok_or_else(|| "there are no permissions: leave `permissions` out".into())
}

fn ada() -> Principal {
    Principal::User("ada@example.com".to_owned())
}

/// A stage whose rules say that grants can be made there.
fn stage<F: Fixture>(fixture: &F) -> Verdict<Stage<'_, F>> {
    ensure!(fixture.rules().permissions, "the fixture's rules know no permissions: nothing was tried");
    Ok(Stage::new(fixture))
}

impl<F: Fixture> Stage<'_, F> {
    async fn share(&mut self, key: Key, with: &Principal) -> Verdict {
        self.apply(Op::Share { key, with: with.clone() }).await
    }

    fn at(&self, path: &str) -> Verdict<Key> {
        self.world.find(Key::ROOT, path).ok_or_else(|| format!("no {path}").into())
    }

    /// Who may read, but for those who always may.
    async fn readers(&self, path: &str) -> Verdict<BTreeSet<Principal>> {
        let connector: Arc<dyn Connector> = self.fixture.connector()?;
        let entry = listed(connector.need_browse()?, path).await?;
        let all = asked(connector.as_ref())?.grants(&entry).await?;
        let owners = self.fixture.owners();
        Ok(all.into_iter().filter(|reader| !owners.contains(reader)).collect())
    }

    async fn are(&self, path: &str, wanted: impl IntoIterator<Item = Principal>) -> Verdict {
        let wanted: BTreeSet<_> = wanted.into_iter().collect();
        let readers = self.readers(path).await?;
        ensure!(readers == wanted, "{path:?} may be read by {readers:?}, and should be by {wanted:?}");
        Ok(())
    }
}

/// Of one file.
pub async fn a_grant_of_its_own_is_told<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    let key = stage.put("file.txt", "x").await?;
    stage.are("file.txt", []).await?;
    stage.share(key, &ada()).await?;
    stage.are("file.txt", [ada()]).await
}

/// However far above.
pub async fn a_grant_from_above_is_told<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    stage.put("top/middle/below/file.txt", "x").await?;
    let anna = Principal::User("anna@example.com".to_owned());
    stage.share(stage.at("top")?, &ada()).await?;
    stage.share(stage.at("top/middle/below")?, &anna).await?;
    stage.are("top/middle", [ada()]).await?;
    stage.are("top/middle/below/file.txt", [ada(), anna]).await
}

/// Neither to what is next to it nor to what it is in.
pub async fn a_grant_reaches_no_further<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    stage.put("folder/closed.txt", "x").await?;
    stage.put("folder/inner/open.txt", "y").await?;
    stage.share(stage.at("folder/inner")?, &ada()).await?;
    stage.are("folder", []).await?;
    stage.are("folder/closed.txt", []).await
}

/// Where the chain is broken, what is above no longer counts.
pub async fn what_does_not_inherit_is_closed<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    stage.put("folder/private/file.txt", "x").await?;
    stage.put("folder/public.txt", "x").await?;
    stage.share(stage.at("folder")?, &ada()).await?;
    let key = stage.at("folder/private")?;
    stage.apply(Op::Inherit { key, inherits: false }).await?;
    stage.are("folder/public.txt", [ada()]).await?;
    stage.are("folder/private/file.txt", []).await
}

/// At once.
pub async fn a_grant_that_was_taken_back_is_gone<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    stage.put("folder/file.txt", "x").await?;
    let key = stage.at("folder")?;
    stage.share(key, &ada()).await?;
    stage.are("folder/file.txt", [ada()]).await?;
    stage.apply(Op::Unshare { key, with: ada() }).await?;
    stage.are("folder/file.txt", []).await
}

/// As the vendor knows it or not: comparing is exact.
pub async fn an_address_is_told_in_lower_case<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    stage.put("folder/file.txt", "x").await?;
    let mixed = Principal::User("Ada.Lovelace@Example.COM".to_owned());
    stage.share(stage.at("folder")?, &mixed).await?;
    stage.are("folder/file.txt", [Principal::User("ada.lovelace@example.com".to_owned())]).await
}

/// A group stays a group, and its members are told page by page, groups within it as groups.
pub async fn a_group_is_opened<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    let key = stage.put("file.txt", "x").await?;
    let mut wanted = BTreeSet::from([Principal::Group("inner".to_owned())]);
    wanted.extend((0..5).map(|number| Principal::User(format!("member-{number}@example.com"))));
    stage.apply(Op::Join { group: "inner".to_owned(), member: ada() }).await?;
    for member in wanted.iter().cloned() {
        stage.apply(Op::Join { group: "outer".to_owned(), member }).await?;
    }
    stage.share(key, &Principal::Group("outer".to_owned())).await?;
    stage.are("file.txt", [Principal::Group("outer".to_owned())]).await?;
    let connector = fixture.connector()?;
    let permissions = asked(connector.as_ref())?;
    let mut came = Vec::new();
    let mut request = PageRequest::first().limit(2);
    for turn in 0.. {
        ensure!(turn < 50, "the members of a group do not end");
        let page = permissions.members("outer", request.clone()).await?;
        ensure!(page.items.len() <= 2, "{} members on a page of at most 2", page.items.len());
        came.extend(page.items);
        match page.next {
            None => break,
            Some(next) => request.token = Some(next),
        }
    }
    let members: BTreeSet<_> = came.iter().cloned().collect();
    ensure!(members == wanted && came.len() == wanted.len(), "the group holds {came:?}, and should hold {wanted:?}");
    let error =
        must_fail(permissions.members("no such group", PageRequest::first()).await, "a group that is not there")?;
    ensure!(error.kind() == ErrorKind::NotFound, "a group that is not there is {}: {error}", error.kind());
    Ok(())
}

/// Neither its users one by one, nor everybody.
pub async fn a_domain_is_told_as_one<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    stage.put("folder/file.txt", "x").await?;
    let domain = Principal::Domain("example.com".to_owned());
    stage.share(stage.at("folder")?, &domain).await?;
    stage.are("folder/file.txt", [domain]).await
}

/// Not a person, and not nobody.
pub async fn everybody_is_told_as_anyone<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    stage.put("folder/file.txt", "x").await?;
    stage.share(stage.at("folder")?, &Principal::Anyone).await?;
    stage.are("folder/file.txt", [Principal::Anyone]).await
}

/// Nobody may read what nobody could ask about, and a short list is no list.
pub async fn a_refused_question_is_an_error<F: Fixture>(fixture: &F) -> Verdict {
    let mut stage = stage(fixture)?;
    let key = stage.put("file.txt", "x").await?;
    stage.share(key, &ada()).await?;
    let (proxy, connector) = proxied(fixture).await?;
    let entry = listed(connector.need_browse()?, "file.txt").await?;
    let permissions = asked(connector.as_ref())?;
    let before = proxy.seen().len();
    permissions.grants(&entry).await?;
    ensure!(proxy.seen().len() > before, "the question does not go through the proxy");
    let status = |status, body: &str| Fault::Status { status, retry_after: None, body: body.to_owned() };
    let refusals = [ErrorKind::Unauthenticated, ErrorKind::Forbidden];
    let troubles = [ErrorKind::Protocol, ErrorKind::Unavailable, ErrorKind::Timeout];
    for (fault, kinds) in [
        (status(401, ""), &refusals[..]),
        (status(403, "{}"), &refusals),
        (status(200, "<html><body>Sign in</body></html>"), &troubles),
        (Fault::CutBody(1), &troubles),
        (Fault::Close, &troubles),
    ] {
        let what = format!("a question answered with {fault:?}");
        proxy.set(fault);
        let answer: Result<BTreeSet<Principal>> = permissions.grants(&entry).await;
        let error = must_fail(answer, &what)?;
        ensure!(kinds.contains(&error.kind()), "{what} is {}: {error}", error.kind());
    }
    Ok(())
}
