//! The description of all routes: what the handlers say of themselves, and what holds for all.

use utoipa::PartialSchema;
use utoipa::openapi::{
    Components, Content, Info, OpenApi, Ref, RefOr, Required, Response, Tag,
    path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
    response::ResponseBuilder,
    schema::{ObjectBuilder, SchemaType, Type},
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use crate::problem::{Body, PROBLEM_JSON};

const BEARER: &str = "bearer";
const PROBLEM: &str = "Problem";

/// Adds to routes that identify their caller what all of them answer.
pub(crate) fn known(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            operation.security = Some(vec![SecurityRequirement::new::<_, _, String>(BEARER, [])]);
            refusal(operation, "401", "No token, or one that is not accepted");
            refusal(operation, "403", "A page or a caller that may not do this");
            refusal(operation, "400", "Bad input; `field` names it");
            refusal(operation, "500", "A fault of this server");
            refusal(operation, "503", "Not ready, or no answer in time; `Retry-After` says when to try again");
            if path.contains('{') {
                refusal(operation, "404", "Absent, or another tenant's: nobody can tell which");
            }
            if operation.request_body.is_some() {
                refusal(operation, "404", "Something it names is absent, or another tenant's");
                refusal(operation, "408", "The body did not arrive in time");
                refusal(operation, "413", "The body is too large");
            }
            if method == HttpMethod::Post {
                let description = "The same key and the same request give the same answer, for 24 hours";
                let key = header("Idempotency-Key", description, 255);
                operation.parameters.get_or_insert_default().push(key.into());
                refusal(operation, "409", "In conflict with its state, or with a request that is still running");
            }
        }
    }
}

/// Finishes the whole description.
pub(crate) fn finish(api: &mut OpenApi) {
    api.info = Info::new("Catchment", env!("CARGO_PKG_VERSION"));
    api.info.description = Some(
        "Brings documents from the places teams keep them into an index that can be asked.\n\nEvery error is an \
         `application/problem+json`: `detail` says what to do, `code` is stable. Every answer carries `X-Request-Id`. \
         A trailing slash makes no difference."
            .to_owned(),
    );
    api.tags = Some(
        [
            ("integrations", "Stored connections to vendors"),
            ("vendors", "The catalogue, and one's own connection with each vendor"),
            ("documents", "Looking at what a vendor has, bringing it in, and asking it"),
            ("jobs", "Work that outlives its request"),
            ("operations", "How the server is"),
        ]
        .map(|(name, description)| {
            let mut tag = Tag::new(name);
            tag.description = Some(description.to_owned());
            tag
        })
        .into(),
    );
    let components = api.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        BEARER,
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("`sub` is the user, `org` the organization, `role` is `member` or `admin`"))
                .build(),
        ),
    );
    components.schemas.insert(PROBLEM.to_owned(), Body::schema());
    for item in api.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            for (status, response) in &mut operation.responses.responses {
                if let (true, RefOr::T(response)) = (status.starts_with(['4', '5']), response) {
                    describe(response);
                }
            }
        }
    }
}

/// Every refusal is a problem.
fn describe(response: &mut Response) {
    if response.content.is_empty() {
        let content = Content::new(Some(Ref::from_schema_name(PROBLEM)));
        response.content.insert(PROBLEM_JSON.to_owned(), content.into());
    }
}

fn refusal(operation: &mut Operation, status: &str, description: &str) {
    let response = || ResponseBuilder::new().description(description).build().into();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(response);
}

fn header(name: &str, description: &str, longest: usize) -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .min_length(Some(1))
        .max_length(Some(longest))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}
