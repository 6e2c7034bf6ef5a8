//! The services that are compiled in. Each speaks HTTP through our transport, but for FTP and those that
//! are behind features.
//!
//! Which options are secret, name files of the host, or make OpenDAL look into the environment is
//! what its configurations do not say. A mark of lists is given where OpenDAL would take any answer
//! for an empty one.

use opendal::services::{
    Azdls, Azfile, B2, Cos, Ftp, Gcs, Koofr, Lakefs, Obs, Oss, Pcloud, Seafile, Swift, Tos, Upyun, VercelBlob, Webdav,
    Webhdfs, YandexDisk,
};

use crate::service::{Reach::*, Service};

/// In a list of the S3 family.
const BUCKET_LIST: &str = "ListBucketResult";

/// Without a name, OpenDAL does not sign in at all, and no server does anything for that.
const ANYBODY: &[(&str, &str)] = &[("user", "anonymous")];

pub(crate) const BUILT_IN: &[Service] = &[
    // Where its own credential does not do, OpenDAL asks Azure's machines for one.
    Service::of::<Azdls>("azdls", Http)
        .place("filesystem", "")
        .required(&["filesystem", "endpoint"])
        .secret(&["account_key", "sas_token", "client_secret"])
        .credential(&["account_key", "sas_token", "client_secret"])
        .list_mark("\"paths\""),
    Service::of::<Azfile>("azfile", Http)
        .place("share_name", "")
        .required(&["share_name", "endpoint"])
        .secret(&["account_key", "sas_token"])
        .credential(&["account_key", "sas_token"])
        .list_mark("EnumerationResults"),
    Service::of::<B2>("b2", Http)
        .looks_by_front()
        .place("bucket", "")
        .required(&["bucket", "bucket_id", "application_key_id", "application_key"])
        .secret(&["application_key"]),
    Service::of::<Cos>("cos", Http)
        .place("bucket", "")
        .required(&["bucket", "endpoint"])
        .secret(&["secret_id", "secret_key", "security_token"])
        .credential(&["secret_key"])
        .shared(&["disable_config_load"])
        .list_mark(BUCKET_LIST),
    // OpenDAL says where to start before it asks for a connection. Servers forget it over that, as they
    // may (RFC 3659, 5.3), and send the first bytes instead: rclone's does.
    Service::of::<Ftp>("ftp", Connections)
        .place("endpoint", "ftp://")
        .preset(ANYBODY)
        .required(&["endpoint"])
        .secret(&["password"])
        .from_start(),
    // OpenDAL's own name is `ftp`, with this in the endpoint.
    Service::of::<Ftp>("ftps", Connections)
        .place("endpoint", "ftps://")
        .preset(ANYBODY)
        .required(&["endpoint"])
        .secret(&["password"])
        .from_start(),
    Service::of::<Gcs>("gcs", Http)
        .place("bucket", "")
        .required(&["bucket"])
        .secret(&["credential", "token"])
        .local(&["service_account", "credential_path"])
        .shared(&["disable_config_load", "disable_vm_metadata"])
        .list_mark("storage#objects"),
    // Their libraries look for settings of the host.
    #[cfg(feature = "goosefs")]
    Service::of::<opendal::services::GooseFs>("goosefs", Host).place("master_addr", "").required(&["master_addr"]),
    #[cfg(feature = "hdfs-native")]
    Service::of::<opendal::services::HdfsNative>("hdfs-native", Host)
        .place("name_node", "hdfs://")
        .required(&["name_node"]),
    Service::of::<Koofr>("koofr", Http)
        .place("endpoint", "https://")
        .required(&["endpoint", "email", "password"])
        .secret(&["password"]),
    Service::of::<Lakefs>("lakefs", Http)
        .two_slashes()
        .place("endpoint", "https://")
        .required(&["endpoint", "repository", "username", "password"])
        .secret(&["password"]),
    Service::of::<Obs>("obs", Http)
        .bare_lists()
        .place("bucket", "")
        .required(&["bucket", "endpoint"])
        .secret(&["secret_access_key"])
        .credential(&["secret_access_key"])
        .list_mark(BUCKET_LIST),
    Service::of::<Oss>("oss", Http)
        .place("bucket", "")
        .required(&["bucket", "endpoint"])
        .secret(&["access_key_secret", "security_token"])
        .local(&["role_arn", "role_session_name", "oidc_provider_arn", "oidc_token_file", "sts_endpoint"])
        .credential(&["access_key_secret", "skip_signature"])
        .list_mark(BUCKET_LIST),
    Service::of::<Pcloud>("pcloud", Http)
        .place("endpoint", "https://")
        .required(&["endpoint", "username", "password"])
        .secret(&["password"]),
    Service::of::<Seafile>("seafile", Http)
        .place("endpoint", "https://")
        .required(&["endpoint", "repo_name", "username", "password"])
        .secret(&["password"]),
    Service::of::<Swift>("swift", Http)
        .sum_is_tag()
        .place("container", "")
        .required(&["container", "endpoint", "token"])
        .secret(&["token", "temp_url_key"]),
    Service::of::<Tos>("tos", Http)
        .place("bucket", "")
        .required(&["bucket", "endpoint"])
        .secret(&["secret_access_key", "security_token"])
        .credential(&["secret_access_key", "skip_signature"])
        .shared(&["disable_config_load"]),
    Service::of::<Upyun>("upyun", Http)
        .place("bucket", "")
        .required(&["bucket", "operator", "password"])
        .secret(&["password"]),
    Service::of::<VercelBlob>("vercel-blob", Http).required(&["token"]).secret(&["token"]),
    Service::of::<Webdav>("webdav", Http)
        .place("endpoint", "https://")
        .required(&["endpoint"])
        .secret(&["password", "token"])
        .list_mark("multistatus"),
    Service::of::<Webhdfs>("webhdfs", Http)
        .place("endpoint", "https://")
        .required(&["endpoint"])
        .secret(&["delegation"]),
    Service::of::<YandexDisk>("yandex-disk", Http).required(&["access_token"]).secret(&["access_token"]),
];
