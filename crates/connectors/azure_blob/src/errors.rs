//! From the service's answers to errors a person can act on: the body first, then the status.

use std::{fmt::Display, time::SystemTime};

use catchment_client::{ResponseHead, classify_status};
use catchment_core::{Error, ErrorKind};
use catchment_object_store::xml::{Fault, cut, is_code};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{access::Access, xml};

/// The service refuses what is signed further off than this.
const SKEW: TimeDelta = TimeDelta::minutes(15);

/// The code of answers to a wrong or lapsed credential that name no finer one.
const REFUSED: &str = "AuthenticationFailed";

/// Looks at every buffered answer, the successful ones too: a list can break off in the middle.
pub(crate) fn classify(access: &Access, head: &ResponseHead, body: &[u8]) -> Option<Error> {
    if head.status.is_success() && xml::is_cut_list(body) {
        return Some(cut());
    }
    // HEAD has no body; and behind some proxies the header is all that is left.
    let in_header = || of_header(head.header("x-ms-error-code").filter(|_| !head.status.is_success())?);
    let fault = xml::fault(body).or_else(in_header)?;
    let time = head.header("date").and_then(xml::http_date);
    let error = of_fault(access, &fault, time)
        .or_else(|| classify_status(head))
        .unwrap_or_else(|| Error::protocol("the service answers a success with an error"));
    Some(error.with("code", &fault.code))
}

fn of_header(code: &str) -> Option<Fault> {
    is_code(code).then(|| Fault { code: code.to_owned(), detail: None })
}

/// What a code means, at the service's time; `None` leaves it to the status.
fn of_fault(access: &Access, fault: &Fault, time: Option<DateTime<Utc>>) -> Option<Error> {
    let code = fault.code.as_str();
    Some(match code {
        "AuthenticationFailed"
        | "AuthorizationFailure"
        | "InvalidAuthenticationInfo"
        | "NoAuthenticationInformation" => refused(access, code, time),
        "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions" => not_permitted(access),
        "AuthorizationResourceTypeMismatch" | "AuthorizationServiceMismatch" => forbidden(
            "sas_token",
            "the signature is not for the blob service, its containers and its objects: make one with ss=b and srt=co",
        ),
        "AuthorizationProtocolMismatch" => {
            forbidden("url", "the signature is good over https:// only: give such an address")
        }
        "AuthorizationSourceIPMismatch" => {
            forbidden("sas_token", "the signature is not good for this machine's address: make one without sip")
        }
        "KeyBasedAuthenticationNotPermitted" => forbidden(
            access.field(),
            "the account lets nobody in with keys: use tenant_id, client_id and client_secret",
        ),
        "PublicAccessNotPermitted" => forbidden("anonymous", "the account has no public containers: give a credential"),
        "AccountIsDisabled" => forbidden("account_name", "the account is switched off: look at it in the portal"),
        "ContainerNotFound" | "ContainerDisabled" | "ContainerBeingDeleted" => {
            Error::config("folder_path", "there is no such container: correct the name, or the account")
        }
        "InvalidResourceName" => Error::config("folder_path", "not a name a container can have: correct it"),
        // An account that is not there; or something that whoever asks without a credential may not see.
        "ResourceNotFound" if matches!(access, Access::Anonymous) => {
            forbidden("anonymous", "nothing public is here: give a credential, or correct account and container")
        }
        "ResourceNotFound" => Error::config("account_name", "there is no such account: correct the name, or url"),
        "BlobNotFound" | "BlobBeingDeleted" | "PathNotFound" => {
            Error::new(ErrorKind::NotFound, "not found: check the path, it may have been moved or deleted")
        }
        "ConditionNotMet" | "LeaseIdMissing" | "LeaseLost" => {
            Error::new(ErrorKind::Conflict, "the blob has changed since it was listed: list it again, then read it")
        }
        "BlobArchived" => Error::new(
            ErrorKind::Unreadable,
            "archived: change its access tier to hot, cool or cold, which takes hours, then import again",
        ),
        "BlobBeingRehydrated" => {
            Error::new(ErrorKind::Unreadable, "on its way out of the archive: import again when that is done")
        }
        "BlobUsesCustomerSpecifiedEncryption" => Error::new(
            ErrorKind::Unreadable,
            "encrypted with a key that the account does not keep: copy it without one",
        ),
        "InvalidQueryParameterValue" | "OutOfRangeQueryParameterValue" | "OutOfRangeInput"
            if fault.detail.as_deref() == Some("marker") =>
        {
            Error::new(
                ErrorKind::CursorExpired,
                "the place in the list is not known any more: list again from the start",
            )
        }
        // No blob can be called so.
        "OutOfRangeInput" | "InvalidUri" => Error::new(
            ErrorKind::NotFound,
            "not found: no blob can have this name, it is too long or holds what none may",
        ),
        "ServerBusy" | "TooManyRequests" => {
            Error::new(ErrorKind::RateLimited, "the service asks for fewer calls: wait and try again")
        }
        "InternalError" | "OperationTimedOut" => {
            Error::new(ErrorKind::Unavailable, "the service is not available at the moment: try again later")
        }
        _ => return None,
    })
}

