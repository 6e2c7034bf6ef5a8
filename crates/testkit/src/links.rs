//! What a connector promises whose content comes by links that expire.

use crate::{
    fixture::Fixture,
    resume::{Cut, Part, large},
    verdict::{Verdict, ensure},
};

/// In the middle of a body: the link is made anew, and the rest of the same version comes by it.
pub async fn a_link_that_expired_is_made_anew<F: Fixture>(fixture: &F) -> Verdict {
    let (content, entry) = large(fixture).await?;
    let cut = Cut::new(fixture).await?;
    let expire = || {
        ensure!(fixture.expire_links(), "the source gives no links that expire: nothing was tried");
        Ok(())
    };
    let mut part = Part::default();
    part.read(cut.connector.need_download()?, &entry, expire).await?;
    part.is(&content)
}
