//! Every page was looked at: the list of pages is the router's own, so that a new page is looked at from its first day or named here.

use axum::http::Method;
use clarion_edge::portal_doors;

/// GETs that are no pages of this walk, each with why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("/account/activity.csv", "a file"),
    ("/assets/{name}", "what pages look like"),
    ("/campaigns/prompts/{prompt}", "a sound"),
    ("/campaigns/{campaign}/call-me", "a part of a page"),
    ("/campaigns/{campaign}/dry-run", "a part of a page"),
    ("/campaigns/{campaign}/live", "a stream"),
    ("/campaigns/{campaign}/recipients.csv", "a file"),
    ("/compliance/suppressions.csv", "a file"),
    ("/imports/{import}/progress", "a part of a page"),
    ("/imports/{import}/rejects.csv", "a file"),
    ("/recordings/{recording}", "a sound"),
    ("/reports.csv", "a file"),
    ("/reports.xlsx", "a file"),
    ("/approvals/{approval}", "looked at by tests/people.rs, which has a second person"),
    ("/sign-in/code", "looked at below, where there is a second factor"),
    ("/sign-in/sso", "looked at below, where an organisation has a provider"),
    ("/sign-in/sso/{organisation}", "leads to the provider"),
    ("/sign-in/sso/{organisation}/callback", "comes from the provider, tests/single_sign_on.rs"),
    ("/sign-in/sso/{organisation}/signed-out", "looked at below, where an organisation has a provider"),
];

/// How many parts of a path a door names itself; `None` when it is another's.
fn fits(door: &str, path: &str) -> Option<usize> {
    let (door, path): (Vec<&str>, Vec<&str>) = (door.split('/').collect(), path.split('/').collect());
    let all = door.len() == path.len() && door.iter().zip(&path).all(|(door, part)| door.starts_with('{') || door == part);
    all.then(|| door.iter().filter(|part| !part.starts_with('{')).count())
}

/// `looked` are the paths that were looked at.
pub fn assert_all_looked_at(looked: &[String]) {
    let doors: Vec<&str> = portal_doors().iter().filter(|door| door.method == Method::GET).map(|door| door.path).collect();
    let door_of = |path: &String| doors.iter().filter_map(|door| fits(door, path).map(|named| (named, *door))).max().map(|(_, door)| door);
    let seen: std::collections::BTreeSet<&str> = looked.iter().filter_map(door_of).collect();
    let missing: Vec<&&str> = doors.iter().filter(|door| !seen.contains(*door) && LEFT_OUT.iter().all(|(left, _)| left != *door)).collect();
    assert!(missing.is_empty(), "nobody looked at {missing:#?}");
    let idle: Vec<&str> = LEFT_OUT.iter().map(|(door, _)| *door).filter(|door| seen.contains(door) || !doors.contains(door)).collect();
    assert!(idle.is_empty(), "named as left out, and looked at or no longer there: {idle:?}");
}
