//! The README's table of services against the services that there are.

use std::collections::BTreeSet;

use crate::service;

const README: &str = include_str!("../README.md");

/// The words between backticks; those in bold if `bold`.
fn words(cell: &str, bold: bool) -> BTreeSet<&str> {
    let mark = if bold { "**`" } else { "`" };
    cell.split(mark).skip(1).filter_map(|rest| rest.split('`').next()).step_by(if bold { 1 } else { 2 }).collect()
}

/// The rows of the table under a heading, as cells.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, part) = README.split_once(heading).expect(heading);
    let lines = part.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').skip(1).map(str::trim).collect())
        .collect()
}

fn tells_the_truth(row: &[&str], schemes: &mut BTreeSet<&'static str>) {
    for scheme in words(row[0], false) {
        let service = service::find(scheme).unwrap_or_else(|| panic!("the README promises {scheme}"));
        schemes.insert(service.scheme);
        let (plain, secret) = (words(row[2], false), words(row[3], false));
        let needed: BTreeSet<_> = words(row[2], true).union(&words(row[3], true)).copied().collect();
        assert_eq!(needed, service.required.iter().copied().collect(), "{scheme}: what is needed");
        assert_eq!(secret, service.secret.iter().copied().collect(), "{scheme}: what is secret");
        let known = service.known();
        for name in plain {
            assert!(known.iter().any(|known| known == name), "{scheme} has no option {name}");
        }
        assert_eq!(row[1].is_empty(), service.place.is_none(), "{scheme}: its place");
    }
}

#[test]
fn the_readme_tells_of_every_service_and_of_no_other() {
    let mut told = BTreeSet::new();
    for row in rows("## Services\n") {
        tells_the_truth(&row, &mut told);
    }
    for row in rows("### Behind features\n") {
        let feature = words(row[0], false);
        if feature.iter().all(|feature| service::find(feature).is_some()) {
            tells_the_truth(&row, &mut told);
        }
    }
    assert_eq!(told, service::schemes().into_iter().collect(), "the README's table and the services");
}
