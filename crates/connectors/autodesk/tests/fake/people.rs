//! Who may read, and who is in a role.

use catchment_core::Principal;
use serde_json::{Value, json};

use super::{
    Answer, Ask, PROJECT,
    state::{Account, folder_key},
};

pub(crate) fn person() -> Answer {
    let picture = "https://images.profile.autodesk.com/a/x120.jpg";
    Answer::json(
        200,
        &json!({ "sub": "A1", "name": "Ada", "email": "ada@example.com", "email_verified": true, "picture": picture }),
    )
}

/// Whom the folder, or one above it, was shared with; and, where that is wanted, a reader, one who may
/// only upload, one who was not confirmed, a role and a company.
pub(crate) fn permissions(account: &Account, project: &str, folder: &str) -> Answer {
    let Some(folder) = folder_key(folder).filter(|_| format!("b.{project}") == PROJECT) else {
        return Answer::gateway(404, "NOT_FOUND");
    };
    let subject = |kind: &str, id: &str, email: Value, status: &str, own: &[&str], inherited: &[&str]| {
        json!({
            "subjectId": id, "autodeskId": id, "name": id, "email": email, "userType": "PROJECT_MEMBER",
            "subjectStatus": status, "subjectType": kind, "actions": own, "inheritActions": inherited,
        })
    };
    let none = Value::Null;
    let mut subjects: Vec<_> = account
        .world
        .readers(folder)
        .iter()
        .filter_map(|reader| match reader {
            Principal::User(email) => {
                Some(subject("USER", "A9", json!(email), "ACTIVE", &[], &["VIEW", "COLLABORATE"]))
            }
            Principal::Group(id) => Some(subject("ROLE", id, none.clone(), "ACTIVE", &["VIEW"], &[])),
            Principal::Anyone | Principal::Domain(_) => None,
        })
        .collect();
    if account.staffed {
        subjects.extend([
            subject("USER", "A1", json!("Ada@Example.com"), "ACTIVE", &[], &["VIEW", "COLLABORATE"]),
            subject("USER", "A2", json!("upload@example.com"), "ACTIVE", &["PUBLISH"], &[]),
            subject("USER", "A3", json!("pending@example.com"), "PENDING", &["VIEW"], &[]),
            subject("ROLE", "7", none.clone(), "ACTIVE", &["VIEW", "DOWNLOAD"], &[]),
            subject("COMPANY", "c9", none, "ACTIVE", &["VIEW"], &[]),
        ]);
    }
    Answer::json(200, &subjects.into())
}

/// 250 users: each third has the role, and one of them is not active.
pub(crate) fn users(ask: &Ask, project: &str) -> Answer {
    if format!("b.{project}") != PROJECT || ask.header("region") != "EMEA" {
        return Answer::gateway(404, "NOT_FOUND");
    }
    let number = |name: &str| ask.query.get(name).and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
    let (limit, offset) = (number("limit"), number("offset"));
    let user = |at: usize| {
        let roles = if at.is_multiple_of(3) { vec!["7"] } else { Vec::new() };
        json!({
            "id": format!("u{at}"), "autodeskId": format!("A{at}"), "email": format!("User{at}@example.com"),
            "status": if at == 3 { "pending" } else { "active" }, "roleIds": roles,
            "companyId": if at == 1 { "c9" } else { "c1" },
            "accessLevels": { "accountAdmin": false, "projectAdmin": at == 2, "executive": false },
        })
    };
    let results: Vec<_> = (offset..(offset + limit).min(250)).map(user).collect();
    let pagination = json!({ "limit": limit, "offset": offset, "totalResults": 250 });
    Answer::json(200, &json!({ "pagination": pagination, "results": results }))
}
