//! Servers, keys and collections that are not as they should be.

use catchment_core::{ErrorKind, Secret};
use catchment_qdrant::double::Fault;
use futures::future::try_join_all;
use tonic::Code;

use super::*;

#[tokio::test]
async fn nobody_at_the_address_is_said() {
    let double = start().await;
    let options = hasty(&double);
    drop(double);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = Options { url: format!("http://{free}"), ..options };
    let error = QdrantBackend::connect(gone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("address"), "{error}");
}

#[tokio::test]
async fn tls_to_a_port_without_it_fails() {
    let double = start().await;
    let options = Options { url: double.url().replace("http:", "https:"), ..hasty(&double) };
    let error = QdrantBackend::connect(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn a_refused_key_is_said_and_not_shown() {
    let traits = Traits { api_key: Some("the-right-key".into()), ..Traits::default() };
    let double = Double::start(traits).await.unwrap();
    let with = |key: Option<&str>| Options { api_key: key.map(Secret::new), ..hasty(&double) };
    for key in [None, Some("a-wrong-key")] {
        let error = QdrantBackend::connect(with(key)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(!format!("{error:?}").contains("a-wrong-key"));
    }
    let backend = QdrantBackend::connect(with(Some("the-right-key"))).await.unwrap();
    assert!(!format!("{backend:?}").contains("the-right-key"));
    backend.open_space(&space("letters")).await.unwrap();
    put(&backend, "new").await.unwrap();
    double.break_calls(0..usize::MAX, Fault::Refuse(Code::Internal));
    assert!(!format!("{:?}", put(&backend, "new").await.unwrap_err()).contains("the-right-key"));
}

#[tokio::test]
async fn a_server_without_conditional_writes_is_refused() {
    for (version, sound) in [("1.17.3", false), ("1.18.0", true), ("1.20.1-dev", true), ("2.0.0", true)] {
        let double = Double::start(Traits { version: version.into(), ..Traits::default() }).await.unwrap();
        let connected = QdrantBackend::connect(hasty(&double)).await;
        assert_eq!(connected.is_ok(), sound, "{version}");
        if let Err(error) = connected {
            assert_eq!((error.kind(), error.get("version")), (ErrorKind::Config, Some(version)));
        }
    }
}

mod shapes {
    use qdrant_client::{
        Qdrant,
        qdrant::{
            CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, DeleteFieldIndexCollectionBuilder, Distance,
            FieldType, VectorParamsBuilder,
        },
    };

    use super::*;

    fn raw(double: &Double) -> Qdrant {
        Qdrant::from_url(&double.url()).skip_compatibility_check().build().unwrap()
    }

    #[tokio::test]
    async fn a_collection_of_another_shape_is_refused_and_left_alone() {
        let double = start().await;
        let vectors = VectorParamsBuilder::new(4, Distance::Dot);
        let other = CreateCollectionBuilder::new("catchment").vectors_config(vectors);
        raw(&double).create_collection(other).await.unwrap();
        let error = QdrantBackend::connect(hasty(&double)).await.unwrap_err();
        assert_eq!((error.kind(), error.get("field")), (ErrorKind::Config, Some("collection")));
        let info = raw(&double).collection_info("catchment").await.unwrap().result.unwrap();
        assert!(info.payload_schema.is_empty());
    }

    #[tokio::test]
    async fn an_index_of_another_kind_is_refused() {
        let double = start().await;
        opened(&double).await;
        // The tenant's key without its mark.
        let plain = CreateFieldIndexCollectionBuilder::new("catchment", "organization", FieldType::Keyword);
        raw(&double).create_field_index(plain).await.unwrap();
        let error = QdrantBackend::connect(hasty(&double)).await.unwrap_err();
        assert_eq!(error.get("differs"), Some("organization"));
    }

    #[tokio::test]
    async fn indexes_that_are_missing_are_made() {
        let double = start().await;
        for broken in 0..16 {
            double.break_calls(broken..usize::MAX, Fault::Refuse(Code::Unavailable));
            let _ = QdrantBackend::connect(hasty(&double)).await;
            double.mend();
            let backend = opened(&double).await;
            put(&backend, "new").await.unwrap();
            assert_eq!(find(&backend, &space("letters")).await.len(), CHUNKS);
            raw(&double).delete_collection("catchment").await.unwrap();
        }
        let absent = DeleteFieldIndexCollectionBuilder::new("catchment", "user");
        assert!(raw(&double).delete_field_index(absent).await.is_err(), "the double says what it cannot do");
    }
}

#[tokio::test]
async fn two_servers_make_one_collection_at_once() {
    let double = start().await;
    let backends = try_join_all((0..6).map(|_| QdrantBackend::connect(hasty(&double)))).await.unwrap();
    try_join_all(backends.iter().map(|backend| async {
        backend.open_space(&space("letters")).await?;
        put(backend, "new").await
    }))
    .await
    .unwrap();
    assert_eq!(find(&backends[0], &space("letters")).await.len(), CHUNKS);
}
