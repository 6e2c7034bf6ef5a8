//! From the store's answers to errors a person can act on: the body first, then the status.

use catchment_client::{ResponseHead, classify_status};
use catchment_core::{Error, ErrorKind};
use catchment_object_store::xml::{Fault, cut};

use crate::{endpoint::is_region, xml};

/// The context under which an error names the region the bucket is in.
pub(crate) const REGION: &str = "bucket region";

/// Looks at every buffered answer, the successful ones too: under load a list can break off in
/// the middle, and a success can carry an error.
pub(crate) fn classify(head: &ResponseHead, body: &[u8]) -> Option<Error> {
    if head.status.is_success() {
        if xml::is_cut_list(body) {
            return Some(cut());
        }
        return xml::fault(body).map(|fault| of_fault(&fault, head));
    }
    let region = head.header("x-amz-bucket-region").map(str::to_owned);
    match xml::fault(body) {
        Some(fault) => Some(of_fault(&Fault { detail: fault.detail.or(region), ..fault }, head)),
        None if matches!(head.status.as_u16(), 301 | 307 | 400) && region.is_some() => {
            Some(wrong_region(region.as_deref()))
        }
        None => None,
    }
}

fn of_fault(fault: &Fault, head: &ResponseHead) -> Error {
    let code = fault.code.as_str();
    let (kind, field, message) = match code {
        "InvalidAccessKeyId" => (
            ErrorKind::Unauthenticated,
            "access_key_id",
            "the store does not know this access key id: correct it, or make a new key",
        ),
        "SignatureDoesNotMatch" => (
            ErrorKind::Unauthenticated,
            "secret_access_key",
            "this secret does not belong to the access key id: paste it again",
        ),
        "ExpiredToken" | "TokenRefreshRequired" => {
            (ErrorKind::Unauthenticated, "session_token", "the session has expired: get new temporary keys")
        }
        "InvalidToken" => (
            ErrorKind::Unauthenticated,
            "session_token",
            "the session token does not belong to these keys: paste all three again",
        ),
        "RequestTimeTooSkewed" => {
            let now = head.header("date").unwrap_or_default();
            return Error::config(
                "clock",
                "the clock of this machine is wrong: set it, the store refuses what is signed \
                more than 15 minutes off",
            )
            .with("store's time", now)
            .with("code", code);
        }
        "NoSuchBucket" => {
            (ErrorKind::Config, "bucket_name", "there is no such bucket: correct the name, or the region and url")
        }
        "InvalidBucketName" => (ErrorKind::Config, "bucket_name", "not a name a bucket can have: correct it"),
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            return wrong_region(fault.detail.as_deref()).with("code", code);
        }
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "Forbidden" => {
            return Error::new(
                ErrorKind::Forbidden,
                "the credential may not do this: grant s3:ListBucket on the bucket and \
                s3:GetObject on its objects (kms:Decrypt too, if they are encrypted with a key)",
            )
            .with("code", code);
        }
        "InvalidObjectState" => {
            return Error::new(ErrorKind::Unreadable, "archived: restore the object, then import again")
                .with("code", code);
        }
        "NoSuchKey" | "NoSuchVersion" => {
            return Error::new(ErrorKind::NotFound, "not found: check the path, it may have been moved or deleted")
                .with("code", code);
        }
        "PreconditionFailed" | "OperationAborted" | "ConditionalRequestConflict" => {
            return Error::new(
                ErrorKind::Conflict,
                "the object has changed since it was listed: list it again, then read it",
            )
            .with("code", code);
        }
        "SlowDown" | "RequestLimitExceeded" | "TooManyRequests" | "TooManyRequestsException" => return slow_down(code),
        _ if code.starts_with("Throttling") => return slow_down(code),
        "InternalError" | "ServiceUnavailable" | "RequestTimeout" | "BandwidthLimitExceeded" => {
            return Error::new(ErrorKind::Unavailable, "the store is not available at the moment: try again later")
                .with("code", code);
        }
        _ => {
            let other = classify_status(head);
            let other = other.unwrap_or_else(|| Error::protocol("the store answers a success with an error"));
            return other.with("code", code);
        }
    };
    Error::new(kind, message).with("field", field).with("code", code)
}

fn slow_down(code: &str) -> Error {
    Error::new(ErrorKind::RateLimited, "the store asks for fewer calls: wait and try again").with("code", code)
}

fn wrong_region(region: Option<&str>) -> Error {
    let error = Error::config("region", "the bucket is in another region: correct it");
    match region.filter(|region| is_region(region)) {
        Some(region) => error.with(REGION, region),
        None => error,
    }
}
