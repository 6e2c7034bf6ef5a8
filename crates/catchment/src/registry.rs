//! The list of vendors in the stock binary.

use catchment_core::Registry;

/// Every connector there is.
pub(crate) fn registry() -> Registry {
    Registry::new()
        .with::<catchment_folder::Folder>()
        .with::<catchment_s3::S3>()
        .with::<catchment_azure_blob::AzureBlob>()
        .with::<catchment_sftp::Sftp>()
        .with::<catchment_github::Github>()
        .with::<catchment_telegram::Telegram>()
        .with::<catchment_dropbox::Dropbox>()
        .with::<catchment_google_drive::GoogleDrive>()
        .with::<catchment_opendal::OpenDal>()
        .with::<catchment_sharepoint::Sharepoint>()
        .with::<catchment_autodesk::Autodesk>()
}
