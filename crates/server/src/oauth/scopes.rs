//! Scopes: what was asked for, held against what was granted.

/// What was asked for and not granted. A vendor that says nothing has granted what was asked for.
///
/// Vendors write scopes back in other words than they take: Google spells out `email` as
/// `https://www.googleapis.com/auth/userinfo.email`, Microsoft puts its address before `Files.Read`
/// and neither repeats those that are no rights of their own.
pub(crate) fn missing<S: AsRef<str>>(asked: &[S], granted: &[String]) -> Vec<String> {
    const NO_RIGHTS: [&str; 3] = ["offline_access", "offline", "openid"];
    if granted.is_empty() {
        return Vec::new();
    }
    let lacks = |scope: &&str| !NO_RIGHTS.contains(scope) && !granted.iter().any(|granted| covers(granted, scope));
    asked.iter().map(AsRef::as_ref).filter(lacks).map(str::to_owned).collect()
}

fn covers(granted: &str, asked: &str) -> bool {
    let tail = |of: &str, by: &str| {
        let before = of.len().checked_sub(by.len()).filter(|at| of.is_char_boundary(*at));
        before.is_some_and(|at| {
            of[at..].eq_ignore_ascii_case(by) && (at == 0 || matches!(of.as_bytes()[at - 1], b'/' | b'.'))
        })
    };
    tail(granted, asked) || tail(asked, granted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(asked: &[&str], granted: &[&str]) -> Vec<String> {
        missing(asked, &granted.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_scope_that_was_unticked_is_missing() {
        assert_eq!(lacks(&["files.read", "mail.read"], &["files.read"]), ["mail.read"]);
        assert_eq!(lacks(&["repo"], &["public_repo"]), ["repo"]);
    }

    #[test]
    fn a_scope_in_the_vendors_other_spelling_is_there() {
        let google = "https://www.googleapis.com/auth/userinfo.email";
        assert!(lacks(&["openid", "email"], &[google]).is_empty());
        assert!(lacks(&["Files.Read", "offline_access"], &["https://graph.microsoft.com/files.read"]).is_empty());
        assert!(lacks(&["https://graph.microsoft.com/Files.Read"], &["Files.Read"]).is_empty());
    }

    #[test]
    fn a_vendor_that_says_nothing_has_granted_what_was_asked_for() {
        assert!(lacks(&["a"], &[]).is_empty());
    }
}
