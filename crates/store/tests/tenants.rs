//! Row-level security: what the server's own role sees of every table, without a `WHERE`.

mod support;

use std::collections::BTreeMap;

use catchment_core::{
    Entry, EntryResult, Following, Ledger, Speaker, Tenant,
    threads::{Message, Threads},
};
use catchment_store::{Connected, JobFile, NewAuthorization, Once, Store};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use support::{Place, job, new, tokens};

type Counts = BTreeMap<String, i64>;

/// Whose rows a connection asks for.
#[derive(Debug, Clone, Copy)]
enum As<'a> {
    Nobody,
    System,
    Organization(&'a str),
    User(&'a str, &'a str),
}

/// Rows in every table.
async fn populate(store: &Store, tenant: &Tenant) {
    let scoped = store.scoped(tenant);
    let id = scoped.create(new("Reports")).await.expect("made").id;
    let connected = Connected { tokens: Some(tokens("a")), ..Connected::default() };
    scoped.connected(id, connected).await.expect("connected");
    let authorization = NewAuthorization {
        state_hash: format!("{tenant:?}"),
        vendor: "s3".into(),
        integration: None,
        draft: "planted-draft".into(),
        expires_at: chrono::Utc::now() + chrono::TimeDelta::minutes(10),
    };
    scoped.begin_authorization(authorization).await.expect("begun");
    let run = scoped.begin(id, &[]).await.expect("begun");
    let entry = Entry::file("a", "a");
    scoped.take_feed(&run).await.expect("taken");
    scoped.seen(&run, &[entry.clone(), Entry::container("b", "b")]).await.expect("seen");
    let result = EntryResult::Ingested { content_hash: "h".into(), chunks: 1, portfolio: None };
    scoped.record(&run, &[(entry, result)]).await.expect("recorded");
    let thread = Threads::create(&scoped, tenant).await.expect("opened");
    let text = Message { speaker: Speaker::User, text: "x".into(), citations: Value::Null, at: chrono::Utc::now() };
    scoped.append(tenant, &thread, &[text]).await.expect("appended");
    scoped.submit(job(Some(id), json!({}))).await.expect("submitted");
    let claim = store.claim("w", std::time::Duration::from_secs(60)).await.expect("claimed").expect("a job");
    assert_eq!(&claim.job.tenant, tenant);
    let file = JobFile {
        number: 0,
        entry: "a".into(),
        path: "a".into(),
        status: "ingested".into(),
        chunks: 1,
        bytes: 1,
        error: None,
    };
    store.record_files(&claim, &[file]).await.expect("recorded");
    let Once::First(guard) = scoped.once("key", "hash").await.expect("asked") else { panic!("the key is free") };
    let answer = catchment_store::StoredAnswer { status: 200, headers: Vec::new(), body: b"x".to_vec() };
    scoped.answer(guard, &answer).await.expect("kept");
}

async fn scope(connection: &mut PgConnection, who: As<'_>) {
    let (system, organization, user) = match who {
        As::Nobody => return,
        As::System => ("on", "", ""),
        As::Organization(organization) => ("", organization, ""),
        As::User(organization, user) => ("", organization, user),
    };
    for (name, value) in [("system", system), ("organization", organization), ("user", user)] {
        sqlx::query("SELECT set_config('catchment.' || $1, $2, true)")
            .bind(name)
            .bind(value)
            .execute(&mut *connection)
            .await
            .expect("set");
    }
}

/// Every table there is, a new one, too.
async fn tables(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relkind IN ('r', 'p', 'm', 'f') AND relnamespace = current_schema()::regnamespace ORDER BY relname",
    )
    .fetch_all(connection)
    .await
    .expect("listed")
}

async fn counts(connection: &mut PgConnection, who: As<'_>) -> Counts {
    let tables = tables(connection).await;
    let mut tx = connection.begin().await.expect("begun");
    scope(&mut tx, who).await;
    let mut counts = Counts::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        counts.insert(table, sqlx::query(sql).fetch_one(&mut *tx).await.expect("counted").get(0));
    }
    counts
}

#[tokio::test]
async fn a_tenant_sees_their_rows_of_every_table_and_no_others() {
    let subject = support::postgres().await;
    let Place::Server(database) = &subject.place else { panic!("a server") };
    let mut connection = PgConnection::connect(&database.url).await.expect("as the server's own role");

    let (ann, bob, eve) = (Tenant::new("acme", "ann"), Tenant::new("acme", "bob"), Tenant::new("other", "ann"));
    populate(&subject.store, &ann).await;
    let hers = counts(&mut connection, As::User("acme", "ann")).await;
    for (table, rows) in &hers {
        assert_eq!(*rows > 0, table != "store_migrations", "{table}: {rows} rows");
    }
    populate(&subject.store, &bob).await;
    populate(&subject.store, &eve).await;

    for who in [As::User("acme", "ann"), As::User("acme", "bob"), As::User("other", "ann"), As::Organization("other")] {
        assert_eq!(counts(&mut connection, who).await, hers, "{who:?}");
    }
    let times = |times: i64| hers.iter().map(|(table, rows)| (table.clone(), rows * times)).collect::<Counts>();
    assert_eq!(counts(&mut connection, As::Organization("acme")).await, times(2), "an administrator");
    let mut everything = times(3);
    everything.insert("store_migrations".into(), 2);
    assert_eq!(counts(&mut connection, As::System).await, everything);
    let nothing = times(0);
    for who in [As::Nobody, As::Organization(""), As::Organization("acm"), As::User("", "ann"), As::User("acme", "eve")]
    {
        assert_eq!(counts(&mut connection, who).await, nothing, "{who:?}");
    }
    // The scope of a transaction ends with it, also on a connection that had one.
    assert_eq!(counts(&mut connection, As::Nobody).await, nothing);
}

#[tokio::test]
async fn nothing_can_be_written_for_another_tenant() {
    let subject = support::postgres().await;
    let Place::Server(database) = &subject.place else { panic!("a server") };
    let mut connection = PgConnection::connect(&database.url).await.expect("as the server's own role");
    let (ann, bob) = (Tenant::new("acme", "ann"), Tenant::new("acme", "bob"));
    populate(&subject.store, &ann).await;
    populate(&subject.store, &bob).await;
    let hers = counts(&mut connection, As::User("acme", "ann")).await;

    for table in tables(&mut connection).await {
        let mut tx = connection.begin().await.expect("begun");
        scope(&mut tx, As::System).await;
        scope(&mut tx, if table == "store_migrations" { As::System } else { As::User("acme", "bob") }).await;
        let row = AssertSqlSafe(format!("SELECT to_jsonb({table})::text FROM {table} LIMIT 1"));
        let row: String = sqlx::query_scalar(row).fetch_one(&mut *tx).await.expect("his row");
        tx.rollback().await.expect("rolled back");

        for who in [As::User("acme", "ann"), As::Organization("other"), As::Nobody] {
            let mut tx = connection.begin().await.expect("begun");
            scope(&mut tx, who).await;
            let insert = format!("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)");
            let refused = sqlx::query(AssertSqlSafe(insert)).bind(&row).execute(&mut *tx).await.expect_err("his");
            let code = refused.as_database_error().and_then(|error| error.code());
            assert_eq!(code.as_deref(), Some("42501"), "{table} as {who:?}: {refused}");
        }
        let mut tx = connection.begin().await.expect("begun");
        scope(&mut tx, As::User("acme", "ann")).await;
        let delete = sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *tx).await.expect("hers");
        assert_eq!(delete.rows_affected().cast_signed(), hers[&table], "{table}");
    }
}