/// Who asks was not accepted. The service says little about why, so what can be found out here is.
fn refused(access: &Access, code: &str, there: Option<DateTime<Utc>>) -> Error {
    if let (Some(there), false) = (there, matches!(access, Access::Anonymous | Access::Entra(_)))
        && let Some(error) = wrong_clock(there, SystemTime::now().into())
    {
        return error;
    }
    let now = there.unwrap_or_else(|| SystemTime::now().into());
    match access {
        Access::Key(_) if code == REFUSED => {
            unauthenticated(access, "this key does not belong to the account: paste it again, or take the other one")
        }
        Access::Key(_) => unauthenticated(
            access,
            "the account refuses this key, or this machine: paste the key again, and see which networks may reach the \
             account",
        ),
        Access::Sas(sas) => {
            if sas.expires().is_some_and(|end| end <= now) {
                let error = unauthenticated(access, "the signature has lapsed: make a new one");
                return error.with("lapsed", sas.expiry_text().unwrap_or_default());
            }
            if sas.starts().is_some_and(|start| start > now) {
                return unauthenticated(access, "the signature is not good yet: wait, or make one that begins earlier");
            }
            if code != REFUSED && (sas.lacking().is_some() || sas.is_too_narrow()) {
                return not_permitted(access);
            }
            unauthenticated(
                access,
                "the signature is not accepted: paste it again, or make a new one; it ends with the key it was made with",
            )
        }
        Access::Entra(_) if code == "AuthorizationFailure" => forbidden(
            "url",
            "the account does not let this machine in: see which networks may reach it, under Networking in the portal",
        ),
        Access::Entra(_) => unauthenticated(
            access,
            "the account does not accept the directory's token: check that tenant_id is the account's own directory",
        ),
        Access::Anonymous => forbidden("anonymous", "this is not public: give a credential"),
    }
}

fn not_permitted(access: &Access) -> Error {
    match access {
        Access::Sas(sas) => {
            let error = forbidden("sas_token", "the signature lacks a permission: make one with read and list");
            match sas.lacking() {
                Some(lacking) => error.with("lacks", lacking),
                None => error,
            }
        }
        Access::Entra(_) => forbidden(
            "client_id",
            "the app may not read the blobs: give it the role Storage Blob Data Reader on the container or the account \
             (Reader and Owner are not enough), and wait some minutes",
        ),
        _ => forbidden(access.field(), "the credential may not do this: grant read and list"),
    }
}

fn wrong_clock(there: DateTime<Utc>, here: DateTime<Utc>) -> Option<Error> {
    ((there - here).abs() > SKEW).then(|| {
        let remedy = "the clock of this machine is wrong: set it, the service refuses what is signed more than 15 \
                      minutes off";
        Error::config("clock", remedy).with("service's time", there)
    })
}

fn unauthenticated(access: &Access, message: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, message).with("field", access.field())
}

fn forbidden(field: impl Display, message: &'static str) -> Error {
    Error::new(ErrorKind::Forbidden, message).with("field", field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sas::Sas;

    fn sas(text: &str) -> Access {
        Access::Sas(Sas::parse(&text.into()).unwrap())
    }

    fn told(access: &Access, code: &str, time: DateTime<Utc>) -> Error {
        let fault = Fault { code: code.to_owned(), detail: None };
        of_fault(access, &fault, Some(time)).expect("a known code")
    }

    #[test]
    fn a_signature_that_lapsed_is_told_by_its_own_end() {
        let now = Utc::now();
        let lapsed = told(&sas("se=2020-01-01T00:00:00Z&sp=rl&sig=x"), REFUSED, now);
        assert_eq!((lapsed.kind(), lapsed.get("lapsed")), (ErrorKind::Unauthenticated, Some("2020-01-01T00:00:00Z")));
        let early = told(&sas("st=2999-01-01&sp=rl&sig=x"), REFUSED, now);
        assert!(early.to_string().contains("not good yet"), "{early}");
        let wrong = told(&sas("se=2999-01-01&sp=rl&sig=x"), REFUSED, now);
        assert!(wrong.to_string().contains("paste it again") && wrong.get("lapsed").is_none(), "{wrong}");
    }

    #[test]
    fn a_signature_says_which_permission_it_lacks() {
        let error = told(&sas("se=2999-01-01&sp=r&sig=x"), "AuthorizationPermissionMismatch", Utc::now());
        assert_eq!((error.kind(), error.get("lacks")), (ErrorKind::Forbidden, Some("list")));
    }

    #[test]
    fn a_clock_that_is_off_by_an_hour_is_named() {
        for hours in [-1, 1] {
            let there = Utc::now() + TimeDelta::hours(hours);
            let error = told(&sas("se=2999-01-01&sp=rl&sig=x"), REFUSED, there);
            assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("clock")), "{error}");
        }
    }

    #[test]
    fn a_header_that_is_a_sentence_is_no_code() {
        assert_eq!(of_header("BlobArchived").map(|fault| fault.code).as_deref(), Some("BlobArchived"));
        assert_eq!(of_header("hunter2 is here"), None);
    }

    #[test]
    fn a_place_in_the_list_that_is_not_known_means_list_again() {
        let fault = |parameter: &str| Fault {
            code: "InvalidQueryParameterValue".to_owned(),
            detail: Some(parameter.to_owned()),
        };
        let error = of_fault(&Access::Anonymous, &fault("marker"), None).expect("known");
        assert_eq!(error.kind(), ErrorKind::CursorExpired);
        assert!(of_fault(&Access::Anonymous, &fault("prefix"), None).is_none());
    }
}
