//! The description of the API, and two pages that show it. Nothing here needs another host.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use utoipa::openapi::OpenApi;

use crate::{
    floor::no_route,
    problem::{Problem, Result},
    state::App,
};

/// What the two pages may do: run our scripts, style themselves, and call this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

const SWAGGER: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Catchment API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/init.js"></script>
</body>
</html>
"#;

/// Without the validator's badge, which an outside host draws.
const SWAGGER_INIT: &str = r##"SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null, persistAuthorization: false,
});
"##;

const REDOC: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Catchment API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/redoc/redoc.css">
</head>
<body>
<div id="docs"></div>
<script src="/redoc/redoc.standalone.js"></script>
<script src="/redoc/init.js"></script>
</body>
</html>
"#;

const REDOC_CSS: &str = "body { margin: 0; }\n";

const REDOC_INIT: &str = r#"Redoc.init("/openapi.json", { hideDownloadButton: false }, document.getElementById("docs"));
"#;

const REDOC_SCRIPT: &[u8] = include_bytes!("../../assets/redoc/redoc.standalone.js");

/// The routes of the description.
pub(crate) fn router(api: &OpenApi) -> catchment_core::Result<Router<Arc<App>>> {
    let json = serde_json::to_vec(api)
        .map_err(|error| catchment_core::Error::internal("the routes cannot be described").source(error))?;
    let json = Bytes::from(json);
    Ok(Router::new()
        .route("/openapi.json", get(async move || file("application/json", json.clone())))
        .route("/docs", get(async || page(SWAGGER)))
        .route("/docs/{file}", get(swagger))
        .route("/redoc", get(async || page(REDOC)))
        .route("/redoc/{file}", get(redoc)))
}

async fn swagger(Path(name): Path<String>) -> Result<Response> {
    static CONFIG: LazyLock<Arc<utoipa_swagger_ui::Config<'static>>> = LazyLock::new(Arc::default);
    match name.as_str() {
        "init.js" => Ok(file("text/javascript", SWAGGER_INIT)),
        "swagger-ui.css" | "swagger-ui-bundle.js" => {
            let found = utoipa_swagger_ui::serve(&name, CONFIG.clone()).ok().flatten().ok_or_else(missing)?;
            let kind = if name.ends_with(".css") { "text/css" } else { "text/javascript" };
            Ok(file(kind, found.bytes.into_owned()))
        }
        _ => Err(no_route().await),
    }
}

async fn redoc(Path(name): Path<String>) -> Result<Response> {
    match name.as_str() {
        "init.js" => Ok(file("text/javascript", REDOC_INIT)),
        "redoc.css" => Ok(file("text/css", REDOC_CSS)),
        "redoc.standalone.js" => Ok(file("text/javascript", REDOC_SCRIPT)),
        _ => Err(no_route().await),
    }
}

fn missing() -> Problem {
    catchment_core::Error::internal("a file of Swagger UI is not in the binary").into()
}

fn page(html: &'static str) -> Response {
    let headers: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, html).into_response()
}

/// The same for everybody, so it may be kept for a while.
fn file(kind: &'static str, body: impl Into<Bytes>) -> Response {
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.to_owned() };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300".to_owned())];
    (headers, body.into()).into_response()
}
